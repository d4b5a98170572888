import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.planning import (
    MetricPlan,
    detectable_effect,
    duration_days,
    false_positive_risk,
    proportion_plan,
    ratio_unit_variance,
    required_units,
)
from eaas_assets.stats.experiments.ratio_metric import ratio_difference


def test_textbook_sizes():
    """R's power.prop.test(p1 = .5, p2 = .75, power = .9) and power.t.test(delta = 1, power = .9)."""
    assert required_units(proportion_plan(0.5), 0.25, power=0.9).control == pytest.approx(76.7069, abs=1e-3)
    assert required_units(MetricPlan(0.0, 1.0), 1.0, power=0.9).treatment == pytest.approx(22.02110, abs=1e-3)


@pytest.mark.parametrize(
    ("success_rate", "risk"), [(1 / 3, 0.059), (0.2, 0.111), (0.15, 0.150), (0.1, 0.220), (0.08, 0.264)]
)
def test_false_positive_risk_matches_the_published_table(success_rate, risk):
    """Kohavi, Deng & Vermeer 2022, false-positive risk at success rates from a third to 8 %."""
    assert false_positive_risk(success_rate) == pytest.approx(risk, abs=0.001)


@given(
    st.booleans(),
    st.floats(0.05, 0.5),
    st.floats(0.02, 0.3),
    st.floats(0.1, 0.9),
    st.floats(0.55, 0.95),
    st.floats(0.2, 1),
)
@settings(max_examples=25, deadline=None)
def test_the_required_units_detect_the_effect(proportion, baseline, effect, share, power, left):
    plan = proportion_plan(baseline, left) if proportion else MetricPlan(baseline, 0.5, left)
    units = required_units(plan, effect, power, treatment_share=share)
    assert units.treatment / units.total == pytest.approx(share)
    if 1 / units.treatment + 1 / units.control < 2 / 10:
        found = detectable_effect(plan, units.total, power, treatment_share=share)
        assert found == pytest.approx(effect, rel=5e-4)


def test_a_covariate_saves_the_share_that_it_explains():
    plain, adjusted = (required_units(MetricPlan(5.0, 4.0, left), 0.1).total for left in (1.0, 1 - 0.8**2))
    assert adjusted / plain == pytest.approx(0.36, rel=1e-3)


def test_unequal_arms_need_more():
    plan = MetricPlan(0.0, 1.0)
    assert required_units(plan, 0.1, treatment_share=0.1).total == pytest.approx(
        required_units(plan, 0.1).total * (1 / 0.1 + 1 / 0.9) / 4, rel=1e-9
    )


def test_ratio_variance_per_unit_is_that_of_the_analysis():
    rng = np.random.default_rng(0)
    views = 1.0 + rng.poisson(5, 4_000)
    arm = ArmMoments.from_arrays(a=rng.binomial(views.astype(int), 0.2), b=views)
    variance = ratio_unit_variance(*arm.mean, *np.diag(arm.covariance), arm.covariance[0, 1])
    assert ratio_difference(arm, arm, "a", "b").se == pytest.approx(math.sqrt(2 * variance / 4_000), rel=1e-9)


def test_planned_power_is_reached_in_simulation():
    rng = np.random.default_rng(1)
    units = math.ceil(required_units(MetricPlan(0.0, 1.0), 0.5).control)
    y = rng.normal(size=(4_000, 2, units))
    y[:, 0] += 0.5
    statistic = (y[:, 0].mean(1) - y[:, 1].mean(1)) / np.sqrt(y.var(axis=2, ddof=1).sum(axis=1) / units)
    assert (np.abs(statistic) > 1.9801).mean() == pytest.approx(0.8, abs=0.025)


def test_duration_is_in_whole_weeks_unless_asked_otherwise():
    assert duration_days(1_000, 100) == 14
    assert duration_days(1_000, 100, whole_weeks=False) == 10
    assert duration_days(700, 100) == 7
    assert duration_days(1_000, 0) is None
    assert duration_days(1_000, math.nan) is None


def test_what_cannot_be_detected_is_nan():
    assert math.isnan(detectable_effect(proportion_plan(0.99), 50))
    assert math.isnan(detectable_effect(MetricPlan(0.0, 1.0), 5.9))


@pytest.mark.parametrize(
    "call",
    [
        lambda: proportion_plan(0.0),
        lambda: required_units(proportion_plan(0.9), 0.2),
        lambda: required_units(MetricPlan(0.0, 1.0), 0.0),
        lambda: required_units(MetricPlan(0.0, 0.0), 1.0),
        lambda: required_units(MetricPlan(0.0, 1.0, 0.0), 1.0),
        lambda: required_units(MetricPlan(0.0, 1.0), 1.0, power=0.01),
        lambda: required_units(MetricPlan(0.0, 1.0), 1.0, treatment_share=1.0),
        lambda: false_positive_risk(0.0),
    ],
)
def test_impossible_plans_are_errors(call):
    with pytest.raises(ValueError, match=r"must|no proportion"):
        call()
