import math

import numpy as np
import pytest

from eaas_assets.stats.experiments import sequential
from eaas_assets.stats.experiments.boundaries import crossing_probabilities, spending_boundaries
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.proportions import proportion_difference
from eaas_assets.stats.experiments.randomised import mean_difference
from eaas_assets.stats.experiments.sequential import (
    anytime_effect,
    anytime_harm_p,
    anytime_p,
    confidence_sequence,
    critical_value,
    group_sequential_effect,
    mixture_critical,
)


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.5, 1.0])
def test_it_is_a_tenth_tighter_than_the_uncalibrated_sequence_up_to_the_plan(fraction):
    """Waudby-Smith et al. 2021 with its precision tuned at the planned sample, as other tools use it."""
    ratio = critical_value(fraction) / mixture_critical(fraction, 0.05)
    assert 0.84 < ratio < 0.915


def test_the_uncalibrated_boundary_is_the_published_one():
    """Waudby-Smith et al. 2021: σ √(2(tρ² + 1)/(t²ρ²) log(√(tρ² + 1)/α)), as a z value with tρ² = 8 at the plan."""
    t, rho2 = 5_000.0, 8.0 / 10_000
    half_width = math.sqrt(2 * (t * rho2 + 1) / (t**2 * rho2) * math.log(math.sqrt(t * rho2 + 1) / 0.05))
    assert mixture_critical(0.5, 0.05) == pytest.approx(half_width * math.sqrt(t), rel=1e-12)


def any_look(boundary, fractions, reps, rng):
    steps = rng.normal(size=(reps, len(fractions))) * np.sqrt(np.diff(fractions, prepend=0.0))
    return float((np.abs(np.cumsum(steps, axis=1)) / np.sqrt(fractions) > boundary).any(axis=1).mean())


def test_fifty_looks_err_in_fewer_than_five_and_more_than_two_of_a_hundred():
    fractions = np.arange(1, 51) / 50
    ours = any_look([critical_value(f) for f in fractions], fractions, 40_000, np.random.default_rng(0))
    assert 0.027 < ours <= 0.05


@pytest.mark.slow
def test_a_thousand_looks_and_an_overrun_still_err_in_fewer_than_five():
    fractions = np.concatenate([np.geomspace(0.005, 1, 800), np.geomspace(1.001, 20, 300)])
    boundary = [critical_value(f) for f in fractions]
    rng = np.random.default_rng(1)
    rate = np.mean([any_look(boundary, fractions, 2_000, rng) for _ in range(20)])
    assert 0.035 < rate <= 0.05


def continuous_crossing(nominal: float, looks: int) -> float:
    """Looks even in log time, with Siegmund's correction for the path between them."""
    fractions = np.geomspace(0.002, 1.0, looks)
    gaps = np.diff(fractions) / fractions[1:]
    shift = np.concatenate([[0.0], 0.5825971579 * np.sqrt(gaps)])
    bounds = [mixture_critical(f, nominal) - s for f, s in zip(fractions, shift, strict=True)]
    return crossing_probabilities(bounds, list(fractions)).total


@pytest.mark.parametrize(("nominal", "spent"), [(0.05, 0.01908), (0.1, 0.044466)])
def test_the_table_of_spent_error_is_recomputed(nominal, spent):
    assert continuous_crossing(nominal, 60) == pytest.approx(spent, rel=0.01)


@pytest.mark.slow
def test_the_whole_table_of_spent_error_is_recomputed():
    for nominal, spent in sequential._SPENT_BY_PLAN:
        if nominal < 1.0:
            assert continuous_crossing(nominal, 200) == pytest.approx(spent, rel=1e-3)


@pytest.mark.parametrize("fraction", [0.05, 0.7, 1.0, 1.5, 6.0])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.1])
def test_p_value_is_alpha_at_the_critical_value(fraction, alpha):
    assert anytime_p(critical_value(fraction, alpha), fraction) == pytest.approx(alpha, rel=1e-6)
    assert anytime_p(0.0, fraction) == 1.0
    assert anytime_p(40.0, fraction) < 1e-15


def arms(rng, n, shift=0.0, scale=1.0):
    return (
        ArmMoments.from_arrays(y=rng.normal(10 + shift, scale, n)),
        ArmMoments.from_arrays(y=rng.normal(10, scale, n)),
    )


def test_interval_and_p_value_agree_and_are_labelled():
    rng = np.random.default_rng(2)
    for shift in (0.0, 0.05, 0.1, 0.2):
        look = anytime_effect(mean_difference(*arms(rng, 1_000, shift)), planned_n=4_000)
        assert look.inference == "anytime"
        assert (look.low > 0 or look.high < 0) == (look.p_value < 0.05)
        assert (look.relative.low > 0 or look.relative.high < 0) == (look.p_value < 0.05)
        assert look.diagnostics["planned_fraction"] == 0.5


@pytest.mark.parametrize("fraction", [0.04, 1.0, 1.0001, 1.04, 1.5, 4.0, 40.0])
def test_a_smaller_statistic_never_has_a_smaller_p_value(fraction):
    """After the plan, too, where a statistic near zero once had a p-value of a thousandth."""
    p_values = [anytime_p(z, fraction) for z in np.linspace(0.0, 6.0, 601)]
    assert p_values == sorted(p_values, reverse=True)
    beyond = [z > critical_value(fraction, 0.05) for z in np.linspace(0.0, 6.0, 601)]
    assert [p_value < 0.05 for p_value in p_values] == beyond


def test_it_is_wider_than_the_fixed_interval_and_wider_still_after_the_plan():
    fixed = mean_difference(*arms(np.random.default_rng(3), 1_000))
    planned, over = anytime_effect(fixed, 2_000), anytime_effect(fixed, 1_999)
    assert fixed.inference == "fixed_horizon"
    assert fixed.high - fixed.low < planned.high - planned.low < over.high - over.low


def test_the_p_value_of_a_sequence_never_rises():
    rng = np.random.default_rng(4)
    treatment, control = rng.normal(0.1, 1, 2_000), rng.normal(0, 1, 2_000)
    effects = [
        mean_difference(ArmMoments.from_arrays(y=treatment[:n]), ArmMoments.from_arrays(y=control[:n]))
        for n in (20, *range(100, 2_001, 100))
    ]
    looks = confidence_sequence(effects, 4_000)
    assert looks[0].codes == ("too_early",)
    assert math.isnan(looks[0].p_value)
    p_values = [look.p_value for look in looks[1:]]
    assert p_values == sorted(p_values, reverse=True)
    widths = [look.high - look.low for look in looks[1:]]
    assert widths[-1] < widths[0]


def test_few_units_are_allowed_for_by_the_t_distribution():
    small, large = (mean_difference(*arms(np.random.default_rng(5), n)) for n in (50, 40_000))
    half = [anytime_effect(e, 2 * e.n_control) for e in (small, large)]
    widths = [(e.high - e.low) / (2 * e.se) for e in half]
    assert widths[0] > widths[1] == pytest.approx(critical_value(1.0), rel=1e-3)


def test_proportions_are_sequenced_too():
    look = anytime_effect(proportion_difference(300, 1_000, 200, 1_000), 4_000)
    assert look.low > 0
    assert look.metric_kind == "proportion"
    assert anytime_effect(proportion_difference(0, 900, 0, 900), 4_000).codes == ("no_variance",)


def test_refused_effects_stay_refused():
    empty = mean_difference(ArmMoments.from_arrays(y=[]), ArmMoments.from_arrays(y=[1.0, 2.0]))
    assert anytime_effect(empty, 100).codes == ("empty_arm",)
    assert math.isnan(anytime_harm_p(empty, 100, higher_is_better=True))


def test_harm_is_found_on_its_side_only_and_beyond_its_margin():
    worse = mean_difference(*arms(np.random.default_rng(6), 2_000, -0.3))
    assert anytime_harm_p(worse, 8_000, higher_is_better=True) < 1e-6
    assert anytime_harm_p(worse, 8_000, higher_is_better=False) == 1.0
    assert anytime_harm_p(worse, 8_000, higher_is_better=True, margin=0.5) == 1.0
    two_sided = anytime_effect(worse, 8_000).p_value
    assert anytime_harm_p(worse, 8_000, higher_is_better=True) == pytest.approx(two_sided / 2)


def test_false_alarms_of_harm_stay_below_their_rate():
    rng = np.random.default_rng(7)
    fractions = np.arange(1, 41) / 40
    one_sided = [critical_value(f, 0.1) for f in fractions]
    steps = rng.normal(size=(30_000, 40)) * math.sqrt(1 / 40)
    z = np.cumsum(steps, axis=1) / np.sqrt(fractions)
    assert 0.02 < (z < -np.array(one_sided)).any(axis=1).mean() <= 0.05


def test_skewed_metrics_in_unequal_arms_keep_interval_and_p_value_together():
    rng = np.random.default_rng(9)
    for shift in (0.0, 0.2, 0.4, 0.6):
        fixed = mean_difference(
            ArmMoments.from_arrays(y=rng.lognormal(size=200) + shift),
            ArmMoments.from_arrays(y=rng.lognormal(size=4_000)),
        )
        look = anytime_effect(fixed, planned_n=10_000)
        assert look.estimate - look.low != pytest.approx(look.high - look.estimate, rel=0.01)
        assert (look.low > 0 or look.high < 0) == (look.p_value < 0.05)


def test_a_group_sequential_look_uses_its_boundary():
    fixed = mean_difference(*arms(np.random.default_rng(10), 5_000, 0.05))
    critical = spending_boundaries([0.4, 0.7])[1]
    look = group_sequential_effect(fixed, critical)
    assert look.inference == "group_sequential"
    assert (look.high - look.low) / (2 * look.se) == pytest.approx(critical, rel=1e-3)
    assert math.isnan(look.p_value)
    empty = mean_difference(ArmMoments.from_arrays(y=[]), ArmMoments.from_arrays(y=[1.0, 2.0]))
    assert group_sequential_effect(empty, critical).codes == ("empty_arm",)


def test_wrong_calls_are_errors():
    fixed = mean_difference(*arms(np.random.default_rng(8), 60))
    with pytest.raises(ValueError, match="planned_n"):
        anytime_effect(fixed, 0)
    with pytest.raises(ValueError, match="fraction"):
        critical_value(0.0)
    with pytest.raises(ValueError, match="level"):
        critical_value(0.5, alpha=5)
