import math
import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.stats.experiments.proportions import (
    Counts,
    newcombe_limits,
    proportion_difference,
    score_limits,
    score_z,
    score_z_ratio,
    wald_limits,
    yates_chi2,
)

SHARED = Path(os.environ.get("EAAS_SHARED_DATA", Path(__file__).parents[4] / "shared/data"))

counts = st.tuples(st.integers(2, 80), st.integers(2, 80)).flatmap(
    lambda n: st.builds(lambda x1, x0: Counts(x1, n[0], x0, n[1]), st.integers(0, n[0]), st.integers(0, n[1]))
)


def test_sample_experiment_e001_is_reproduced():
    """E001: 90 of 500 against 135 of 520."""
    effect = proportion_difference(135, 520, 90, 500)
    assert effect.estimate == pytest.approx(0.0796, abs=6e-5)
    assert effect.diagnostics["yates_chi2"] == pytest.approx(8.9403, abs=6e-5)
    assert effect.diagnostics["yates_p"] == pytest.approx(0.002790, abs=6e-5)
    assert effect.diagnostics["wald_low"] == pytest.approx(0.0291, abs=6e-5)
    assert effect.diagnostics["wald_high"] == pytest.approx(0.1302, abs=6e-5)
    assert effect.p_value < 0.05
    assert 0 < effect.low < effect.diagnostics["wald_low"]


@pytest.mark.parametrize(
    ("table", "score", "newcombe"),
    [
        (Counts(56, 70, 48, 80), (0.0528, 0.3382), (0.0524, 0.3339)),
        (Counts(9, 10, 3, 10), (0.1700, 0.8406), (0.1705, 0.8090)),
        (Counts(5, 56, 0, 29), (-0.0326, 0.1933), (-0.0381, 0.1926)),
    ],
)
def test_limits_match_newcombe_s_comparison_of_eleven_methods(table, score, newcombe):
    """Newcombe 1998, Statistics in Medicine 17, table II: methods 6 (Miettinen–Nurminen) and 10."""
    assert score_limits(table) == pytest.approx(score, abs=6e-5)
    assert newcombe_limits(table) == pytest.approx(newcombe, abs=6e-5)


def test_yates_test_is_the_corrected_contingency_test():
    expected = stats.chi2_contingency([[135, 385], [90, 410]], correction=True)
    assert yates_chi2(Counts(135, 520, 90, 500)) == pytest.approx((expected.statistic, expected.pvalue), rel=1e-10)
    assert all(math.isnan(x) for x in yates_chi2(Counts(0, 5, 0, 5)))


@given(counts)
@settings(max_examples=25, deadline=None)
def test_score_limits_are_where_the_test_is_at_its_critical_value(table):
    for limit in score_limits(table):
        if abs(limit) < 1.0:
            assert abs(score_z(table, limit)) == pytest.approx(1.959964, abs=1e-4)


@given(counts, st.floats(-0.9, 0.9))
@settings(max_examples=25, deadline=None)
def test_the_score_uses_the_most_likely_proportions_under_the_hypothesis(table, difference):
    """Against a search over the restricted likelihood."""
    grid = np.linspace(max(0.0, -difference), min(1.0, 1.0 - difference), 20_001)[1:-1]
    other = np.clip(grid + difference, 1e-300, 1.0)
    x1, n1, x0, n0 = table
    with np.errstate(divide="ignore", invalid="ignore"):
        likelihood = (
            np.where(x1 > 0, x1 * np.log(other), 0.0)
            + np.where(n1 > x1, (n1 - x1) * np.log1p(-np.minimum(other, 1.0)), 0.0)
            + np.where(x0 > 0, x0 * np.log(grid), 0.0)
            + np.where(n0 > x0, (n0 - x0) * np.log1p(-grid), 0.0)
        )
    best = grid[np.argmax(likelihood)]
    variance = (best + difference) * (1 - best - difference) / n1 + best * (1 - best) / n0
    expected = (x1 / n1 - x0 / n0 - difference) / math.sqrt(variance * (n1 + n0) / (n1 + n0 - 1))
    if 0.01 < best < 0.99 and 0.01 < best + difference < 0.99:
        assert score_z(table, difference) == pytest.approx(expected, abs=0.02)


@given(counts)
@settings(max_examples=25, deadline=None)
def test_swapped_arms_and_swapped_outcomes_flip_the_sign(table):
    x1, n1, x0, n0 = table
    low, high = score_limits(table)
    assert score_limits(Counts(x0, n0, x1, n1)) == pytest.approx((-high, -low), abs=1e-7)
    assert score_limits(Counts(n1 - x1, n1, n0 - x0, n0)) == pytest.approx((-high, -low), abs=1e-7)


@given(counts)
@settings(max_examples=25, deadline=None)
def test_interval_p_value_and_relative_effect_agree_about_zero(table):
    effect = proportion_difference(*table)
    assert -1.0 <= effect.low <= effect.estimate <= effect.high <= 1.0
    assert score_z_ratio(table, 1.0) == pytest.approx(score_z(table, 0.0), abs=1e-9)
    if abs(effect.p_value - 0.05) > 1e-6:
        assert (effect.low > 0 or effect.high < 0) == (effect.p_value < 0.05)
        if table.successes_control:
            assert (effect.relative.low > 0 or effect.relative.high < 0) == (effect.p_value < 0.05)


def test_ratio_limits_are_where_the_ratio_test_is_at_its_critical_value():
    table = Counts(44, 45_000, 36, 44_000)
    relative = proportion_difference(*table).relative
    for limit in (relative.low, relative.high):
        assert abs(score_z_ratio(table, 1.0 + limit)) == pytest.approx(1.959964, abs=1e-6)


def test_no_success_at_all_still_gives_an_absolute_interval():
    effect = proportion_difference(0, 500, 0, 500)
    assert effect.answered
    assert effect.low == pytest.approx(-effect.high)
    assert 0.007 < effect.high < 0.008  # about 3.84 / 500
    assert effect.codes == ("baseline_near_zero",)
    assert math.isnan(effect.relative.estimate)


def test_large_samples_approach_wald():
    table = Counts(1_003_000, 5_000_000, 1_000_000, 5_000_000)
    assert score_limits(table) == pytest.approx(wald_limits(table), abs=1e-9)


def test_wrong_counts_are_refused():
    assert proportion_difference(0, 0, 1, 5).codes == ("empty_arm",)
    with pytest.raises(ValueError, match="successes"):
        proportion_difference(6, 5, 1, 5)
    with pytest.raises(ValueError, match="successes"):
        proportion_difference(-1, 5, 1, 5)


def exact_coverage(n1: int, n0: int, p1: float, p0: float) -> float:
    total = 0.0
    for x1 in range(n1 + 1):
        weight = stats.binom.pmf(x1, n1, p1)
        if weight < 1e-7:
            continue
        chances = stats.binom.pmf(np.arange(n0 + 1), n0, p0)
        for x0 in np.flatnonzero(chances > 1e-7):
            low, high = score_limits(Counts(x1, n1, int(x0), n0))
            total += weight * chances[x0] * (low <= p1 - p0 <= high)
    return total


@pytest.mark.parametrize(("n1", "n0", "p1", "p0"), [(20, 20, 0.1, 0.05), (15, 30, 0.5, 0.3)])
def test_exact_coverage_in_small_arms_is_close_to_nominal(n1, n0, p1, p0):
    assert 0.935 < exact_coverage(n1, n0, p1, p0) < 0.985


@pytest.mark.shared_data
@pytest.mark.skipif(not SHARED.is_dir(), reason="public data sets are absent (EAAS_SHARED_DATA)")
def test_cookie_cats_gate_at_level_forty_harms_day_seven_retention():
    """The gate moved from level 30 to 40: day 1 −.59 points, p .0744; day 7 −.82 points, p .00155."""
    frame = pd.read_csv(SHARED / "cookie_cats" / "cookie_cats.csv", encoding="utf-8-sig")
    old, new = frame[frame.version == "gate_30"], frame[frame.version == "gate_40"]
    assert (len(old), len(new)) == (44_700, 45_489)
    day_1 = proportion_difference(int(new.retention_1.sum()), len(new), int(old.retention_1.sum()), len(old))
    day_7 = proportion_difference(int(new.retention_7.sum()), len(new), int(old.retention_7.sum()), len(old))
    assert (day_1.control, day_1.treatment) == pytest.approx((0.448188, 0.442283), abs=1e-6)
    assert day_1.p_value == pytest.approx(0.0744, abs=1e-4)
    assert (day_7.control, day_7.treatment) == pytest.approx((0.190201, 0.182000), abs=1e-6)
    assert day_7.estimate == pytest.approx(-0.00820, abs=1e-5)
    assert day_7.p_value == pytest.approx(0.00155, abs=1e-4)
    assert day_7.high < 0
