"""One A/B test of ten million users on ours and on other engines, and a thousand experiments at once.

`python benchmarks/experiments.py` prints Markdown. Work, processor time and memory are each engine's own; the bare scan
of DuckDB is the floor. Rounds take turns, so that other work on the machine hits all alike. The engines must agree on
every effect, or their row says so. Not here: how each engine is driven (`ab_rivals/`), and the thousand experiments
(`many_experiments.py`).
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import time
import venv
from pathlib import Path
from typing import Any

from ab_data import write_users
from many_experiments import many_experiments

DRIVERS = Path(__file__).parent / "ab_rivals"
PROJECT = Path(__file__).parents[1]
ENGINES: dict[str, list[str]] = {
    "scan": [],
    "ours": [],
    "tea-tasting": ["tea-tasting==1.14.0", "polars", "pyarrow"],
    "gbstats": ["gbstats==0.8.0", "duckdb"],
    "spotify-confidence": ["spotify-confidence==4.1.0", "pyarrow"],
    "statsmodels": ["statsmodels", "pandas", "pyarrow"],
}
"""Engine → what is installed into an environment of its own; nothing for what the project has."""
ANSWERS = ("mean", "adjusted", "adjusted_error", "ratio")
TOLERANCE = 1e-5

Result = dict[str, Any]


def main() -> None:
    options = _options()
    print(f"Load when started: {', '.join(f'{load:.1f}' for load in os.getloadavg())}; {os.cpu_count()} CPUs.\n")
    if not options.skip_users:
        file = options.cache / f"users-{options.users}.parquet"
        if not file.exists():
            write_users(file, options.users)
        results = _driven(options.only.split(","), file, options)
        print(_table(results, options.users), "\n", flush=True)
    if not options.skip_many:
        print(many_experiments(options.experiments, options.units, options.cache))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(ENGINES), help=f"some of {','.join(ENGINES)}")
    parser.add_argument("--users", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3, help="whole processes per engine; the best counts")
    parser.add_argument("--experiments", type=int, default=1_000)
    parser.add_argument("--units", type=int, default=10_000, help="units of each of the many experiments")
    parser.add_argument("--skip-users", action="store_true")
    parser.add_argument("--skip-many", action="store_true")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "eaas-benchmarks")
    options = parser.parse_args()
    if unknown := set(options.only.split(",")) - set(ENGINES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    options.cache = options.cache.resolve()
    return options


def _driven(names: list[str], file: Path, options: argparse.Namespace) -> dict[str, Result | str]:
    """The best of each figure over whole processes, or what went wrong."""
    runs: dict[str, list[Result]] = {name: [] for name in names}
    failures: dict[str, str] = {}
    for _ in range(options.rounds):
        for name in [name for name in names if name not in failures]:
            try:
                runs[name].append(_process(_python(name, options.cache), name, file))
            except subprocess.CalledProcessError as error:
                failures[name] = f"failed: {(error.stderr.strip().splitlines() or ['no message'])[-1][:160]}"
    times = ("import_s", "work_s", "work_cpu_s", "cpu_s", "process_s", "peak_mib")
    best = {
        name: found[0] | {key: min(run[key] for run in found) for key in times} for name, found in runs.items() if found
    }
    return {name: failures[name] if name in failures else best[name] for name in names}


def _process(python: Path, name: str, file: Path) -> Result:
    """One whole process that asks once, as a user does who waits for it."""
    command = [str(python), str(DRIVERS / f"{name.replace('-', '_')}_driver.py"), str(file), "--rounds", "1"]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    begun = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment, timeout=1800)
    found: Result = json.loads(done.stdout.strip().splitlines()[-1])
    return found | {"process_s": time.perf_counter() - begun}


def _python(name: str, cache: Path) -> Path:
    """The interpreter of an engine; its environment is made on first use."""
    wanted = ENGINES[name]
    if not wanted:
        return Path(sys.executable)
    folder = cache / name
    note = folder / ".installed"
    if not note.is_file() or note.read_text() != " ".join(wanted):
        venv.create(folder, with_pip=True, clear=True)
        pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", *wanted]
        subprocess.run(pip, check=True, capture_output=True, text=True, timeout=1200)
        note.write_text(" ".join(wanted))
    return folder / "bin" / "python"


def _table(results: dict[str, Result | str], users: int) -> str:
    floor = results.get("scan")
    reference = next((result for name, result in results.items() if name != "scan" and isinstance(result, dict)), {})
    lines = [
        f"One A/B test of {users:,} users: adjusted mean, ratio, sample ratio",
        "",
        "| engine | import s | work s | × scan | work CPU s | × scan | process s | process CPU s | peak MiB | agrees |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for name, result in results.items():
        if isinstance(result, str):
            lines.append(f"| {name} | {result} | | | | | | | | |")
            continue
        work = [f"{result[key]:.3f} | {_times(result, floor, key)}" for key in ("work_s", "work_cpu_s")]
        lines.append(
            f"| {name} | {result['import_s']:.2f} | {' | '.join(work)} | {result['process_s']:.2f} "
            f"| {result['cpu_s']:.2f} | {result['peak_mib']:.0f} | {_agrees(result, reference)} |"
        )
    return "\n".join(lines)


def _times(result: Result, floor: Result | str | None, key: str) -> str:
    return f"{result[key] / floor[key]:.1f}" if isinstance(floor, dict) else "–"


def _agrees(result: Result, reference: Result) -> str:
    shared = [key for key in ANSWERS if key in result and key in reference]
    if not shared:
        return "–"
    off = [key for key in shared if not math.isclose(result[key], reference[key], rel_tol=TOLERANCE)]
    missing = [key for key in ANSWERS if key not in result]
    return (f"differs: {', '.join(off)}" if off else "yes") + (f", without {', '.join(missing)}" if missing else "")


if __name__ == "__main__":
    main()
