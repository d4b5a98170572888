"""The stages of a night on one data folder: `nightly_driver.py ROOT POLICY`; one line of JSON for each."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eaas_assets.contracts.documents import validate_document
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.analysis import ExperimentTables, analyse_all
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
    """Measure what is done within; the peak is that of the process until then."""
    counts: Counts = {"renewed": 0, "rows": 0}
    wall, cpu = time.perf_counter(), time.process_time()
    yield counts
    times = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"stage": name, **times, "peak_mib": peak, **counts}), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
