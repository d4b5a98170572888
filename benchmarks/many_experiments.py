"""A thousand experiments in one night, then a night in which nothing changed, and one in which one did.

Belongs here: the stages and the table. The data are made by `many_data`, and a stage is run by `nightly_driver`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from many_data import write_world

PROJECT = Path(__file__).parents[1]
DRIVER = Path(__file__).parent / "nightly_driver.py"


def many_experiments(experiments: int, units: int, cache: Path) -> str:
    """Time, processor time and peak memory of each stage as a table in Markdown."""
    root = cache / f"many-{experiments}-{units}"
    if not (root / ".complete").exists():
        shutil.rmtree(root, ignore_errors=True)
    write_world(root, experiments, units)
    # With the rest of the sample world it is a whole one, which `eaas run` can work on, too.
    sample, others = PROJECT / "data", shutil.ignore_patterns("experiments", "__pycache__")
    shutil.copytree(sample, root, dirs_exist_ok=True, ignore=others)
    command = [sys.executable, str(DRIVER), str(root), str(root / "policies" / "experiments.yaml")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=3600)
    if done.returncode:
        return f"{experiments:,} experiments: {(done.stderr.strip().splitlines() or ['no message'])[-1]}"
    lines = [
        f"{experiments:,} experiments of {units:,} units, three metrics, two segments, four weeks of days",
        "",
        "| stage | wall s | CPU s | peak MiB | experiments analysed | rows |",
        "|---|---|---|---|---|---|",
    ]
    for stage in map(json.loads, done.stdout.strip().splitlines()):
        lines.append(
            f"| {stage['stage']} | {stage['wall_s']:.1f} | {stage['cpu_s']:.1f} | {stage['peak_mib']:.0f} "
            f"| {stage['renewed']:,} | {stage['rows']:,} |"
        )
    return "\n".join(lines)
