"""A/A, coverage and power of every estimator in easy and hard cases: `python benchmarks/calibration.py`.

Each case draws experiments whose truth is known and counts how often the promise is kept. Prints the table as Markdown;
``--write`` also writes it into docs/calibration.md, with a picture of each part in docs/calibration/; with ``--only``
a part alone, by its name. Costly cases are replayed fewer times, never fewer than a hundred.
"""

from __future__ import annotations

import argparse
import os
import re
import time
from concurrent.futures import ProcessPoolExecutor
from itertools import groupby
from pathlib import Path

# One thread for each process: the cases run beside each other.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from simulations import paired, panels, pictures, randomised, sequential
from simulations.case import Case
from simulations.tally import Row, tally

DOCS = Path(__file__).resolve().parents[1] / "docs"
MARKS = ("<!-- table -->", "<!-- end of table -->")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--replays", type=int, default=20_000, help="of the cheapest cases")
    parser.add_argument("--only", default="", help="cases whose area or name holds this text")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", action="store_true", help="into docs/calibration.md and docs/calibration/")
    options = parser.parse_args()
    chosen = [place for place, case in enumerate(all_cases()) if options.only in case.area + " " + case.name]
    if options.write:  # the page has whole parts
        areas = {all_cases()[place].area for place in chosen}
        chosen = [place for place, case in enumerate(all_cases()) if case.area in areas]
    started = time.monotonic()
    with ProcessPoolExecutor(options.processes) as pool:
        jobs = [pool.submit(run, place, options.replays, options.seed) for place in chosen]
        rows = [row for job in jobs for row in job.result()]
    table = markdown(rows)
    print(table)
    print(f"\n{sum(row.verdict == 'broken' for row in rows)} broken of {len(rows)}; {time.monotonic() - started:.0f} s")
    if options.write:
        write(rows, table)


def all_cases() -> list[Case]:
    """Every case, in the order of the table."""
    return [*randomised.cases(), *sequential.cases(), *paired.cases(), *panels.cases()]


def run(place: int, replays: int, seed: int) -> list[Row]:
    """One case, in a process of its own."""
    return tally(all_cases()[place], replays, seed)


def markdown(rows: list[Row]) -> str:
    """The table by parts."""
    parts = []
    for area, members in groupby(rows, key=lambda row: row.area):
        lines = [
            f"### {area}",
            "",
            "| case | counted | promised | measured | 99 % Monte-Carlo interval | replays | refused | other tools |",
            "|---|---|---|---|---|---|---|---|",
        ]
        for row in members:
            promised = "" if row.promised != row.promised else f"{_SIGN[row.promise]}{row.promised:g}"
            mark = " **broken**" if row.verdict == "broken" else ""
            lines.append(
                f"| {row.case} | {row.count} | {promised} | {row.rate:.4f}{mark} | {row.low:.4f} to {row.high:.4f} | "
                f"{row.replays:,} | {row.refused:,} | {row.others} |"
            )
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


_SIGN = {"covers": "≥ ", "errs": "≤ ", "finds": ""}


def write(rows: list[Row], table: str) -> None:
    """Put table and pictures into the documentation, between the page's marks; parts that were not run stay."""
    folder = DOCS / "calibration"
    folder.mkdir(exist_ok=True)
    for area, members in groupby(rows, key=lambda row: row.area):
        name = re.sub(r"[^a-z0-9]+", "-", area.lower()).strip("-")
        pictures.draw(area, list(members), folder / f"{name}.svg")
        table = table.replace(
            f"### {area}\n", f"### {area}\n\n![Measured and promised rates](calibration/{name}.svg)\n"
        )
    page = DOCS / "calibration.md"
    text = page.read_text(encoding="utf-8")
    before, rest = text.split(MARKS[0], 1)
    old, after = rest.split(MARKS[1], 1)
    parts = parts_of(old) | parts_of(table)
    areas = dict.fromkeys(case.area for case in all_cases())
    table = "\n\n".join(parts[area] for area in areas if area in parts)
    page.write_text(f"{before}{MARKS[0]}\n\n{table}\n\n{MARKS[1]}{after}", encoding="utf-8", newline="\n")


def parts_of(table: str) -> dict[str, str]:
    """The parts of a table by their titles, each with its title."""
    found = re.split(r"^### ", table, flags=re.MULTILINE)[1:]
    return {part.split("\n", 1)[0]: f"### {part.strip()}" for part in found}


if __name__ == "__main__":
    main()
