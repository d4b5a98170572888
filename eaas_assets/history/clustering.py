"""Which scenarios fail together, where nobody has said so: what the segments of a suite show of it.

Scenarios of a family have good and bad days together. Where ``comparison.cluster_by`` names the family this is known.
Where it does not, the values of a segment may still have changed further apart from each other than scenarios that
stand alone would; then each value counts as one, and the comparison asks whether the whole changed further than its
parts are scattered. What no segment shows cannot be known from two runs.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from eaas_assets.contracts.policies import ComparisonRule
from eaas_assets.history.verdict import PairedOutcomes, change_test, metric_values

SCATTER_ALPHA = 0.10
"""Significance from which on values of a segment are taken to have changed apart. Generous, since missing it raises
false alarms and seeing what is not there costs some power."""
FEWEST_VALUES = 5
"""Values of a segment below which they cannot be the unit of chance: a test on so few of them shows nothing."""


def with_suspected_families(outcomes: PairedOutcomes, rule: ComparisonRule) -> PairedOutcomes:
    """The outcomes with the families that a segment shows; unchanged where families are declared or none shows any.

    Of several segments the one under which the change is the least significant counts.

    Args:
        outcomes: Of two versions that do not answer the same every time.
        rule: Its first metric is looked at.
    """
    before, after, known = metric_values(outcomes, rule.metrics[0])
    if outcomes.families is not None or not known.all():
        return outcomes
    least, chosen = change_test(before, after, outcomes.single, None, rule.level)[0], outcomes
    for name in sorted(outcomes.segments):
        families = groups(outcomes.segments[name])
        if not changed_apart(after - before, families):
            continue
        p_value, _ = change_test(before, after, outcomes.single, families, rule.level)
        if p_value > least:
            least, chosen = p_value, replace(outcomes, families=families, suspected=name)
    return chosen


def groups(labels: NDArray[np.object_]) -> NDArray[np.intp]:
    """Number of each scenario's value; a scenario without one is a value of its own."""
    codes = pd.factorize(labels)[0].astype(np.intp)
    unknown = codes < 0
    codes[unknown] = codes.max(initial=-1) + 1 + np.arange(int(unknown.sum()))
    return codes


def changed_apart(change: NDArray[np.float64], families: NDArray[np.intp]) -> bool:
    """Whether means of families differ by more than scatter of their scenarios explains (analysis of variance)."""
    sizes = np.bincount(families)
    if sizes.size < FEWEST_VALUES or sizes.size >= change.size:
        return False
    means = np.bincount(families, weights=change) / sizes
    within = float(((change - means[families]) ** 2).sum()) / (change.size - sizes.size)
    between = float((sizes * (means - change.mean()) ** 2).sum()) / (sizes.size - 1)
    if within <= 1e-12:
        return between > 1e-12
    return bool(special.fdtrc(sizes.size - 1, change.size - sizes.size, between / within) <= SCATTER_ALPHA)
