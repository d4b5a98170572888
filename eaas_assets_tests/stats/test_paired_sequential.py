"""Levels and p-values of looks at paired means."""

import math

import pytest

from eaas_assets.stats.experiments.sequential import critical_value
from eaas_assets.stats.paired_sequential import level_at_look, p_at_look, share_of_repetition


@pytest.mark.parametrize("fraction", [0.1, 0.5, 1.0, 3.0])
def test_the_level_of_a_look_and_its_p_value_are_one_test(fraction):
    single = 1.0 - level_at_look(fraction, 0.95)
    assert p_at_look(single, fraction) == pytest.approx(0.05, rel=1e-4)
    assert p_at_look(0.9 * single, fraction) < 0.05 < p_at_look(1.1 * single, fraction)


def test_at_the_plan_the_critical_value_is_that_of_the_confidence_sequence():
    assert critical_value(1.0) == pytest.approx(2.76, abs=0.01)
    assert level_at_look(1.0, 0.95) == pytest.approx(0.99422, abs=2e-4)


def test_p_values_that_underflow_stay_small_and_unknown_ones_unknown():
    assert 0.0 <= p_at_look(0.0, 1.0) < 1e-200
    assert math.isnan(p_at_look(math.nan, 1.0))


def test_the_shares_of_all_repetitions_sum_to_the_whole_error():
    assert math.fsum(share_of_repetition(k) for k in range(1, 10_000)) == pytest.approx(1.0, abs=1.1e-4)
    with pytest.raises(ValueError, match="at least 1"):
        share_of_repetition(0)
