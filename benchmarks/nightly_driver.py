"""The stages of a night on one data folder: `nightly_driver.py ROOT POLICY`; one line of JSON for each."""

from __future__ import annotations

import json
import os
import resource
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eaas_assets.contracts.documents import validate_document
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.analysing import ExperimentTables, analyse_all
from eaas_assets.experiments.calibrating import calibrate_all
from eaas_assets.experiments.folders import document_of
from eaas_assets.experiments.registry import read_experiments
from eaas_assets.storage.yaml_documents import read_yaml

Counts = dict[str, int]


def main(root: Path, policy_file: Path) -> None:
    policy = validate_document(ExperimentPolicy, read_yaml(policy_file.parent, policy_file.name))
    with _stage("reading the documents") as counts:
        catalogue = read_experiments(root)
        counts["rows"] = len(catalogue.experiments)
    with _stage("first night: design, monitoring, impact, segments") as counts:
        tables = analyse_all(root, catalogue, policy)
        _count(counts, tables)
    with _stage("second night, nothing changed") as counts:
        _count(counts, analyse_all(root, catalogue, policy, earlier=tables))
    name = next(iter(catalogue.experiments))
    document = root / document_of(name)
    before = document.read_text()
    try:
        document.write_text(before.replace('"title": "', '"title": "Renewed: '))
        catalogue = read_experiments(root)
        with _stage("a night in which one document changed") as counts:
            _count(counts, analyse_all(root, catalogue, policy, earlier=tables))
    finally:
        document.write_text(before)
    catalogue = read_experiments(root)
    with _stage("self-test of every metric, 400 random splits each") as counts:
        calibration = calibrate_all(root, catalogue, policy)
        counts |= {"renewed": calibration["experiment_id"].nunique(), "rows": len(calibration)}
    with _stage("self-test, nothing changed") as counts:
        counts["rows"] = len(calibrate_all(root, catalogue, policy, earlier=calibration))


def _count(counts: Counts, tables: ExperimentTables) -> None:
    frames = (tables.registry, tables.design, tables.monitoring, tables.impact, tables.segments)
    counts |= {"renewed": len(tables.renewed), "rows": sum(map(len, frames))}


@contextmanager
def _stage(name: str) -> Iterator[Counts]:
    """Measure what is done within, by this process and those that it starts."""
    counts: Counts = {"renewed": 0, "rows": 0}
    wall, cpu = time.perf_counter(), _cpu()
    with _Memory() as memory:
        yield counts
    times = {"wall_s": time.perf_counter() - wall, "cpu_s": _cpu() - cpu}
    print(json.dumps({"stage": name, **times, "peak_mib": memory.peak / 1024**2, **counts}), flush=True)


def _cpu() -> float:
    usages = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


class _Memory:
    """The most memory, in bytes, that this process and its children hold at once, looked at twenty times a second."""

    def __enter__(self) -> _Memory:
        self.peak, self._done = _held(), threading.Event()
        self._watch = threading.Thread(target=self._look)
        self._watch.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._watch.join()

    def _look(self) -> None:
        while not self._done.wait(0.05):
            self.peak = max(self.peak, _held())


def _held() -> int:
    tasks = Path("/proc/self/task").glob("*/children")
    processes = ["self", *(child for task in tasks for child in task.read_text().split())]
    return sum(map(_resident, processes)) * os.sysconf("SC_PAGE_SIZE")


def _resident(process: str) -> int:
    try:
        return int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):
        return 0  # it has just ended


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
