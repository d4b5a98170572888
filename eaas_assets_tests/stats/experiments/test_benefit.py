import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.stats.experiments.benefit import net_benefit
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.proportions import proportion_difference
from eaas_assets.stats.experiments.randomised import mean_difference


def effect(treatment=(3.0, 4.0, 5.0, 6.0), control=(1.0, 2.0, 3.0, 4.0)):
    return mean_difference(ArmMoments.from_arrays(y=treatment), ArmMoments.from_arrays(y=control))


def test_the_interval_is_that_of_the_effect_in_money():
    e = effect()
    benefit = net_benefit(e, value_per_unit=10.0, units=100.0, cost=500.0)
    assert benefit.value == pytest.approx(2.0 * 1_000 - 500)
    assert (benefit.low, benefit.high) == pytest.approx((1_000 * e.low - 500, 1_000 * e.high - 500))
    assert benefit.break_even == 0.5


def test_a_loss_is_as_likely_as_its_one_sided_p_value():
    e = effect()
    assert net_benefit(e, 1.0, 1.0, 0.0).p_negative == pytest.approx(e.p_value / 2)
    assert net_benefit(e, 1.0, 1.0, 2.0).p_negative == pytest.approx(0.5)
    assert net_benefit(e, -1.0, 1.0, 0.0).p_negative == pytest.approx(1 - e.p_value / 2)
    assert net_benefit(e, 1.0, 1.0, e.low).p_negative == pytest.approx(0.025)


@given(st.floats(-100, 100).filter(lambda v: abs(v) > 1e-3), st.floats(1, 1e6), st.floats(0, 1e6))
def test_the_interval_holds_the_value_and_costs_only_lower_it(value, units, cost):
    benefit, free = net_benefit(effect(), value, units, cost), net_benefit(effect(), value, units, 0.0)
    assert benefit.low <= benefit.value <= benefit.high
    assert benefit.p_negative >= free.p_negative - 1e-12
    assert benefit.value == pytest.approx(free.value - cost, abs=1e-6 * (1 + abs(free.value)))


def test_a_metric_that_costs_has_a_negative_price():
    faster = proportion_difference(300, 1_000, 400, 1_000)
    assert net_benefit(faster, -5.0, 1_000, 100.0).value == pytest.approx(400.0)


def test_without_an_effect_there_is_no_value():
    benefit = net_benefit(effect(treatment=()), 10.0, 100.0, 5.0)
    assert all(math.isnan(x) for x in (benefit.value, benefit.low, benefit.high, benefit.p_negative))
    assert benefit.break_even == 0.005


def test_without_units_only_the_cost_is_left():
    benefit = net_benefit(effect(), 10.0, 0.0, 5.0)
    assert (benefit.value, benefit.low, benefit.high, benefit.p_negative) == (-5.0, -5.0, -5.0, 1.0)
    assert math.isnan(benefit.break_even)


@pytest.mark.parametrize(("value", "units", "cost"), [(math.nan, 1, 1), (1, -1, 1), (1, math.inf, 1), (1, 1, math.inf)])
def test_amounts_must_be_finite(value, units, cost):
    with pytest.raises(ValueError, match="finite"):
        net_benefit(effect(), value, units, cost)
