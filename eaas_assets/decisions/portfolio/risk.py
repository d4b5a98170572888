"""Where the risk sits: open experiments by tier, owner, population and domain, and what holds experiments up.

Experiments are counted, never events: two blockers of one experiment block one experiment. Experiments that have
ended expose nobody any more and are left out of shares; their cost counts in ``roi``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import pandas as pd

from eaas_assets.decisions.portfolio.entries import Entry
from eaas_assets.decisions.portfolio.figures import Figure, undefined
from eaas_assets.wording import count, number, percent

MOST_GROUPS = 20
"""Groups of one grouping that get a row each; the rest are one row."""
_NONE_OPEN = "no experiment is proposed or running"

_GROUPINGS: dict[str, Callable[[Entry], str]] = {
    "tier": lambda entry: entry.risk_tier,
    "owner": lambda entry: entry.owner,
    "population": lambda entry: entry.population,
    "domain": lambda entry: entry.domain,
}


def herfindahl(sizes: Iterable[int]) -> float | None:
    """Sum of the squared shares: 1 where all is in one group, 1 / n for n equal groups; None of nothing.

    Source: Hirschman (1964), The paternity of an index, American Economic Review 54.
    """
    known = list(sizes)
    total = sum(known)
    return sum((size / total) ** 2 for size in known) if total else None


def risk_figures(entries: Sequence[Entry], monitoring: pd.DataFrame) -> list[Figure]:
    """Exposure, concentration, blockers and alarms.

    Args:
        entries: All experiments.
        monitoring: ExperimentMonitoring.
    """
    open_ones = [entry for entry in entries if not entry.ended]
    figures = [figure for name in _GROUPINGS for figure in _grouping(name, open_ones)]
    return [*figures, *_held_up(open_ones), _alarms(open_ones, monitoring), _pending(entries)]


def _grouping(name: str, entries: Sequence[Entry]) -> list[Figure]:
    area: Literal["risk", "concentration"] = "risk" if name == "tier" else "concentration"
    sizes = Counter(_GROUPINGS[name](entry) for entry in entries)
    index = herfindahl(sizes.values())
    if index is None:
        return [undefined(area, "herfindahl", "ratio", _NONE_OPEN)._replace(grouping=name)]
    total = len(entries)
    ordered = sorted(sizes.items(), key=lambda item: (-item[1], item[0]))
    rows = [_share(area, name, group, size, total) for group, size in ordered[:MOST_GROUPS]]
    if rest := ordered[MOST_GROUPS:]:
        size = sum(other for _, other in rest)
        said = f"{count(len(rest), f'further {name}')} together: {_of_open(size, total)}."
        rows.append(
            Figure(area, "share_of_further_groups", "share", size / total, said, None, None, size, total, name)
        )  # fmt: skip
    said = (
        f"Open experiments by {name}: concentration {number(index, 2)} (Herfindahl), that of "
        f"{number(1.0 / index)} equal groups; there are {len(sizes):,}."
    )
    return [*rows, Figure(area, "herfindahl", "ratio", index, said, grouping=name)]


def _share(area: str, name: str, group: str, size: int, total: int) -> Figure:
    said = f"{name.capitalize()} {group}: {_of_open(size, total)}."
    return Figure(area, "share_of_open_experiments", "share", size / total, said, None, None, size, total, name, group)


def _of_open(size: int, total: int) -> str:
    return f"{size:,} of {count(total, 'open experiment')} ({percent(size / total)})"


def _held_up(entries: Sequence[Entry]) -> list[Figure]:
    blocked = [entry for entry in entries if entry.blockers]
    blockers = sum(entry.blockers for entry in blocked)
    total = len(entries)
    if not total:
        return [undefined("risk", "experiments_blocked", "count", _NONE_OPEN)]
    said = f"{len(blocked):,} of {count(total, 'open experiment')} blocked, by {count(blockers, 'declared blocker')}."
    return [Figure("risk", "experiments_blocked", "count", len(blocked), said, None, None, len(blocked), total)]


def _alarms(entries: Sequence[Entry], monitoring: pd.DataFrame) -> Figure:
    running = {entry.experiment_id for entry in entries if entry.status == "running"}
    if not running:
        return undefined("risk", "experiments_with_alarms", "count", "no experiment is running")
    raised = monitoring[monitoring["latest"].astype(bool) & monitoring["alarm"].astype("boolean").fillna(False)]
    alarmed = running & set(raised["experiment_id"])
    said = f"{len(alarmed):,} of {count(len(running), 'running experiment')} with an alarm at the last look."
    return Figure(
        "risk", "experiments_with_alarms", "count", len(alarmed), said, None, None, len(alarmed), len(running)
    )


def _pending(entries: Sequence[Entry]) -> Figure:
    decided = [entry.decided for entry in entries if entry.decided]
    if not decided:
        return undefined("risk", "decisions_pending_approval", "count", "nothing was decided yet")
    waiting = sum(decision.state == "pending_approval" for decision in decided)
    said = f"{waiting:,} of {count(len(decided), 'current decision')} waiting for approval."
    return Figure("risk", "decisions_pending_approval", "count", waiting, said, None, None, waiting, len(decided))
