"""Paired comparisons, against published tables, definitions by enumeration and simulated error rates."""

import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.stats.intervals import two_sided_z
from eaas_assets.stats.paired import (
    FEWEST_FOR_SKEWNESS,
    mcnemar_chi2,
    mcnemar_exact,
    non_inferiority,
    paired_difference,
    paired_rate_interval,
)

SHARED = Path(os.environ.get("EAAS_SHARED_DATA", Path(__file__).parents[3] / "shared/data"))

# Student 1908, hours of sleep gained with two drugs by the same ten patients.
SLEEP_1 = np.array([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
SLEEP_2 = np.array([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])


def test_mcnemar_matches_the_textbook_table_with_and_without_correction():
    assert mcnemar_chi2(150, 86, correction=True).statistic == pytest.approx(16.817797, abs=1e-6)
    assert mcnemar_chi2(150, 86).statistic == pytest.approx(17.355932, abs=1e-6)


def test_mcnemar_variants_match_fagerland_and_others():
    """Fagerland, Lydersen & Laake 2013, airway hyper-responsiveness (Bentur et al. 2009): 7 and 1 discordant of 21."""
    assert mcnemar_exact(7, 1) == pytest.approx((0.0703, 0.0391), abs=5e-5)
    assert mcnemar_chi2(7, 1).p_value == pytest.approx(0.0339, abs=5e-5)
    assert mcnemar_chi2(7, 1, correction=True).p_value == pytest.approx(0.0771, abs=5e-5)


@given(lost=st.integers(0, 60), gained=st.integers(0, 60))
def test_exact_mcnemar_is_the_binomial_test_of_the_discordant_pairs(lost, gained):
    if lost + gained:
        for alternative, theirs in (("two-sided", "two-sided"), ("loss", "greater"), ("gain", "less")):
            expected = stats.binomtest(lost, lost + gained, alternative=theirs).pvalue
            assert mcnemar_exact(lost, gained, alternative).p_value == pytest.approx(expected, rel=1e-9)
    assert mcnemar_exact(lost, gained).mid_p <= mcnemar_exact(lost, gained).p_value
    assert mcnemar_exact(lost, gained, "loss").mid_p + mcnemar_exact(lost, gained, "gain").mid_p == pytest.approx(1)


def test_nothing_changed_speaks_for_nothing():
    assert mcnemar_exact(0, 0) == (1, 1)
    assert all(math.isnan(value) for value in mcnemar_chi2(0, 0))


def test_score_interval_matches_fagerland_and_others():
    """Fagerland, Lydersen & Laake 2014 (Statistics in Medicine 33): Tango's interval of Bentur et al."""
    assert paired_rate_interval(7, 1, 21)[:2] == pytest.approx((-0.517, -0.026), abs=5e-4)


@given(n=st.integers(1, 300), data=st.data(), level=st.sampled_from([0.8, 0.95, 0.99]))
def test_score_bounds_solve_tangos_equation(n, data, level):
    """At each bound the score statistic, with the nuisance rate at its restricted maximum, equals the quantile."""
    lost = data.draw(st.integers(0, n))
    gained = data.draw(st.integers(0, n - lost))
    low, high, _ = paired_rate_interval(lost, gained, n, level)
    assert -1 <= low <= (gained - lost) / n + 1e-9
    assert (gained - lost) / n - 1e-9 <= high <= 1
    mirrored = paired_rate_interval(gained, lost, n, level)
    assert (-high, -low) == pytest.approx(mirrored[:2], abs=1e-9)
    for bound in (low, high):
        if abs(bound) < 1 - 1e-6:
            # the likelihood's stationary point: lost / p + gained / (p + bound) = 2 concordant / (1 - 2p - bound)
            roots = np.roots([2 * n, (2 * n - gained + lost) * bound - lost - gained, -lost * bound * (1 - bound)])
            rate = max(roots.real)
            z = (gained - lost - n * bound) / math.sqrt(n * (2 * rate + bound * (1 - bound)))
            assert abs(z) == pytest.approx(two_sided_z(level), rel=1e-5)


@pytest.mark.parametrize(("draw", "truth"), [("exponential", 1.0), ("standard_normal", 0.0)])
def test_skewed_differences_are_covered_and_symmetric_ones_lose_little(draw, truth):
    rng = np.random.default_rng(8)
    found = [paired_difference(getattr(rng, draw)(size=60), skewed=True) for _ in range(1_500)]
    covered = np.mean([one.interval.low <= truth <= one.interval.high for one in found])
    assert 0.95 - 3 * math.sqrt(0.05 * 0.95 / 1_500) <= covered <= 0.965 + 3 * math.sqrt(0.05 * 0.95 / 1_500)


@given(st.lists(st.tuples(st.floats(-5, 5).map(lambda x: round(x, 3)), st.integers(0, 25)), min_size=3, max_size=60))
def test_allowing_for_skewness_only_widens_and_p_value_and_interval_agree(rows):
    values, families = [value for value, _ in rows], [family for _, family in rows]
    plain, wider = paired_difference(values, families), paired_difference(values, families, skewed=True)
    if plain.reason:
        assert wider.reason == plain.reason
        return
    if plain.n_clusters < FEWEST_FOR_SKEWNESS:
        assert wider == plain
    assert wider.interval.low <= plain.interval.low + 1e-12
    assert wider.interval.high >= plain.interval.high - 1e-12
    assert wider.p_value >= plain.p_value * (1 - 1e-9)
    if abs(wider.p_value - 0.05) > 1e-6:
        assert (wider.p_value < 0.05) == (not wider.interval.low <= 0 <= wider.interval.high)


def test_where_nothing_changed_the_interval_still_has_width():
    z2 = two_sided_z(0.95) ** 2
    assert paired_rate_interval(0, 0, 20)[:2] == pytest.approx((-z2 / (20 + z2), z2 / (20 + z2)))
    assert paired_difference([0.0] * 20, limit=1).interval == paired_rate_interval(0, 0, 20)
    assert paired_difference([0.0] * 20, [0, 1, 2, 3] * 5, limit=1).interval == paired_rate_interval(0, 0, 4)
    unbounded = paired_difference([0.0] * 20)
    assert math.isnan(unbounded.interval.low)
    assert math.isnan(unbounded.p_value)
    assert "same mean" in unbounded.reason


def test_students_sleep_data_paired():
    difference = paired_difference(SLEEP_1 - SLEEP_2)
    assert difference.estimate / difference.se == pytest.approx(-4.062128, abs=1e-6)
    assert difference.p_value == pytest.approx(0.00283289, abs=1e-6)
    assert difference.interval[:2] == pytest.approx((-2.4598858, -0.7001142), abs=1e-7)  # R, t.test(paired = TRUE)


def test_single_independent_trials_get_tangos_own_interval():
    differences = [-1] * 7 + [1] + [0] * 13
    difference = paired_difference(differences, limit=1)
    assert difference.interval == pytest.approx(paired_rate_interval(7, 1, 21), abs=1e-9)
    assert (difference.n_effective, difference.discordance) == (21, pytest.approx(8 / 21))
    assert difference.p_value == pytest.approx(mcnemar_chi2(7, 1).p_value)  # the score test of no difference


def test_scale_of_a_bounded_metric_does_not_matter():
    values = np.array([-0.2, 0.0, 0.4, -0.6, 0.0, 0.0, 0.2])
    unit, percent = paired_difference(values, limit=1), paired_difference(values * 100, limit=100)
    assert percent.interval[:2] == pytest.approx((100 * unit.interval.low, 100 * unit.interval.high))
    assert percent.p_value == pytest.approx(unit.p_value)


def test_scenarios_that_fail_together_widen_the_interval():
    differences, families = [-1] * 5 + [0] * 45, list(np.repeat(np.arange(10), 5))
    alone, together = paired_difference(differences, limit=1), paired_difference(differences, families, limit=1)
    assert together.estimate == alone.estimate
    assert together.n_effective < alone.n_effective / 3
    assert together.interval.low < alone.interval.low


@given(st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 6)), min_size=2, max_size=40))
def test_interval_and_p_value_agree_about_zero_and_the_interval_holds_the_estimate(rows):
    differences, families = [d / 5 for d, _ in rows], [f for _, f in rows]
    difference = paired_difference(differences, families, limit=1)
    if difference.reason:
        assert difference.n_clusters < 2
        return
    low, high, level = difference.interval
    assert -1 <= low <= difference.estimate + 1e-9
    assert difference.estimate - 1e-9 <= high <= 1
    if abs(difference.p_value - (1 - level)) > 1e-6:
        assert (difference.p_value < 1 - level) == (not low <= 0 <= high)


@pytest.mark.parametrize("limit", [None, 1.0])
def test_one_family_has_no_error(limit):
    difference = paired_difference([0.0, 1.0, -1.0], ["a"] * 3, limit=limit)
    assert math.isnan(difference.interval.low)
    assert "fewer than 2" in difference.reason
    assert non_inferiority(difference, 0.1).reason == difference.reason
    assert paired_difference([], limit=limit).reason == "no values"


def test_non_inferiority_is_the_bound_of_the_interval():
    values = [1] * 30 + [-1] * 28 + [0] * 142
    difference = paired_difference(values, limit=1)
    bound = difference.interval.low
    assert non_inferiority(difference, -bound + 1e-6).verdict == "non_inferior"
    assert non_inferiority(difference, -bound - 1e-6).verdict == "inconclusive"
    at_bound = non_inferiority(difference, -bound)
    assert (at_bound.p_value, at_bound.alpha) == pytest.approx((0.025, 0.025))


def test_non_inferiority_of_an_unbounded_metric_is_a_one_sided_t_test():
    values = np.random.default_rng(3).normal(3.0, 10.0, size=40)
    answer = non_inferiority(paired_difference(values), 4.0, better="lower")
    expected = stats.ttest_1samp(values, 4.0, alternative="less").pvalue
    assert answer.p_value == pytest.approx(expected)
    assert answer.bound == paired_difference(values).interval.high
    assert (answer.verdict == "non_inferior") == (expected < 0.025)


def test_no_significant_difference_is_not_non_inferiority():
    difference = paired_difference([-1, 0, 0, 0, 0, 0, 0, 1, 0, 0], limit=1)
    assert difference.p_value == 1
    assert non_inferiority(difference, 0.05).verdict == "inconclusive"
    assert non_inferiority(paired_difference([-1] * 30 + [0] * 20, limit=1), 0.05).verdict == "inferior"


def test_impossible_input_is_refused():
    with pytest.raises(ValueError, match="beyond limit"):
        paired_difference([0.5, 1.5], limit=1)
    with pytest.raises(ValueError, match="limit"):
        paired_difference([0.5], limit=0)
    with pytest.raises(ValueError, match="must not exceed"):
        paired_rate_interval(3, 3, 5)
    with pytest.raises(ValueError, match="negative"):
        mcnemar_exact(-1, 2)
    for margin in (-0.1, 1.0, math.nan):
        with pytest.raises(ValueError, match="margin"):
            non_inferiority(paired_difference([0, 0, 1], limit=1), margin)
    assert math.isnan(paired_rate_interval(0, 0, 0).low)


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="public data sets are absent (EAAS_SHARED_DATA)")
@pytest.mark.parametrize(("domain", "lost", "gained"), [("airline", 3, 6), ("retail", 6, 6)])
def test_fine_tuned_agent_is_not_shown_better(domain, lost, gained):
    """tau2-bench before and after fine-tuning: airline 10 to 13 of 20 is exact McNemar p .51."""
    rewards = []
    for version in ("base", "finetuned"):
        simulations = json.loads((SHARED / f"tau2_finetune/{version}_{domain}.json").read_text())["simulations"]
        rewards.append({s["task_id"]: s["reward_info"]["reward"] for s in simulations})
    differences = np.array([rewards[1][task] - rewards[0][task] for task in sorted(rewards[0])])
    assert ((differences < 0).sum(), (differences > 0).sum()) == (lost, gained)
    assert mcnemar_exact(lost, gained).p_value == pytest.approx(0.51 if domain == "airline" else 1, abs=0.005)
    low, high, _ = paired_difference(differences, limit=1).interval
    assert low < 0 < high


def alarms(rng, sizes, repeats, replications, limit):
    """Share of comparisons of an unchanged agent that call a change, with family shocks: clustered and not."""
    index = np.repeat(np.arange(len(sizes)), sizes)
    clustered = naive = 0
    for _ in range(replications):
        ability = rng.normal(2.2, 1.0, size=index.size)
        passes = []
        for _version in range(2):
            shocked = ability + rng.normal(0, 0.8, size=len(sizes))[index]
            passes.append(rng.binomial(repeats, 1 / (1 + np.exp(-shocked))) / repeats)
        differences = passes[1] - passes[0]
        clustered += paired_difference(differences, index, limit=limit).p_value < 0.05
        naive += paired_difference(differences, limit=limit).p_value < 0.05
    return clustered / replications, naive / replications


@pytest.mark.parametrize("limit", [None, 1.0])
def test_family_shocks_do_not_raise_false_alarms(limit):
    clustered, naive = alarms(np.random.default_rng(20), [10] * 10, 5, 400, limit)
    assert clustered < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)
    assert naive > 0.10  # the shocks are there: without families the same data alarm more than twice as often


@pytest.mark.slow
@pytest.mark.parametrize("limit", [None, 1.0])
@pytest.mark.parametrize("repeats", [1, 5])
@pytest.mark.parametrize("sizes", [[10] * 10, [5] * 20, [10] * 5, [30, 20, 10, 5, 5, 5, 5, 5, 5, 5, 3, 2]])
def test_family_shocks_do_not_raise_false_alarms_at_full_size(sizes, repeats, limit):
    clustered, _ = alarms(np.random.default_rng(21), sizes, repeats, 3000, limit)
    assert clustered < 0.05 + 3 * math.sqrt(0.05 * 0.95 / 3000)


def claimed(rng, n, loss, replications, limit):
    """Share of comparisons that call an agent non-inferior whose loss is exactly the margin."""
    hits = 0
    for _ in range(replications):
        differences = -(rng.random(n) < loss).astype(float)
        hits += non_inferiority(paired_difference(differences, limit=limit), loss).verdict == "non_inferior"
    return hits / replications


def test_a_loss_in_few_scenarios_is_not_waved_through():
    """100 scenarios, 5 % of them truly lost, margin 5 points: the t interval errs four times too often."""
    score = claimed(np.random.default_rng(22), 100, 0.05, 500, 1.0)
    t = claimed(np.random.default_rng(22), 100, 0.05, 500, None)
    assert score < 0.025 + 3 * math.sqrt(0.025 * 0.975 / 500)
    assert t > 0.08
