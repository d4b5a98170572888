"""What to expect of the next change of a kind: the distribution of true effects, and the effect to plan for.

True relative benefits of a class are taken as normal, with the mean and variance that its experiments show; the doubt
about the mean counts as spread. A class with few experiments has the prior of the policy instead.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from scipy.special import log_ndtr, ndtri_exp

from eaas_assets.contracts.portfolio_policy import PriorRule
from eaas_assets.decisions.portfolio.shrinkage import EffectClass


class EffectPrior(NamedTuple):
    """Distribution of the true relative benefit of the next change of a class.

    Attributes:
        mean: Its mean.
        sd: Its standard deviation, positive.
        experiments: Estimates that it rests on; 0 for the policy's own.
    """

    mean: float
    sd: float
    experiments: int

    @property
    def typical_gain(self) -> float:
        """Mean benefit of the changes that help at all."""
        ratio = self.mean / self.sd
        if ratio < -30.0:  # the tail beyond is exponential
            return self.sd / -ratio
        density = math.exp(-0.5 * ratio * ratio - float(log_ndtr(ratio))) / math.sqrt(2.0 * math.pi)
        return max(self.mean + self.sd * density, math.ulp(0.0))

    @property
    def median_gain(self) -> float:
        """Half of the changes that help at all help by at least so much: what a design should be able to show."""
        upper_half = float(log_ndtr(self.mean / self.sd)) - math.log(2.0)
        return max(self.mean - self.sd * float(ndtri_exp(upper_half)), math.ulp(0.0))


def effect_prior(effects: EffectClass | None, rule: PriorRule) -> EffectPrior:
    """What to expect of the next change of a class.

    Args:
        effects: The class; None where fewer than two experiments of it have an estimate.
        rule: Says what is believed without a record, and from how many experiments a class speaks for itself.
    """
    if effects is None or effects.experiments < rule.fewest_experiments:
        return EffectPrior(rule.effect_mean, rule.effect_sd, 0)
    return EffectPrior(effects.mean, effects.predictive_sd, effects.experiments)
