"""The same work on ours and on other evaluation harnesses: `python benchmarks/harness.py`.

Three tasks: many evaluations of an agent that answers at once (what the harness itself costs), 200 of one that takes
half a second (how well it keeps 50 in flight), and the same beside a process that burns CPU (how much of its own work
it takes for the agent's). Prints Markdown. Not here: how each harness is driven (`rivals/`) and installed.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from installing import VERSIONS, Harness, InstallError, install

NAMES = ("ours", *VERSIONS)
SLOW_COUNT, SLOW_S = 200, 0.5
IDEAL_S = 2.0

Result = dict[str, Any]


class DriverError(Exception):
    """A driver that did not deliver, and why."""


class Task(NamedTuple):
    """What a driver is told to do."""

    name: str
    evaluations: int
    delay_s: float
    beside_burner: bool = False


def main() -> None:
    options = _options()
    print(
        f"Load when started: {', '.join(f'{load:.1f}' for load in os.getloadavg())}; {os.cpu_count()} CPUs.\n",
        flush=True,
    )
    harnesses = {}
    for name in options.only.split(","):
        try:
            harnesses[name] = install(name, options.cache)
        except InstallError as error:
            print(f"{name}: not installable, {error}\n")
    tasks = {
        "a": Task("at once", options.n, 0.0),
        "b": Task("half a second", SLOW_COUNT, SLOW_S),
        "c": Task("half a second, machine busy", SLOW_COUNT, SLOW_S, beside_burner=True),
    }
    for letter in options.tasks.split(","):
        results = _measured(harnesses, tasks[letter], options.rounds)
        print(
            {"a": _at_once, "b": _half_a_second, "c": _recorded}[letter](harnesses, results, tasks[letter]),
            "\n",
            flush=True,
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", default=",".join(NAMES), help=f"some of {','.join(NAMES)}")
    parser.add_argument("--n", type=int, default=10_000, help="evaluations of the agent that answers at once")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many counts")
    parser.add_argument("--tasks", default="a,b,c")
    parser.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "eaas-benchmarks")
    options = parser.parse_args()
    if unknown := set(options.only.split(",")) - set(NAMES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    options.cache = options.cache.resolve()
    return options


def _measured(harnesses: dict[str, Harness], task: Task, rounds: int) -> dict[str, Result | str]:
    """The best of each figure over the rounds, or what went wrong. Rounds take turns, so that load hits all alike."""
    found: dict[str, list[Result]] = {name: [] for name in harnesses}
    failures: dict[str, str] = {}
    with _burner() if task.beside_burner else _nothing():
        for number in range(rounds):
            for name in [name for name in harnesses if name not in failures]:
                print(f"{task.name}, round {number + 1}: {name}", file=sys.stderr)
                try:
                    found[name].append(_drive(harnesses[name], task))
                except DriverError as error:
                    failures[name] = str(error)
    best = {name: {key: _least(results, key) for key in results[0]} for name, results in found.items() if results}
    return best | failures


def _least(results: list[Result], key: str) -> float | None:
    values = [result[key] for result in results if result[key] is not None]
    return min(values, default=None)


def _drive(harness: Harness, task: Task) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        command = [*harness.command, str(task.evaluations), str(task.delay_s), folder]
        # Whatever a harness leaves in the home folder counts as left by it.
        environment = {**os.environ, "HOME": folder, "PYTHONPATH": "", **harness.environment}
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=1800, check=False)
        except subprocess.TimeoutExpired as error:
            raise DriverError("not finished within 30 minutes") from error
    if done.returncode:
        raise DriverError(f"exit code {done.returncode}: {(done.stderr.strip().splitlines() or [''])[-1][:200]}")
    result: Result = json.loads(done.stdout.strip().splitlines()[-1])
    if abs(result["accuracy"] - 0.9) > 1e-9:
        raise DriverError(f"accuracy {result['accuracy']:g} instead of 0.9: not the same work")
    return result


@contextmanager
def _burner() -> Iterator[None]:
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _at_once(harnesses: dict[str, Harness], results: dict[str, Result | str], task: Task) -> str:
    heads = ["wall, s", "CPU, ms each", "× ours", "peak above import, MiB", "bytes left each"]
    own = results.get("ours")
    rows = []
    for name, result in results.items():
        if isinstance(result, str):
            rows.append([harnesses[name].label, result])
            continue
        ratio = f"{result['cpu_s'] / own['cpu_s']:.1f}" if isinstance(own, dict) else "—"
        each = f"{1000 * result['cpu_s'] / task.evaluations:.3f}"
        left = f"{result['bytes'] / task.evaluations:,.0f}" if result["bytes"] else "nothing stored"
        rows.append([harnesses[name].label, f"{result['wall_s']:.2f}", each, ratio, f"{result['peak_mib']:.0f}", left])
    return _table(f"{task.evaluations:,} evaluations of an agent that answers at once, 50 in flight", heads, rows)


def _half_a_second(harnesses: dict[str, Harness], results: dict[str, Result | str], task: Task) -> str:
    rows = []
    for name, result in results.items():
        if isinstance(result, str):
            rows.append([harnesses[name].label, result])
            continue
        over = f"{result['wall_s'] - IDEAL_S:+.2f}"
        rows.append([harnesses[name].label, f"{result['wall_s']:.2f}", over, f"{result['cpu_s']:.2f}"])
    title = f"{task.evaluations} evaluations of a {task.delay_s:g} s agent, 50 in flight (ideal {IDEAL_S:.2f} s)"
    return _table(title, ["wall, s", "over ideal, s", "CPU, s"], rows)


def _recorded(harnesses: dict[str, Harness], results: dict[str, Result | str], task: Task) -> str:
    rows = []
    for name, result in results.items():
        if isinstance(result, str):
            rows.append([harnesses[name].label, result])
            continue
        recorded = result["p95_ms"]
        rows.append([harnesses[name].label, "records none" if recorded is None else f"{recorded:.0f}"])
    title = f"Recorded p95 of an agent that takes {1000 * task.delay_s:.0f} ms, beside a process that burns CPU"
    return _table(title, ["p95, ms"], rows)


def _table(title: str, heads: list[str], rows: list[list[str]]) -> str:
    width = len(heads) + 1
    lines = [["Harness", *heads], ["---"] * width, *(row + [""] * (width - len(row)) for row in rows)]
    return f"### {title}\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


if __name__ == "__main__":
    main()
