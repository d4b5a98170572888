"""Effects after luck is taken off: each is drawn towards the mean of its class, the more so the less sure it is.

The best-looking of many results is usually a lucky one. Effects of one class (the kind of hypothesis and of metric)
are taken as draws from one distribution; how far they differ beyond chance decides how far they are drawn together.
Where they do not differ beyond chance (a variance of zero, the boundary), the doubt about that variance stays in the
intervals.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from eaas_assets.stats.experiments.segments import heterogeneity, shrink

ALONE = "the only one of its class, so it is not shrunk"


class RawEffect(NamedTuple):
    """A relative benefit as estimated.

    Attributes:
        experiment_id: Whose.
        effect_class: Experiments that it is shrunk with.
        estimate: Relative benefit: positive is better.
        se: Its standard error, positive.
        low: Its own interval.
        high: Upper end.
    """

    experiment_id: str
    effect_class: str
    estimate: float
    se: float
    low: float
    high: float


class ShrunkEffect(NamedTuple):
    """A relative benefit after shrinkage.

    Attributes:
        note: Why it is as it was; None where it was shrunk.
    """

    estimate: float
    low: float
    high: float
    note: str | None


class EffectClass(NamedTuple):
    """What the effects of one class have in common.

    Attributes:
        mean: Mean of the true relative benefits, with weights by Paule and Mandel.
        mean_se: Its standard error.
        sd: Standard deviation of the true benefits; 0 at the boundary.
        q: Cochran's Q.
    """

    effect_class: str
    experiments: int
    mean: float
    mean_se: float
    sd: float
    q: float

    @property
    def predictive_sd(self) -> float:
        """Standard deviation of the next experiment's true benefit: between experiments, and of the mean."""
        return math.hypot(self.sd, self.mean_se)


class Shrinkage(NamedTuple):
    """All effects after shrinkage, and their classes; those that are too small have no entry."""

    effects: dict[str, ShrunkEffect]
    classes: dict[str, EffectClass]


def shrink_by_class(effects: Iterable[RawEffect], level: float = 0.95, fewest: int = 3) -> Shrinkage:
    """Each class shrunk by itself. The result does not depend on the order of the effects.

    Args:
        effects: At most one per experiment.
        level: Level of the intervals.
        fewest: Smallest class that is shrunk: with two, one experiment would say what the other is worth.
    """
    shrunk: dict[str, ShrunkEffect] = {}
    classes: dict[str, EffectClass] = {}
    for name, members in _by_class(effects).items():
        if len(members) < max(2, fewest):
            note = ALONE if len(members) == 1 else f"one of {len(members)} of its class, too few to shrink it"
            for effect in members:
                shrunk[effect.experiment_id] = ShrunkEffect(effect.estimate, effect.low, effect.high, note)
            continue
        estimates = [effect.estimate for effect in members]
        errors = [effect.se for effect in members]
        spread = heterogeneity(estimates, errors)
        classes[name] = EffectClass(
            name, len(members), spread.mean, spread.se, math.sqrt(spread.tau2), spread.q
        )  # fmt: skip
        drawn = shrink(estimates, errors, level)
        for effect, estimate, low, high in zip(members, drawn.estimate, drawn.low, drawn.high, strict=True):
            shrunk[effect.experiment_id] = ShrunkEffect(float(estimate), float(low), float(high), None)
    return Shrinkage(shrunk, classes)


def _by_class(effects: Iterable[RawEffect]) -> Mapping[str, list[RawEffect]]:
    members: dict[str, list[RawEffect]] = {}
    for effect in sorted(effects):
        members.setdefault(effect.effect_class, []).append(effect)
    return members
