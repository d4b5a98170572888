"""On which common ground two runs are compared, and what that ground can and cannot tell.

Belongs here: the choice of basis and the limits that follow from it. Verdicts are made where they are reported.
"""

from __future__ import annotations

import math
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eaas_assets.contracts.policies import GateReason, ReleasePolicy
from eaas_assets.history.clustering import with_suspected_families
from eaas_assets.history.gate import Chance, alarms, chance_of, lost_for_sure
from eaas_assets.history.measures import Measure, scenario_measures
from eaas_assets.history.outcomes import paired_outcomes, segment_labels
from eaas_assets.history.pairing import Pairing, pair
from eaas_assets.history.record import Run
from eaas_assets.history.settlement import Price, Settlement, settle
from eaas_assets.history.verdict import PairedOutcomes, Verdict, judge
from eaas_assets.stats.descriptive import at_least
from eaas_assets.stats.power import resolution
from eaas_assets.wording import count, joined, percent, points

Basis = Literal["runs", "shared", "none"]
MILLISECONDS = 1000


class Paired(NamedTuple):
    """Two executed runs, tested scenario by scenario.

    Attributes:
        outcomes: What was tested.
        verdict: What the declared rule says of it.
        settlement: What could be shown, and what would settle the matter.
        chance: How well chance explains what changed.
        repeats: Whether both agents are simulated ones, which answer the same every time.
    """

    outcomes: PairedOutcomes
    verdict: Verdict
    settlement: Settlement
    chance: Chance
    repeats: bool


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
        paired: What the pairs say; None where the runs cannot be told apart by scenario: one of them is imported.
    """

    reference: Run
    current: Run
    basis: Basis
    before: dict[str, Measure]
    after: dict[str, Measure]
    pairing: Pairing
    paired: Paired | None

    @property
    def chance(self) -> Chance | None:
        """How well chance explains what changed; None where nothing is paired."""
        return None if self.paired is None else self.paired.chance

    def lost_for_sure(self, policy: ReleasePolicy) -> list[str]:
        """The lost scenarios that chance does not explain."""
        places = lost_for_sure(self.chance, self._lost, policy.comparison.alpha)
        return self.pairing.pairs["scenario_id"].to_numpy(dtype=object)[places].tolist()

    def alarms(self, policy: ReleasePolicy) -> list[GateReason]:
        """What of this comparison turns the gate red."""
        verdict = None if self.paired is None else self.paired.verdict
        return alarms(policy, self.before, self.after, self._lost, self.chance, verdict)

    @property
    def _lost(self) -> NDArray[np.bool_]:
        return self.pairing.pairs["scenario_id"].isin(self.pairing.lost).to_numpy(dtype=bool)


def put_side_by_side(
    reference: Run, current: Run, policy: ReleasePolicy, scenarios: pd.DataFrame | None = None
) -> Comparison:
    """Find the common ground of two runs, and judge it by the policy.

    Two full runs of the same questions are compared as they stand. Where the questions differ (a part of a suite was
    run, scenarios were added or expected values changed) only the shared ones count: otherwise a change of the test
    would pass for a change of the agent. An imported run has no complete rows; its stated totals are compared with
    another full run's, or nothing is.

    Args:
        reference: The earlier run.
        current: The later run.
        policy: The release policy.
        scenarios: JourneyScenarios, for families and segments; None: there are none.
    """
    pairing = pair(reference.scenarios, current.scenarios)
    imported = reference.historical or current.historical
    if imported or not (reference.complete and current.complete):
        full = reference.scope == current.scope == "full"
        before, after = (reference.measures, current.measures) if full else ({}, {})
        return Comparison(reference, current, "runs" if full else "none", before, after, pairing, None)
    paired = _tested(reference, current, pairing, policy, scenarios)
    if pairing.whole:
        return Comparison(reference, current, "runs", reference.measures, current.measures, pairing, paired)
    if not len(pairing.pairs):
        return Comparison(reference, current, "none", {}, {}, pairing, None)
    before, after = (
        scenario_measures(run.scenarios[run.scenarios["scenario_id"].isin(pairing.pairs["scenario_id"])])
        for run in (reference, current)
    )
    return Comparison(reference, current, "shared", before, after, pairing, paired)


def _tested(
    reference: Run, current: Run, pairing: Pairing, policy: ReleasePolicy, scenarios: pd.DataFrame | None
) -> Paired:
    rule = policy.comparison
    segments = segment_labels(scenarios, current.suite, pairing.pairs["scenario_id"])
    outcomes = paired_outcomes(reference.scenarios, current.scenarios, pairing, segments, rule.cluster_by)
    repeats = reference.simulated and current.simulated
    if not repeats:
        outcomes = with_suspected_families(outcomes, rule)
    verdict = judge(outcomes, rule)
    prices = tuple(
        Price(run.measure("average_cost_usd").value, run.measure("average_response_time_ms").value / MILLISECONDS)
        for run in (reference, current)
    )
    settlement = settle(outcomes, verdict, rule, (prices[0], prices[1]), repeats)
    return Paired(outcomes, verdict, settlement, chance_of(outcomes, policy, repeats), repeats)


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
    if comparison.paired is not None and pairing.unpaired:
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
    if comparison.paired is not None:
        told.append(_smallest_drop(comparison.paired))
    return told


def _scenarios(comparison: Comparison) -> int:
    """Scenarios on which the comparison rests."""
    if comparison.paired is not None:
        return len(comparison.pairing.pairs)
    if comparison.basis == "none":
        return 0
    return min(comparison.reference.scenario_count, comparison.current.scenario_count)


def _smallest_drop(paired: Paired) -> str:
    found = paired.settlement.detectable
    if not math.isnan(found.effect):
        power = percent(paired.settlement.power)
        return f"The smallest drop that it detects with {power} power is {points(found.effect)}."
    if paired.verdict.primary.method == "mcnemar":
        return "No drop whatever would be significant with so few scenarios."
    return f"The smallest drop that it can detect is unknown: {found.reason}."
