"""Group-time effects: right where two-way regression is wrong, with errors that hold for small cohorts."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.did import difference_in_differences, two_way_effect
from eaas_assets.stats.panels.group_time import GroupTimeEffects, group_time_effects
from eaas_assets.stats.panels.staggered import staggered_effect

PERIODS = 9


class Rollout:
    """A staggered rollout whose true effects are known: the early cohorts' grows, the late one's stays."""

    def __init__(self, sizes: dict[float, int], seed: int, noise: float = 1.0) -> None:
        rng = np.random.default_rng(seed)
        self.adoption = np.repeat(list(sizes), list(sizes.values())).astype(float)
        n = self.adoption.size
        shock = np.zeros((n, PERIODS))
        shock[:, 0] = rng.standard_normal(n)
        for t in range(1, PERIODS):
            shock[:, t] = 0.6 * shock[:, t - 1] + 0.8 * rng.standard_normal(n)
        time = np.arange(PERIODS)
        since = time - np.where(np.isfinite(self.adoption), self.adoption, 99)[:, None]
        growing = (self.adoption < 5)[:, None]
        self.effect = np.where(since >= 0, np.where(growing, 0.5 * (since + 1), 0.2), 0.0)
        level = 2 * rng.standard_normal((n, 1))
        self.matrix = level + 0.3 * time + self.effect + noise * shock
        self.unit, self.time = np.repeat(np.arange(n), PERIODS), np.tile(time, n)
        self.rows = (self.unit, self.time, self.matrix.ravel(), np.repeat(self.adoption, PERIODS))
        self.treated = (since >= 0).astype(float).ravel()

    def truth(self, found: GroupTimeEffects) -> np.ndarray:
        first = [int(np.flatnonzero(self.adoption == g)[0]) for g in found.cohort]
        return self.effect[first, found.period]

    def average(self, found: GroupTimeEffects) -> float:
        after = found.period >= found.cohort
        return float(np.average(self.truth(found)[after], weights=found.size[after]))


SIZES = {3: 15, 5: 20, 7: 15, math.inf: 30}


@pytest.mark.parametrize("control", ["never", "not_yet"])
@pytest.mark.parametrize("base", ["varying", "universal"])
def test_group_time_effects_are_exact_without_noise(control: str, base: str) -> None:
    world = Rollout(SIZES, seed=0, noise=0.0)
    found = group_time_effects(*world.rows, control=control, base=base)  # type: ignore[arg-type]
    assert found.estimate == pytest.approx(world.truth(found), abs=1e-9)


def test_two_way_regression_is_biased_where_effects_grow_and_group_time_effects_are_not() -> None:
    """Goodman-Bacon 2021: treated units become controls of later ones. Without noise, so nothing is luck."""
    world = Rollout({3: 8, 5: 8, 7: 8}, seed=0, noise=0.0)
    found = group_time_effects(*world.rows)
    after = found.period >= found.cohort
    assert found.estimate[after] == pytest.approx(world.truth(found)[after], abs=1e-9)
    smallest = world.effect[world.treated.reshape(world.effect.shape) > 0].min()
    assert smallest > 0
    # Every single effect is positive, the regression's "average" is below the smallest of them.
    assert two_way_effect(*world.rows[:3], world.treated) < smallest


def test_one_effect_by_hand() -> None:
    """Two cohorts of five: the effect is the difference of mean changes, its error Welch's."""
    rng = np.random.default_rng(1)
    y = rng.standard_normal((10, 3))
    rows = (np.repeat(np.arange(10), 3), np.tile([1, 2, 3], 10), y.ravel(), np.repeat([2.0, math.inf], 15))
    found = group_time_effects(*rows)
    change = y[:, 2] - y[:, 0]
    at = int(np.flatnonzero(found.period == 2)[0])
    welch = stats.ttest_ind(change[:5], change[5:], equal_var=False)
    assert found.estimate[at] == pytest.approx(change[:5].mean() - change[5:].mean())
    assert found.p[at] == pytest.approx(welch.pvalue)
    ci = welch.confidence_interval()
    assert (found.low[at], found.high[at]) == pytest.approx((ci.low, ci.high))


def test_one_date_and_never_treated_controls_give_difference_in_differences() -> None:
    world = Rollout({4: 25, math.inf: 25}, seed=2)
    panel = difference_in_differences(*world.rows[:3], world.treated)
    found = staggered_effect(group_time_effects(*world.rows, base="universal"))
    event, estimate = found.paths["event"], found.paths["event_estimate"]
    before = np.append(estimate[event < 0], 0.0)  # the base period itself
    assert estimate[event >= 0].mean() - before.mean() == pytest.approx(panel.estimate, rel=1e-9)


def test_aggregations_by_hand() -> None:
    world = Rollout(SIZES, seed=0, noise=0.0)
    found = group_time_effects(*world.rows, control="never")
    effect = dict(zip(zip(found.cohort.tolist(), found.period.tolist(), strict=True), found.estimate, strict=True))
    by_group = {g: np.mean([effect[g, t] for t in range(g, PERIODS)]) for g in (3, 5, 7)}
    noisy = group_time_effects(*Rollout(SIZES, seed=1, noise=1e-6).rows, control="never")
    group = staggered_effect(noisy, aggregation="group")
    assert group.estimate == pytest.approx((15 * by_group[3] + 20 * by_group[5] + 15 * by_group[7]) / 50, abs=1e-4)
    assert group.paths["average_estimate"] == pytest.approx([by_group[g] for g in (3, 5, 7)], abs=1e-4)
    dynamic = staggered_effect(noisy, aggregation="dynamic")
    first = (15 * effect[3, 3] + 20 * effect[5, 5] + 15 * effect[7, 7]) / 50
    at_zero = int(np.flatnonzero(dynamic.paths["average_key"] == 0)[0])
    assert dynamic.paths["average_estimate"][at_zero] == pytest.approx(first, abs=1e-4)
    calendar = staggered_effect(noisy, aggregation="calendar")
    assert calendar.paths["average_key"].tolist() == [3, 4, 5, 6, 7, 8]
    assert staggered_effect(noisy).estimate == pytest.approx(world.average(found), abs=1e-4)


def test_anticipation_moves_the_base_back() -> None:
    world = Rollout({5: 10, math.inf: 10}, seed=0, noise=0.0)
    early = world.matrix.copy()
    early[:10, 4] += 1.0  # units react one period before the date
    rows = (*world.rows[:2], early.ravel(), world.rows[3])
    late = group_time_effects(*rows)
    allowed = group_time_effects(*rows, anticipation=1)
    at = allowed.period >= 5
    assert allowed.estimate[at] == pytest.approx(world.truth(allowed)[at], abs=1e-9)
    assert late.estimate[late.period >= 5] == pytest.approx(world.truth(late)[late.period >= 5] - 1.0, abs=1e-9)


def test_diverging_leads_make_the_result_inconclusive() -> None:
    world = Rollout(SIZES, seed=3)
    unit, time, y, adoption = world.rows
    drift = 0.5 * time * np.isfinite(adoption)
    assert staggered_effect(group_time_effects(*world.rows)).status == "estimated"
    found = staggered_effect(group_time_effects(unit, time, y + drift, adoption, base="universal"))
    assert found.status == "inconclusive"
    assert found.diagnostics["pretrend_p"] < 0.01


def test_units_treated_from_the_start_are_left_out_and_counted() -> None:
    world = Rollout({0: 4, 4: 10, math.inf: 10}, seed=1)
    found = group_time_effects(*world.rows)
    assert found.left_out == 4
    assert found.panel.n_units == 20
    assert staggered_effect(found).diagnostics["always_treated_left_out"] == 4


def test_band_is_wider_than_pointwise_intervals() -> None:
    found = staggered_effect(group_time_effects(*Rollout(SIZES, seed=4).rows))
    assert (found.paths["band_low"] < found.paths["event_low"]).all()
    assert (found.paths["band_high"] > found.paths["event_high"]).all()


def test_clusters_above_units_widen_the_errors() -> None:
    world = Rollout({4: 30, math.inf: 30}, seed=5)
    unit, time, y, adoption = world.rows
    region = unit // 3
    shock = np.random.default_rng(0).normal(0, 2, (20, PERIODS))[region, time]
    alone = staggered_effect(group_time_effects(unit, time, y + shock, adoption))
    together = staggered_effect(group_time_effects(unit, time, y + shock, adoption, cluster=region))
    assert together.n_clusters == 20
    assert together.se > 1.2 * alone.se


@pytest.mark.parametrize(
    ("sizes", "code"),
    [
        ({math.inf: 20}, "no_treated"),
        ({4: 20}, "no_control"),
        ({0: 10, math.inf: 10}, "no_pre_period"),
        ({4: 3, math.inf: 3}, "too_few_clusters"),
    ],
)
def test_designs_that_cannot_answer_are_refused(sizes: dict[float, int], code: str) -> None:
    with pytest.raises(EstimateRefused) as refused:
        group_time_effects(*Rollout(sizes, seed=0).rows)
    assert refused.value.code == code


def test_few_or_changing_clusters_and_exact_outcomes_are_refused() -> None:
    world = Rollout({4: 20, math.inf: 20}, seed=0)
    for cluster, code in ((world.unit // 10, "too_few_clusters"), (world.time, "cluster_changes")):
        with pytest.raises(EstimateRefused) as refused:
            group_time_effects(*world.rows, cluster=cluster)
        assert refused.value.code == code
    exact = Rollout({4: 20, math.inf: 20}, seed=0, noise=0.0)
    flat = exact.matrix - exact.matrix[:, :1]
    with pytest.raises(EstimateRefused) as refused:
        staggered_effect(group_time_effects(*exact.rows[:2], flat.ravel(), exact.rows[3]))
    assert refused.value.code == "no_variance"


def coverage(sizes: dict[float, int], repeats: int) -> tuple[float, float, float]:
    """Share of intervals that cover: the simple average, all group-time effects; and rejected leads."""
    simple, single, leads = 0, [], 0
    for seed in range(repeats):
        world = Rollout(sizes, seed)
        found = group_time_effects(*world.rows)
        effect = staggered_effect(found)
        simple += effect.ci.low <= world.average(found) <= effect.ci.high
        truth = world.truth(found)
        single.append(np.mean((found.low <= truth) & (truth <= found.high)))
        leads += effect.diagnostics["pretrend_p"] <= 0.05
    return simple / repeats, float(np.mean(single)), leads / repeats


def test_intervals_cover_with_cohorts_of_one_unit() -> None:
    simple, single, leads = coverage({3: 1, 4: 1, 5: 2, 7: 3, math.inf: 15}, 40)
    assert simple >= 0.84  # three standard errors below .95 at forty repeats
    assert single == pytest.approx(0.95, abs=0.03)
    assert leads <= 0.16


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("sizes", [SIZES, {3: 1, 4: 1, 5: 2, 7: 3, math.inf: 15}, {3: 8, 5: 8, 7: 8}])
def test_intervals_cover_at_full_size(sizes: dict[float, int]) -> None:
    simple, single, leads = coverage(sizes, 500)
    assert simple == pytest.approx(0.95, abs=0.03)
    assert single == pytest.approx(0.95, abs=0.02)
    assert leads <= 0.07
