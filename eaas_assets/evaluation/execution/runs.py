"""The life of a run: planned, claimed by one process, executed into its ledger, sealed, and never opened again.

    <output>/runs/<run_id>/plan.json       what will be asked, written before the first question
                           ledger.sqlite   results while it runs
                           manifest.json   what was sealed, with counts and hashes; its presence means: complete
                           run.lock        held by the process that works on it

A process that dies lets go of its lock; whoever materializes the same plan next continues it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from eaas_assets.agents.protocol import Agent
from eaas_assets.errors import StorageError
from eaas_assets.evaluation.execution.plan import Plan, new_run_id
from eaas_assets.evaluation.execution.progress import Tell
from eaas_assets.evaluation.execution.runner import run_plan
from eaas_assets.evaluation.execution.sealing import seal_tables
from eaas_assets.storage.files import canonical_json, digest, write_atomically
from eaas_assets.storage.ledger import Ledger
from eaas_assets.storage.tables import TableStore

_held: dict[Path, FileLock] = {}
"""Locks of this process. Runs follow each other within a process, so it may take up its own run again."""


@dataclass(frozen=True)
class Run:
    """A run that this process has claimed.

    Attributes:
        resumed: Whether an unfinished plan is continued.
    """

    run_id: str
    plan: Plan
    folder: Path
    resumed: bool


@dataclass(frozen=True)
class Sealed:
    """What stands in the tables of a sealed run.

    Attributes:
        evaluations: Rows of `executed_evaluations`.
        calls: Rows of `agent_calls`.
        not_run: Evaluations that were not asked because the budget was spent.
        conflicts: Second results that differed from the first and were kept aside.
    """

    evaluations: int
    calls: int
    not_run: int
    conflicts: int


class RunStore:
    """All runs below one output folder."""

    def __init__(
        self, root: Path, tables: TableStore, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Keep runs in ``root`` and sealed tables in ``tables``; ``clock`` names the runs."""
        self.root = root
        self.tables = tables
        self._clock = clock

    def start(self, plan: Plan) -> Run:
        """Continue the unfinished run of an equal plan that nobody works on, or begin a new run."""
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(self.root / ".starting.lock", timeout=60):  # two that start at once must not take the same run
            for folder in self._unfinished(plan):
                if _claim(folder):
                    return Run(folder.name, plan, folder, resumed=True)
            folder = self.root / new_run_id(self._clock(), os.urandom(3))
            folder.mkdir()
            _claim(folder)
            write_atomically(folder / "plan.json", canonical_json(self._plan_document(folder.name, plan)).encode())
            return Run(folder.name, plan, folder, resumed=False)

    def take_up(self, run_id: str, plan: Plan) -> Run:
        """Claim a run that was started, waiting for whoever works on it.

        Raises:
            StorageError: There is no such run, or its plan asks other questions than ``plan``: the inputs changed.
        """
        folder = self.root / run_id
        document = self._read(folder / "plan.json")
        if document is None:
            raise StorageError(f"no run {run_id} in {self.root}")
        if document["plan_digest"] != plan.digest:
            changed = [
                name for name in ("configuration_digest", "suite_digest") if document[name] != getattr(plan, name)
            ]
            cause = ", ".join(changed) or "scope or trials"
            raise StorageError(f"{run_id} was planned for other inputs ({cause} changed); plan again")
        _claim(folder, wait=True)
        return Run(run_id, plan, folder, resumed=True)

    def execute(self, run: Run, agent: Agent, tell: Tell) -> Sealed:
        """Execute what is missing and seal the run; a sealed run is left as it is.

        Raises:
            StorageError: Results could not be stored. What was stored stays, and the run can be continued.
        """
        try:
            if (sealed := self.sealed(run.run_id)) is not None:
                return sealed
            ledger = Ledger(run.folder / "ledger.sqlite", run.plan.digest)
            try:
                complete = run_plan(run.plan, run.run_id, agent, ledger, tell)
                sealed = self._seal(run, ledger, budget_spent=not complete)
            finally:
                ledger.close()
            ledger.remove()
            return sealed
        finally:
            _release(run.folder)

    def kept(self, run: Run) -> int:
        """How many evaluations of an unfinished run are durable."""
        with Ledger(run.folder / "ledger.sqlite", run.plan.digest) as ledger:
            return ledger.count()

    def sealed(self, run_id: str) -> Sealed | None:
        """What was sealed of a run; None while it is unfinished."""
        manifest = self._read(self.root / run_id / "manifest.json")
        return None if manifest is None else Sealed(**{name: manifest[name] for name in Sealed.__annotations__})

    def planned_evaluations(self, run_id: str) -> int:
        """How many evaluations the run's plan has.

        Raises:
            StorageError: There is no such run.
        """
        document = self._read(self.root / run_id / "plan.json")
        if document is None:
            raise StorageError(f"no run {run_id} in {self.root}")
        return int(document["planned_evaluations"])

    def _seal(self, run: Run, ledger: Ledger, budget_spent: bool) -> Sealed:
        partition = str(run.plan.version.key)
        paths = {
            table: self.tables.run_path(table, partition, run.run_id)
            for table in ("executed_evaluations", "agent_calls")
        }
        evaluations, calls = seal_tables(run.plan, run.run_id, ledger, *paths.values(), rest_not_run=budget_spent)
        sealed = Sealed(evaluations, calls, len(run.plan.evaluations) - ledger.count(), ledger.conflicts())
        manifest = {
            "run_id": run.run_id,
            "plan_digest": run.plan.digest,
            **sealed.__dict__,
            "files": {str(path.relative_to(self.tables.root)): digest(path.read_bytes()) for path in paths.values()},
        }
        write_atomically(run.folder / "manifest.json", canonical_json(manifest).encode())
        return sealed

    def _unfinished(self, plan: Plan) -> list[Path]:
        """Folders of unsealed runs of an equal plan, the latest first."""
        found = []
        for folder in sorted(self.root.glob("RUN_*"), reverse=True):
            if (folder / "manifest.json").exists():
                continue
            document = self._read(folder / "plan.json")
            if document is not None and document["plan_digest"] == plan.digest:
                found.append(folder)
        return found

    def _plan_document(self, run_id: str, plan: Plan) -> dict[str, Any]:
        return {
            "run_id": run_id,
            "created_at": self._clock().isoformat(),
            "version": str(plan.version.key),
            "suite": plan.version.suite,
            "scope": plan.scope.__dict__,
            "plan_digest": plan.digest,
            "configuration_digest": plan.configuration_digest,
            "suite_digest": plan.suite_digest,
            "planned_evaluations": len(plan.evaluations),
            "scenarios": [scenario.scenario_id for scenario in plan.scenarios],
            "trials": plan.trials,
        }

    @staticmethod
    def _read(path: Path) -> dict[str, Any] | None:
        if not path.exists():
            return None
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return content


def _claim(folder: Path, wait: bool = False) -> bool:
    """Take the run's lock, or find that this process has it; False where another process works on the run."""
    if folder in _held:
        return True
    lock = FileLock(folder / "run.lock", timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout:
        return False
    _held[folder] = lock
    return True


def _release(folder: Path) -> None:
    lock = _held.pop(folder, None)
    if lock is not None:
        lock.release()
