import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.stats.experiments.relative import fieller
from eaas_assets.stats.experiments.results import ArmEstimates

arms = st.builds(
    lambda t, c, vt, vc, r: ArmEstimates(t, c, vt, vc, r * math.sqrt(vt * vc)),
    st.floats(-20, 20),
    st.floats(5, 20),
    st.floats(0.01, 1),
    st.floats(0.01, 1),
    st.floats(-0.95, 0.95),
)


@given(arms, st.sampled_from([(-1.96, 1.96), (-1.5, 2.5)]))
@settings(max_examples=25, deadline=None)
def test_limits_are_the_ratios_at_which_the_test_is_at_its_critical_values(estimates, critical):
    lower, upper = critical
    relative, refusal = fieller(estimates, lower, upper)
    assert refusal is None
    for limit, value in ((relative.low, upper), (relative.high, lower)):
        difference, variance = estimates.contrast(1.0 + limit)
        assert difference / math.sqrt(variance) == pytest.approx(value, rel=1e-6)


@given(arms)
@settings(max_examples=25, deadline=None)
def test_mirrored_arms_give_the_mirrored_relative_effect(estimates):
    mirrored = estimates._replace(treatment=-estimates.treatment, control=-estimates.control)
    up, _ = fieller(estimates, -1.9, 2.1)
    down, _ = fieller(mirrored, -2.1, 1.9)
    assert down[:3] == pytest.approx((-up.estimate, -up.high, -up.low), rel=1e-9)


def test_a_rise_from_a_negative_baseline_is_an_improvement():
    relative, _ = fieller(ArmEstimates(-8.0, -10.0, 0.01, 0.01), -1.96, 1.96)
    assert relative.estimate == pytest.approx(0.2)
    assert 0.0 < relative.low < 0.2 < relative.high


@pytest.mark.parametrize("control", [0.0, 0.5, -1.9])
def test_a_baseline_whose_interval_covers_zero_is_refused(control):
    relative, refusal = fieller(ArmEstimates(3.0, control, 1.0, 1.0), -1.96, 1.96)
    assert math.isnan(relative.estimate)
    assert refusal is not None
    assert (refusal.code, refusal.scope) == ("baseline_near_zero", "relative")
