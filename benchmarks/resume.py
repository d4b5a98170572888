"""SIGKILL at random moments, then resume: `python benchmarks/resume.py --points 200`.

A run of 20,000 evaluations is killed at a random number of asked questions, and continued by a second process. Shown
per point: how many questions were asked twice (at most the 50 in flight), and that the sealed tables and the aggregates
equal those of an undisturbed run.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--points", type=int, default=20)
    parser.add_argument("--evaluations", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--work-in", type=Path, help=argparse.SUPPRESS)  # a process that works on the run
    options = parser.parse_args()
    if options.work_in:
        work(options.work_in, options.evaluations)
        return
    print(f"Load when started: {', '.join(f'{load:.1f}' for load in os.getloadavg())}; {os.cpu_count()} CPUs.\n")
    rng = np.random.default_rng(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        _work_until(Path(folder), options.evaluations, None)
        undisturbed = _sealed(Path(folder))
    redone, differing = [], 0
    for point in range(options.points):
        kill_at = int(rng.integers(1, options.evaluations))
        with tempfile.TemporaryDirectory() as folder:
            _work_until(Path(folder), options.evaluations, kill_at)
            _work_until(Path(folder), options.evaluations, None)
            redone.append(sum(_asked(Path(folder))) - options.evaluations)
            same = _equal(undisturbed, _sealed(Path(folder)))
            differing += not same
        print(
            f"{point + 1}/{options.points}: killed after {kill_at:,}, {redone[-1]} asked twice, "
            f"results {'identical' if same else 'DIFFER'}",
            file=sys.stderr,
        )
    print("| points | evaluations each | in flight | asked twice, most | mean | results that differ |")
    print("| --- | --- | --- | --- | --- | --- |")
    print(f"| {options.points} | {options.evaluations:,} | 50 | {max(redone)} | {np.mean(redone):.1f} | {differing} |")
    if max(redone) > 50 or differing:
        sys.exit(1)


def work(folder: Path, evaluations: int) -> None:
    """Start or continue the run, noting each question in a file of this process."""
    from workload import EchoAgent, plan, run_store, scenarios

    from eaas_assets.agents.protocol import Answer
    from eaas_assets.contracts.agent import AgentRequest

    class Noting(EchoAgent):
        """Leaves one byte for each question; a write without buffer survives SIGKILL."""

        def __init__(self) -> None:
            super().__init__()
            self._notes = os.open(folder / f"asked.{os.getpid()}", os.O_CREAT | os.O_WRONLY | os.O_APPEND)

        async def answer(self, request: AgentRequest) -> Answer:
            os.write(self._notes, b".")
            answered = await super().answer(request)
            return answered._replace(simulated_s=(request.seed % 1000) / 1000)  # the clock would differ by run

    store = run_store(folder)
    store.execute(store.start(plan(scenarios(evaluations))), Noting(), lambda _: None)


def _work_until(folder: Path, evaluations: int, kill_at: int | None) -> None:
    """Let a process work to its end, or until it has asked ``kill_at`` questions."""
    command = [sys.executable, __file__, "--evaluations", str(evaluations), "--work-in", str(folder)]
    process = subprocess.Popen(command)
    while process.poll() is None:
        if kill_at is not None and sum(_asked(folder)) >= kill_at:
            process.send_signal(signal.SIGKILL)
            process.wait()
            return
        time.sleep(0.001)
    if process.returncode:
        sys.exit(f"the worker ended with {process.returncode}")


def _asked(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.glob("asked.*")]


def _sealed(folder: Path) -> list[pd.DataFrame]:
    """The sealed tables, without the run's name."""
    paths = sorted((folder / "tables").rglob("*.parquet"))
    return [pd.read_parquet(path).drop(columns="run_id") for path in paths]


def _equal(one: list[pd.DataFrame], other: list[pd.DataFrame]) -> bool:
    return len(one) == len(other) and all(left.equals(right) for left, right in zip(one, other, strict=True))


if __name__ == "__main__":
    main()
