"""On which common ground two runs are compared, and what that ground can and cannot tell.

Belongs here: the choice of basis and the limits that follow from it. Verdicts are made where they are reported.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

from eaas_assets.history.measures import Measure, scenario_measures
from eaas_assets.history.pairing import PairedTest, Pairing, pair, paired_test
from eaas_assets.history.record import Run
from eaas_assets.history.wording import count, joined, points
from eaas_assets.stats.descriptive import at_least
from eaas_assets.stats.power import mde_paired, mde_paired_proportions, resolution

Basis = Literal["runs", "shared", "none"]
MOST_PLANNED = 10_000
"""Scenarios up to which the smallest detectable drop is worked out: above it lies below a tenth of a point."""


class Comparison(NamedTuple):
    """Two runs on common ground.

    Attributes:
        reference: The earlier run, or the baseline's.
        current: The run in question.
        basis: ``runs``: totals of two full runs; ``shared``: totals over the scenarios that both ran; ``none``: nothing
            can be compared.
        before: Measures of the reference on this basis.
        after: Measures of the current run on this basis.
        pairing: Scenario by scenario.
        test: Of the pairs; None where the runs cannot be told apart by scenario: one of them is imported.
    """

    reference: Run
    current: Run
    basis: Basis
    before: dict[str, Measure]
    after: dict[str, Measure]
    pairing: Pairing
    test: PairedTest | None


def put_side_by_side(reference: Run, current: Run) -> Comparison:
    """Find the common ground of two runs.

    Two full runs of the same questions are compared as they stand. Where the questions differ (a part of a suite was
    run, scenarios were added or expected values changed) only the shared ones count: otherwise a change of the test
    would pass for a change of the agent. An imported run has no complete rows; its stated totals are compared with
    another full run's, or nothing is.
    """
    pairing = pair(reference.scenarios, current.scenarios)
    imported = reference.historical or current.historical
    if imported or not (reference.complete and current.complete):
        full = reference.scope == current.scope == "full"
        before, after = (reference.measures, current.measures) if full else ({}, {})
        return Comparison(reference, current, "runs" if full else "none", before, after, pairing, None)
    test = paired_test(pairing)
    if pairing.whole:
        return Comparison(reference, current, "runs", reference.measures, current.measures, pairing, test)
    if not len(pairing.pairs):
        return Comparison(reference, current, "none", {}, {}, pairing, None)
    before, after = (
        scenario_measures(run.scenarios[run.scenarios["scenario_id"].isin(pairing.pairs["scenario_id"])])
        for run in (reference, current)
    )
    return Comparison(reference, current, "shared", before, after, pairing, test)


def caveats(comparison: Comparison) -> list[str]:
    """What a reader must know before trusting the comparison, in sentences."""
    reference, current, pairing = comparison.reference, comparison.current, comparison.pairing
    told = []
    imported = [run for run in (reference, current) if run.historical]
    if imported:
        rows = " and ".join(f"{len(run.scenarios)} of {run.evaluation_count} scenario rows" for run in imported)
        subject = "is imported: its rates are" if len(imported) == 1 else "are imported: their rates are"
        told.append(
            f"{' and '.join(run.run_id for run in imported)} {subject} quoted. Known are {rows}, and not by which rule "
            "they passed, so nothing can be tested."
        )
    if comparison.basis == "shared":
        told.append(f"Only the {count(len(pairing.pairs), 'scenario')} that both runs share are compared.")
    if comparison.basis == "none":
        told.append("The two runs have no common ground: there is no scenario with a result in both.")
    if comparison.test is not None and pairing.unpaired:
        told.append(f"With a result in only one of them: {joined(pairing.unpaired)}.")
    if pairing.redefined:
        told.append(f"Left out because the expected values changed: {joined(pairing.redefined)}.")
    if not (reference.historical or current.historical) and reference.policy_hash != current.policy_hash:
        told.append(
            "The two runs were scored under different policies: score the older one anew before you trust this."
        )
    return told


def limits(comparison: Comparison, limit: float) -> list[str]:
    """What the number of scenarios cannot tell, in sentences.

    Args:
        comparison: Two runs.
        limit: The fall of the pass rate about which a rule asks, in points of 0 to 1.
    """
    n = _scenarios(comparison)
    if n == 0:
        return []
    step = resolution(n)
    told = [f"One scenario of {n:,} is {points(step)}."]
    if limit > 0 and not at_least(limit, step):
        told = [f"One scenario of {n:,} is {points(step)}, more than the limit of {points(limit)}."]
    if comparison.test is not None and n <= MOST_PLANNED:
        told.append(_smallest_drop(comparison, comparison.test))
    return told


def _scenarios(comparison: Comparison) -> int:
    """Scenarios on which the comparison rests."""
    if comparison.test is not None:
        return comparison.test.n
    if comparison.basis == "none":
        return 0
    return min(comparison.reference.scenario_count, comparison.current.scenario_count)


def _smallest_drop(comparison: Comparison, test: PairedTest) -> str:
    if comparison.pairing.single:
        found = mde_paired_proportions(test.n, discordance=0.0)
        ground = "if nothing else changes"
    elif test.n > 1 and test.spread > 0:
        found = mde_paired(test.spread, test.n)
        ground = "with changes as scattered as these"
    else:
        return "The smallest drop that it can detect is unknown: no scenario changed."
    if math.isnan(found.effect):
        return "No drop whatever would be significant with so few scenarios."
    return f"The smallest drop that it detects with 80 % power is {points(found.effect)}, {ground}."
