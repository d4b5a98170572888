"""The resource through which assets see the user's files, and where outputs go.

Files are read once per Dagster run, so that all assets of a run speak of the same state of the world.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple, cast

import dagster as dg
import pandas as pd
import pyarrow.parquet as pq
from filelock import FileLock
from pydantic import PrivateAttr

from eaas_assets.agents.catalogue import AgentCatalogue, AgentVersionFile, read_agent_versions
from eaas_assets.contracts.decision_policy import ApprovalPolicy, DecisionPolicy
from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.contracts.notification_policy import NotificationPolicy
from eaas_assets.contracts.policies import EvaluationPolicy, ReleasePolicy
from eaas_assets.contracts.portfolio_policy import PortfolioPolicy
from eaas_assets.contracts.readings import FileReading, read_document_noted
from eaas_assets.contracts.report_policy import NarrativeSettings, ReportPolicy
from eaas_assets.contracts.suite import Suite
from eaas_assets.contracts.tables import Table, build, column_types, table_name
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.defs.living import hold, let_go
from eaas_assets.errors import InputError, PolicyError, Problem
from eaas_assets.evaluation.execution.runs import RunStore
from eaas_assets.experiments.registry import ExperimentCatalogue, read_experiments
from eaas_assets.history.imports import HistoryReading, read_history
from eaas_assets.history.record import RunRecord
from eaas_assets.storage.locations import Locations
from eaas_assets.storage.tables import TableStore
from eaas_assets.suites.reading import SuiteReading, read_suites

POLICIES: dict[str, type[Document]] = {
    "evaluation": EvaluationPolicy,
    "release": ReleasePolicy,
    "experiments": ExperimentPolicy,
    "decisions": DecisionPolicy,
    "approvals": ApprovalPolicy,
    "portfolio": PortfolioPolicy,
    "reports": ReportPolicy,
    "notifications": NotificationPolicy,
}
"""Name of a policy → what its file must look like."""


def policy_file(name: str) -> str:
    """Where a policy stands below the data folder."""
    return f"policies/{name}.yaml"


class PolicyReading(NamedTuple):
    """A policy, or None with what is wrong in ``reading``."""

    policy: Document | None
    reading: FileReading


class WorldFiles:
    """What the user's files say, each read when it is first asked for."""

    def __init__(self, locations: Locations) -> None:
        """Read below ``locations.data``."""
        self.locations = locations
        self._root = locations.data

    @cached_property
    def suites(self) -> list[SuiteReading]:
        """All suites, also the ones with faults."""
        return read_suites(self._root)

    @cached_property
    def agents(self) -> AgentCatalogue:
        """All agent versions."""
        return read_agent_versions(self._root)

    @cached_property
    def history(self) -> HistoryReading:
        """Runs that were made before this system."""
        return read_history(self._root)

    @cached_property
    def experiments(self) -> ExperimentCatalogue:
        """All experiments, also the ones with faults."""
        return read_experiments(self._root)

    @cached_property
    def _policies(self) -> dict[str, PolicyReading]:
        """Every policy by its name, read or with its faults."""
        return {name: PolicyReading(*read_document_noted(model, self._root, policy_file(name), "policy"))
                for name, model in POLICIES.items()}  # fmt: skip

    def _policy(self, name: str) -> Any:
        policy, reading = self._policies[name]
        if policy is None:
            raise PolicyError("\n".join(map(str, reading.problems)))
        return policy

    @property
    def evaluation_policy(self) -> EvaluationPolicy:
        """How executed evaluations are scored.

        Raises:
            PolicyError: The file is missing or wrong; without rules nothing is scored.
        """
        return cast(EvaluationPolicy, self._policy("evaluation"))

    @property
    def release_policy(self) -> ReleasePolicy:
        """How runs are compared and gated.

        Raises:
            PolicyError: The file is missing or wrong.
        """
        return cast(ReleasePolicy, self._policy("release"))

    @property
    def experiment_policy(self) -> ExperimentPolicy:
        """How experiments are checked, watched and estimated.

        Raises:
            PolicyError: The file is missing or wrong.
        """
        return cast(ExperimentPolicy, self._policy("experiments"))

    @property
    def decision_policy(self) -> DecisionPolicy:
        """Which rule decides.

        Raises:
            PolicyError: The file is missing or wrong; without rules nothing is decided.
        """
        return cast(DecisionPolicy, self._policy("decisions"))

    @property
    def approval_policy(self) -> ApprovalPolicy:
        """Who must agree.

        Raises:
            PolicyError: The file is missing or wrong.
        """
        return cast(ApprovalPolicy, self._policy("approvals"))

    @property
    def portfolio_policy(self) -> PortfolioPolicy:
        """How experiments are valued, ranked and funded.

        Raises:
            PolicyError: The file is missing or wrong.
        """
        return cast(PortfolioPolicy, self._policy("portfolio"))

    @property
    def narrative(self) -> NarrativeSettings | None:
        """Who may put findings in other words; None where it is switched off, or there is no such policy.

        Raises:
            PolicyError: The file is wrong.
        """
        if not (self._root / policy_file("reports")).exists():
            return None
        return cast(ReportPolicy, self._policy("reports")).narrative

    @property
    def policies(self) -> dict[str, Document]:
        """The policies that could be read, by name."""
        return {name: read.policy for name, read in self._policies.items() if read.policy is not None}

    def decides(self) -> bool:
        """Whether the data folder has rules to decide by; an older one may have none."""
        return (self._root / policy_file("decisions")).exists()

    def version(self, key: VersionKey) -> AgentVersionFile:
        """The definition of an agent version.

        Raises:
            InputError: There is none, or it is wrong; the problems say what.
        """
        if (version := self.agents.versions.get(key)) is not None:
            return version
        file = f"agents/{key.agent}/{key.version}.yaml"
        problems = [problem for reading in self.agents.files if reading.file == file for problem in reading.problems]
        raise InputError(problems or [Problem(file, "missing_file", "no readable definition", "an agent version")])

    def suite(self, name: str) -> SuiteReading:
        """A suite by name.

        Raises:
            InputError: There is none, or it cannot be used; the problems say why.
        """
        reading = next((reading for reading in self.suites if reading.name == name), None)
        if reading is not None and reading.usable:
            return reading
        problems = [problem for file in reading.files for problem in file.problems] if reading else []
        file = f"suites/{name}/suite.yaml"
        raise InputError(problems or [Problem(file, "missing_file", "no such suite", "a suite with scenarios")])

    def suite_rules(self, name: str) -> Suite:
        """The document of a usable suite."""
        return cast(Suite, self.suite(name).suite)

    def all_readings(self) -> list[FileReading]:
        """Every file that was looked at, with its outcome."""
        suites = [file for reading in self.suites for file in reading.files]
        policies = [self._policies[name].reading for name in ("evaluation", "release")]
        return [*suites, *self.agents.files, *policies, *self.history.files]


class World(dg.ConfigurableResource):
    """Where the user's files are and where outputs go.

    Attributes:
        data_dir: The data folder.
        output_dir: The output folder.
    """

    data_dir: str
    output_dir: str
    _files: WorldFiles = PrivateAttr()
    _past: dict[str, RunRecord] = PrivateAttr(default_factory=dict)
    _living: FileLock | None = PrivateAttr(default=None)

    def setup_for_execution(self, context: dg.InitResourceContext) -> None:
        """Begin a Dagster run with fresh eyes, and show as long as its process lives that it does."""
        self._files = WorldFiles(self.locations)
        self._past = {}
        self._living = hold(self.locations.dagster_home, context.run.run_id) if context.run else None

    def teardown_after_execution(self, context: dg.InitResourceContext) -> None:
        """End a Dagster run."""
        if self._living is not None:
            let_go(self._living)

    def past(self, agent: str, read: Callable[[], RunRecord]) -> RunRecord:
        """All recorded runs of an agent, read once per Dagster run: several assets compare with them."""
        if agent not in self._past:
            self._past[agent] = read()
        return self._past[agent]

    @property
    def locations(self) -> Locations:
        """Both folders, absolute."""
        return Locations.at(self.data_dir, self.output_dir)

    @property
    def files(self) -> WorldFiles:
        """The user's files as they are in this Dagster run."""
        return self._files

    @property
    def tables(self) -> TableStore:
        """Tables of all runs."""
        return TableStore(self.locations.tables)

    def has_snapshot(self, contract: type[Table]) -> bool:
        """Whether a snapshot table was made, by this version of the package or one with the same columns."""
        path = self.tables.snapshot_path(table_name(contract))
        return path.exists() and pq.read_schema(path).names == list(column_types(contract))

    def snapshot(self, contract: type[Table]) -> pd.DataFrame:
        """A snapshot table as it is now; an empty one where there is none that :meth:`has_snapshot` counts."""
        if not self.has_snapshot(contract):
            return build(contract, [])
        return self.tables.read(self.tables.snapshot_path(table_name(contract)))

    @property
    def audit(self) -> AuditLog:
        """The audit log of this installation.

        Raises:
            StorageError: Its keys would lie in the data or output folder.
        """
        return AuditLog.at(self.locations)

    @property
    def runs(self) -> RunStore:
        """Plans, ledgers and manifests of all runs."""
        return RunStore(self.locations.runs, self.tables)
