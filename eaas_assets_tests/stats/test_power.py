"""Sizes and detectable effects, against published values and brute-force enumeration."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from eaas_assets.stats.paired import mcnemar_exact
from eaas_assets.stats.power import (
    mde_one_sample_proportion,
    mde_paired,
    mde_paired_proportions,
    n_for_paired,
    n_for_two_means,
    n_for_two_proportions,
    power_paired_proportions,
    resolution,
    sd_of_paired_differences,
)


def test_two_sample_sizes_match_published_values():
    """R's documentation: power.prop.test(p1 = .5, p2 = .75, power = .9); power.t.test(delta = 1, power = .9)."""
    assert n_for_two_proportions(0.5, 0.75, power=0.9) == pytest.approx(76.7069, abs=1e-3)
    assert n_for_two_means(1, 1, power=0.9) == pytest.approx(22.02110, abs=1e-3)


@pytest.mark.parametrize("sides", ["one-sided", "two-sided"])
@pytest.mark.parametrize(("n", "alpha", "power"), [(3, 0.05, 0.8), (10, 0.01, 0.9), (100, 0.05, 0.8), (5000, 0.1, 0.5)])
def test_paired_size_and_effect_invert_the_power_of_the_t_test(n, alpha, power, sides):
    effect = mde_paired(2.0, n, power, alpha, sides).effect
    shift = effect / 2.0 * math.sqrt(n)
    if sides == "two-sided":
        critical = stats.t.isf(alpha / 2, n - 1)
        reached = stats.nct.sf(critical, n - 1, shift) + stats.nct.sf(critical, n - 1, -shift)
    else:
        reached = stats.nct.sf(stats.t.isf(alpha, n - 1), n - 1, shift)
    assert reached == pytest.approx(power, abs=1e-5)
    assert n_for_paired(2.0, effect, power, alpha, sides) == pytest.approx(n, rel=1e-6)


def test_sizes_shrink_with_the_effect_and_stop_at_two():
    sizes = [n_for_paired(1.0, delta) for delta in (0.01, 0.1, 0.5, 1.0, 100.0)]
    assert all(larger > smaller for larger, smaller in pairwise(sizes))
    assert sizes[-1] == 2
    assert n_for_paired(1.0, 0.3, sides="one-sided") < n_for_paired(1.0, 0.3)


@pytest.mark.parametrize(("p0", "n"), [(0.8, 10), (0.9, 40), (0.95, 200), (1.0, 10)])
def test_one_sample_drop_is_the_smallest_that_the_exact_test_detects(p0, n):
    found = mde_one_sample_proportion(p0, n).effect
    alarm = max(k for k in range(n) if stats.binom.cdf(k, n, p0) <= 0.05)
    assert stats.binom.cdf(alarm, n, p0 - found) == pytest.approx(0.8, abs=1e-9)


def test_ten_scenarios_at_eighty_percent_see_only_a_drop_of_38_points():
    assert mde_one_sample_proportion(0.8, 10).effect == pytest.approx(0.381, abs=5e-4)
    assert resolution(10) == 0.1


def test_what_no_drop_can_show_is_nan_with_a_reason():
    single = mde_one_sample_proportion(0.8, 1)
    assert math.isnan(single.effect)
    assert "even 0 of 1" in single.reason
    five = mde_paired_proportions(5, 0.0)  # 5 of 5 lost is exact p = .0625
    assert math.isnan(five.effect)
    assert "5 scenarios" in five.reason
    assert math.isfinite(mde_paired_proportions(6, 0.0).effect)
    assert mde_paired(1.0, 1).reason == "fewer than 2 pairs"
    assert mde_one_sample_proportion(0.8, 0).reason == "no trials"
    assert math.isnan(resolution(0))


@pytest.mark.parametrize(("n", "discordance", "drop"), [(12, 0.0, 0.6), (12, 0.2, 0.4), (25, 0.1, 0.25)])
@pytest.mark.parametrize("sides", ["one-sided", "two-sided"])
def test_mcnemar_power_is_the_sum_over_all_tables(n, discordance, drop, sides):
    probabilities = [discordance / 2 + drop, discordance / 2, 1 - discordance - drop]
    power = 0.0
    for lost in range(n + 1):
        for gained in range(n + 1 - lost):
            p_value = mcnemar_exact(lost, gained, "loss").p_value * (2 if sides == "two-sided" else 1)
            if p_value <= 0.05:
                power += stats.multinomial.pmf([lost, gained, n - lost - gained], n, probabilities)
    assert power_paired_proportions(n, discordance, drop, 0.05, sides) == pytest.approx(power, abs=1e-12)


def test_detectable_drop_has_the_power_it_promises_and_grows_with_noise():
    effects = [mde_paired_proportions(100, noise).effect for noise in (0.0, 0.05, 0.2, 0.4)]
    assert effects == sorted(effects)
    for noise, effect in zip((0.0, 0.05, 0.2, 0.4), effects, strict=True):
        assert power_paired_proportions(100, noise, effect) == pytest.approx(0.8, abs=1e-9)


def test_without_a_change_the_test_seldom_reports_a_loss():
    assert power_paired_proportions(200, 0.3, 0.0) <= 0.025
    assert power_paired_proportions(50, 0.0, 0.0) == 0
    assert power_paired_proportions(50, 0.0, 1.0) == pytest.approx(1)


def test_repeats_buy_precision_only_against_noise_of_repeats():
    assert sd_of_paired_differences(0.0, 0.09, 1) == pytest.approx(math.sqrt(0.18))
    assert sd_of_paired_differences(0.04, 0.09, 10**9) == pytest.approx(0.2)
    rng = np.random.default_rng(5)
    change, old, new = rng.normal(0, 0.2, (40_000, 1)), rng.normal(0, 0.3, (40_000, 3)), rng.normal(0, 0.3, (40_000, 3))
    simulated = np.std((change + new).mean(axis=1) - old.mean(axis=1))
    assert sd_of_paired_differences(0.04, 0.09, 3) == pytest.approx(simulated, rel=0.02)


@pytest.mark.parametrize(
    "call",
    [
        lambda: mde_one_sample_proportion(0.0, 10),
        lambda: mde_one_sample_proportion(0.8, 10, power=0.01),
        lambda: n_for_paired(0.0, 0.1),
        lambda: n_for_two_means(1.0, math.nan),
        lambda: n_for_two_proportions(0.5, 0.5),
        lambda: mde_paired_proportions(10, 1.1),
        lambda: mde_paired(1.0, 10, alpha=0.0),
        lambda: sd_of_paired_differences(-1, 1, 1),
        lambda: resolution(-1),
    ],
)
def test_impossible_plans_are_refused(call):
    with pytest.raises(ValueError, match="=="):
        call()
