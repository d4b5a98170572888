"""Effects of a paired experiment at its end: every unit met both arms, so units are compared with themselves.

Belongs here: which paired test fits a metric. Tests and intervals are in `stats.paired`; which effects are asked for is
in `pairing`, and what may be read before the end in `paired_looks`.

* single 0/1 results of independent units: McNemar's exact test, with Tango's interval;
* shares between 0 and 1 (several trials, or families of units): Tango's interval at the effective number of pairs;
* everything else: mean difference with errors that respect families, wider where the differences are skewed.

The relative effect comes from the test of the absolute one: the score test of the ratio of the two shares, or
Fieller's interval at the critical values of the t test. The two never disagree about zero.
"""

from __future__ import annotations

import math

import numpy as np

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.impact.answers import refusal, refused_effect
from eaas_assets.experiments.observations.access import FloatArray, PairedData
from eaas_assets.stats.experiments.distributions import t_two_sided
from eaas_assets.stats.experiments.relative import fieller, signed_relative
from eaas_assets.stats.experiments.results import NO_RELATIVE, ArmEstimates, Effect, Refusal, Relative, refused
from eaas_assets.stats.paired import (
    FEWEST_FOR_SKEWNESS,
    PairedDifference,
    mcnemar_chi2,
    mcnemar_exact,
    paired_difference,
)
from eaas_assets.stats.paired_ratio import paired_ratio_interval

_ASSUMPTIONS = ("pairs are independent of each other", "a unit's result under one arm does not change the other's")
_ASSUMPTIONS_FAMILIES = ("families of units are independent of each other", _ASSUMPTIONS[1])


def paired_effect(metric: Metric, pairs: PairedData, level: float) -> Effect:
    """Mean difference of pairs, treatment minus control.

    Args:
        metric: Metric; a proportion has values between 0 and 1.
        pairs: Finite values, at least one pair.
        level: Confidence level.
    """
    values = np.concatenate([pairs.control, pairs.treatment])
    shares = metric.kind == "proportion"
    if shares and not ((values >= 0.0) & (values <= 1.0)).all():
        sizes = (pairs.control.size, pairs.control.size)
        return refused_effect(metric, "not_a_proportion", "values lie outside 0 and 1", level, sizes=sizes)
    difference = pairs.treatment - pairs.control
    found = paired_difference(difference, pairs.clusters, level, 1.0 if shares else None, skewed=True)
    alone = np.unique(pairs.clusters).size == pairs.clusters.size
    diagnostics: dict[str, float | str] = {
        "left_out": float(len(pairs.left_out)),
        "n_clusters": float(found.n_clusters),
        "higher": float(np.count_nonzero(difference > 0.0)),
        "lower": float(np.count_nonzero(difference < 0.0)),
    }
    if shares and alone and np.isin(values, (0.0, 1.0)).all():
        return _single_trials(metric, pairs, found, diagnostics)
    method = "mean paired difference (score interval)" if shares else "mean paired difference (t)"
    if found.skewness:
        method = "mean paired difference (t, and Hall for skewness)"
        diagnostics |= {"skewness_of_difference": found.skewness, "p_with_skewness": _plain_p(found)}
    if not alone:
        method += ", errors by family"
    return _assembled(metric, pairs, found, method, found.p_value, diagnostics)


def _plain_p(found: PairedDifference) -> float:
    """P-value of Student's t test."""
    return t_two_sided(found.estimate / found.se, found.df)


def _single_trials(
    metric: Metric, pairs: PairedData, found: PairedDifference, diagnostics: dict[str, float | str]
) -> Effect:
    lost, gained = int(diagnostics["lower"]), int(diagnostics["higher"])
    exact = mcnemar_exact(lost, gained)
    plain, corrected = mcnemar_chi2(lost, gained), mcnemar_chi2(lost, gained, correction=True)
    diagnostics |= {
        "mid_p": exact.mid_p,
        "mcnemar_chi2": plain.statistic,
        "mcnemar_chi2_corrected": corrected.statistic,
        "mcnemar_p": plain.p_value,
    }
    return _assembled(metric, pairs, found, "exact McNemar test, Tango's interval", exact.p_value, diagnostics)


def _assembled(
    metric: Metric,
    pairs: PairedData,
    found: PairedDifference,
    method: str,
    p_value: float,
    diagnostics: dict[str, float | str],
) -> Effect:
    level = found.interval.level
    sizes = (found.n, found.n)
    means = (float(pairs.treatment.mean()), float(pairs.control.mean()))
    if math.isnan(found.interval.low):
        code, reason = "no_variance", "every pair differs by the same amount, so that no error can be told"
        if found.n_clusters < 2:
            code, reason = "too_few_units", "there is one independent pair, and an error needs two"
        return refused(
            metric.kind,
            method,
            (refusal(code, reason),),
            sizes=sizes,
            level=level,
            values=means,
            diagnostics=diagnostics,
        )
    relative, refusals = _relative_share(found, means) if found.method == "score" else _relative(pairs, means, found)
    return Effect(
        metric_kind=metric.kind,
        method=method,
        n_treatment=sizes[0],
        n_control=sizes[1],
        treatment=means[0],
        control=means[1],
        estimate=found.estimate,
        se=found.se,
        low=found.interval.low,
        high=found.interval.high,
        p_value=p_value,
        df=found.df if found.method == "t" else math.inf,
        level=level,
        relative=relative,
        assumptions=_assumptions(found),
        diagnostics=diagnostics,
        refusals=refusals,
    )


def _assumptions(found: PairedDifference) -> tuple[str, ...]:
    known = _ASSUMPTIONS if found.n_clusters == found.n else _ASSUMPTIONS_FAMILIES
    if found.method == "t" and found.n_clusters < FEWEST_FOR_SKEWNESS:
        few = f"differences are not strongly skewed, which fewer than {FEWEST_FOR_SKEWNESS} of them cannot show"
        return (*known, few)
    return known


def _relative_share(found: PairedDifference, means: tuple[float, float]) -> tuple[Relative, tuple[Refusal, ...]]:
    """Relative effect on a share by the score test of the ratio, at the effective number of pairs."""
    treatment, control = means
    if not control > 0.0:
        return NO_RELATIVE, (refusal("baseline_near_zero", "no unit succeeded under the control arm", "relative"),)
    pairs = found.n_effective
    lost = max(0.0, found.discordance - found.estimate) / 2.0 * pairs
    gained = max(0.0, found.discordance + found.estimate) / 2.0 * pairs
    both = max(0.0, control * pairs - lost)
    low, high, _ = paired_ratio_interval(both, lost, gained, found.interval.level)
    if not math.isfinite(high):
        reason = "too few units succeeded under the control arm to bound a relative change"
        return NO_RELATIVE, (refusal("baseline_near_zero", reason, "relative"),)
    return signed_relative(treatment / control, low, high, control, "score of a paired ratio"), ()


def _relative(
    pairs: PairedData, means: tuple[float, float], found: PairedDifference
) -> tuple[Relative, tuple[Refusal, ...]]:
    """Relative effect by Fieller, from the joint variance of the two means over families.

    The joint variance is that of CR2, as the absolute effect's, so that both have one standard error.
    """
    _, family = np.unique(pairs.clusters, return_inverse=True)
    share = np.bincount(family) / family.size
    scores = np.stack([_sums(pairs.treatment - means[0], family), _sums(pairs.control - means[1], family)])
    joint = (scores / (1.0 - share)) @ scores.T / pairs.control.size**2
    arms = ArmEstimates(means[0], means[1], float(joint[0, 0]), float(joint[1, 1]), float(joint[0, 1]), found.df)
    relative, problem = fieller(arms, *found.critical)
    return relative, () if problem is None else (problem,)


def _sums(values: FloatArray, family: np.ndarray) -> FloatArray:
    return np.bincount(family, weights=values).astype(np.float64)
