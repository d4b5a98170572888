"""Does a metric's test keep its promise on the user's own data? MetricCalibration, one row per metric.

Every night each metric is tried where nothing can have an effect: on random splits of its control arm, with the very
estimator that judges it. The test promises to find an effect in ``1 − level`` of them. A metric that finds clearly more
loses its verdict. Clearly means: so many would come in fewer than one of a thousand nights if the promise were true; at
the limit of the 95 % interval, a sound portfolio of forty metrics would lose a verdict every night.

Of a proportion, whose units have nothing but their rate, the arms are drawn; pairs are tried with their arms swapped at
random; rollouts on their untreated units, some of which are called treated at random. Statistics without single units,
and series before and after, cannot be split: their rows say so.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
from scipy import special

from eaas_assets.contracts.experiment import Experiment, Metric
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.errors import EstimateRefused
from eaas_assets.experiments.observations.access import FloatArray, Opened, PairedSource, PanelData, RandomisedData
from eaas_assets.experiments.placebos import placebo_p_values
from eaas_assets.experiments.splits import (
    cluster_p_values,
    moment_p_values,
    pair_p_values,
    quantile_p_values,
    some_families,
)
from eaas_assets.experiments.wording import count, percent
from eaas_assets.stats.experiments.clusters import MIN_CLUSTERS
from eaas_assets.stats.experiments.sequential import MIN_UNITS
from eaas_assets.stats.intervals import clopper_pearson

SUSPICION = 0.001
"""A metric fails if so many rejections have a smaller probability under the promise."""
FEWEST_ANSWERS = 20
"""Fewest splits at which the estimator must have answered."""
MOST_SWAPS = 200
"""Swaps of pairs that are tried at most; each is a whole paired analysis."""
MOST_PAIRS = 2_000
"""Pairs that are swapped at most, for the same reason."""


@runtime_checkable
class SingleUnits(Protocol):
    """Observations that can hand out all columns of a metric, unit by unit."""

    def unit_columns(self, metric: Metric, arm: str, most: int) -> Mapping[str, FloatArray]:
        """Columns as in the metric's moments, each of shape (units,), of at most ``most`` units drawn at random."""
        ...


def calibration_rows(
    experiment: Experiment, opened: Opened, policy: ExperimentPolicy, evidence_id: str, seed: int
) -> list[dict[str, Any]]:
    """One row per metric. The same evidence and seed give the same rows.

    Args:
        experiment: The document.
        opened: Its observations.
        policy: Replays, and what the intervals promise.
        evidence_id: Of the rows.
        seed: Of the random splits.
    """
    rows = []
    for metric in experiment.metrics:
        rng = np.random.default_rng([seed % 2**32, zlib.crc32(metric.name.encode())])
        try:
            row = _judged(metric, _p_values(experiment, metric, opened, policy, rng), policy)
        except EstimateRefused as refusal:
            row = _untried(metric, refusal.reason, policy)
        rows.append(
            {
                "experiment_id": experiment.experiment,
                "evidence_id": evidence_id,
                "metric": metric.name,
                "promised": policy.estimate.alpha,
                "policy_hash": policy.digest,
                **row,
            }
        )
    return rows


def _judged(metric: Metric, p_values: FloatArray, policy: ExperimentPolicy) -> dict[str, Any]:
    promised = policy.estimate.alpha
    answered = p_values[~np.isnan(p_values)]
    if answered.size < FEWEST_ANSWERS:
        refused = p_values.size - answered.size
        raise EstimateRefused("refused", f"its test refuses {refused:,} of {count(p_values.size, 'split')}")
    rejected = int(np.count_nonzero(answered < promised))
    limits = clopper_pearson(rejected, answered.size, 0.95)
    # P(at least so many rejections) if each has the promised probability.
    chance = float(special.bdtrc(rejected - 1, answered.size, promised)) if rejected else 1.0
    passed = chance >= SUSPICION
    says = "the promise can be true" if passed else "the promise cannot be true, so the metric decides nothing"
    return {
        "replays": int(answered.size),
        "rejected": rejected,
        "rate": rejected / answered.size,
        "rate_low": limits.low,
        "rate_high": limits.high,
        "passed": passed,
        "reason": None,
        "statement": (
            f"{metric.name}: an effect is found in {rejected:,} of {count(int(answered.size), 'replay')} without "
            f"one ({percent(rejected / answered.size)}, 95 % interval {percent(limits.low)} to {percent(limits.high)}) "
            f"where {percent(promised)} are promised: {says}."
        ),
    }


def _untried(metric: Metric, reason: str, policy: ExperimentPolicy) -> dict[str, Any]:
    return {
        "replays": 0,
        "rejected": 0,
        "rate": None,
        "rate_low": None,
        "rate_high": None,
        "passed": None,
        "reason": reason,
        "statement": f"{metric.name}: not tried whether its test keeps to {percent(policy.estimate.alpha)}: {reason}.",
    }


def _p_values(
    experiment: Experiment, metric: Metric, opened: Opened, policy: ExperimentPolicy, rng: np.random.Generator
) -> FloatArray:
    """P-values where nothing happened.

    Raises:
        EstimateRefused: The metric cannot be tried.
    """
    if opened.randomised is not None:
        return _randomised(experiment, metric, opened.randomised, policy, rng)
    if opened.paired is not None:
        return _paired(experiment, metric, opened.paired, policy, rng)
    if opened.panel is not None:
        return _of_panel(experiment, metric, opened.panel, policy, rng)
    raise EstimateRefused("no_observations", "there are no observations")


def _randomised(
    experiment: Experiment, metric: Metric, data: RandomisedData, policy: ExperimentPolicy, rng: np.random.Generator
) -> FloatArray:
    if not data.granular:
        raise EstimateRefused("summary", "there are only statistics of the arms, no single units")
    if metric.name in data.integrity.infinite_values:
        raise EstimateRefused("not_finite", "it has infinite values")
    control = experiment.control
    smallest = min(experiment.treatments, key=lambda variant: variant.allocation).allocation
    share = smallest / (smallest + control.allocation)
    replays, most = policy.calibration.replays, policy.calibration.largest_units
    if getattr(experiment.observations, "cluster", None) is not None:
        return _clustered(metric, data, (control.name, share), replays, rng)
    columns = _columns(metric, data, control.name, most, rng)
    n = next(iter(columns.values())).size
    if round(n * share) < MIN_UNITS or round(n * (1.0 - share)) < MIN_UNITS:
        few = f"the control arm has {count(n, 'unit')}, too few to be split in two arms of {MIN_UNITS}"
        raise EstimateRefused("too_few_units", few)
    if metric.kind == "quantile":
        return quantile_p_values(metric, next(iter(columns.values())), share, policy.estimate.level, replays, rng)
    return moment_p_values(metric, columns, share, replays, rng)


def _clustered(
    metric: Metric, data: RandomisedData, arm: tuple[str, float], replays: int, rng: np.random.Generator
) -> FloatArray:
    name, share = arm
    clusters = None if metric.kind == "quantile" else data.clusters(metric, name)
    if clusters is None:
        raise EstimateRefused("clusters", "groups were randomised, and it has no totals by group")
    n = clusters.sizes.size
    if min(round(n * share), n - round(n * share)) < MIN_CLUSTERS:
        few = f"the control arm has {count(n, 'group')}, too few to be split in two arms of {MIN_CLUSTERS}"
        raise EstimateRefused("too_few_clusters", few)
    return cluster_p_values(clusters, share, replays, rng)


def _columns(
    metric: Metric, data: RandomisedData, arm: str, most: int, rng: np.random.Generator
) -> Mapping[str, FloatArray]:
    """The metric's columns in an arm, sampled to ``most`` units."""
    if isinstance(data, SingleUnits):
        return data.unit_columns(metric, arm, most)
    if metric.kind == "ratio" or metric.covariate is not None:
        raise EstimateRefused("no_single_values", "its columns cannot be had unit by unit")
    values = data.values(metric, arm)
    if values is None:
        raise EstimateRefused("no_single_values", "there are no single values")
    return {metric.name: values if values.size <= most else rng.choice(values, most, replace=False)}


def _paired(
    experiment: Experiment, metric: Metric, source: PairedSource, policy: ExperimentPolicy, rng: np.random.Generator
) -> FloatArray:
    pairs = source.pairs(metric, experiment.treatments[0].name)
    if metric.kind == "quantile":
        raise EstimateRefused("paired_quantile", "a quantile is not told by pairs")
    if pairs.control.size < 2 or not (np.isfinite(pairs.control).all() and np.isfinite(pairs.treatment).all()):
        raise EstimateRefused("too_few_units", f"there are {count(pairs.control.size, 'usable pair')}")
    replays = min(policy.calibration.replays, MOST_SWAPS)
    return pair_p_values(metric, some_families(pairs, MOST_PAIRS, rng), policy.estimate.level, replays, rng)


def _of_panel(
    experiment: Experiment, metric: Metric, panel: PanelData, policy: ExperimentPolicy, rng: np.random.Generator
) -> FloatArray:
    if experiment.design == "before_after":
        raise EstimateRefused(
            "one_series", "one series has hardly any dates without a change that tell different things"
        )
    return placebo_p_values(experiment, metric, panel, policy.estimate.level, policy.calibration.replays, rng)
