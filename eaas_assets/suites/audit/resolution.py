"""How fine a suite can see: what one scenario is worth, and which drop it can show before any result is known."""

from __future__ import annotations

import math
from functools import lru_cache

from eaas_assets.stats.power import Detectable, mde_one_sample_proportion, mde_paired_proportions, resolution
from eaas_assets.suites.audit.findings import Finding, counted
from eaas_assets.suites.scenarios import SuiteReading

REFERENCE_RATE = 0.9
POWER = 0.8
ALPHA = 0.05
WANTED_DROP = 0.05
_MOST_SCENARIOS = 1000


def suite_resolution(reading: SuiteReading) -> Finding:
    """The step of the suite's pass rate, and the smallest drop that it detects with 80 % power at alpha 0.05.

    Two questions are answered: a drop below a known rate of 90 % (exact binomial test, one-sided), and a drop from one
    run to the next of an agent that answers every scenario the same each time (exact McNemar test, two-sided).
    """
    n = len(reading.scenarios)
    known = mde_one_sample_proportion(REFERENCE_RATE, n, POWER, ALPHA)
    paired = mde_paired_proportions(n, 0.0, POWER, ALPHA)
    needed = scenarios_for(WANTED_DROP)
    return Finding(
        reading.name,
        "suite_resolution",
        "info",
        counted(n, "scenario"),
        f"One scenario is {_points(resolution(n))}. "
        f"The smallest drop that shows with {POWER:.0%} power at alpha {ALPHA:g}: "
        f"{_drop(known)} below a known pass rate of {REFERENCE_RATE:.0%}, or {_drop(paired)} between two runs.",
        f"Do not read smaller changes as changes. To see a drop of {_points(WANTED_DROP)} below {REFERENCE_RATE:.0%}, "
        f"{needed:,} scenarios are needed.",
        [
            {
                "scenarios": n,
                "one_scenario": resolution(n),
                "power": POWER,
                "alpha": ALPHA,
                "reference_pass_rate": REFERENCE_RATE,
                "smallest_drop_below_reference": _or_none(known),
                "smallest_drop_between_two_runs": _or_none(paired),
                "undetectable_because": known.reason or paired.reason or None,
                "scenarios_for_5_points": needed,
            }
        ],
    )


@lru_cache(maxsize=8)
def scenarios_for(drop: float) -> int:
    """The least number of scenarios from which on a drop below the reference rate is always detected.

    The exact test is a saw-tooth in the number of scenarios: beyond the answer no larger suite sees less.
    """
    least = _MOST_SCENARIOS
    while least > 1 and mde_one_sample_proportion(REFERENCE_RATE, least - 1, POWER, ALPHA).effect <= drop:
        least -= 1
    return least


def _points(share: float) -> str:
    return f"{100 * share:.3g} points"


def _drop(detectable: Detectable) -> str:
    return f"no drop ({detectable.reason})" if math.isnan(detectable.effect) else _points(detectable.effect)


def _or_none(detectable: Detectable) -> float | None:
    return None if math.isnan(detectable.effect) else detectable.effect
