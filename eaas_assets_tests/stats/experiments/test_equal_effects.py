"""Effects of segments are called different no more often than promised, also where segments are small."""

import math

import numpy as np
import pytest
from scipy import stats

from eaas_assets.stats.experiments.equal_effects import equal_effects
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.proportions import proportion_difference
from eaas_assets.stats.experiments.randomised import mean_difference


def means(rng, segments, smallest, largest, shift=0.0):
    def arm(effect):
        return ArmMoments.from_arrays(m=rng.normal(effect, 1.0, int(rng.integers(smallest, largest))))

    return [mean_difference(arm(shift * k), arm(0.0)) for k in range(segments)]


def rates(rng, segments, smallest, largest, p):
    sizes = rng.integers(smallest, largest, (segments, 2))
    return [proportion_difference(int(rng.binomial(n, p)), n, int(rng.binomial(m, p)), m) for n, m in sizes.tolist()]


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng: means(rng, 30, 5, 40),
        lambda rng: means(rng, 8, 10, 20),
        lambda rng: rates(rng, 50, 5, 60, 0.05),
        lambda rng: rates(rng, 8, 100, 500, 0.01),
    ],
)
def test_equal_effects_are_seldom_called_different(draw):
    rng = np.random.default_rng(5)
    found = sum(equal_effects(draw(rng)) < 0.05 for _ in range(150))
    assert found <= stats.binom.ppf(0.999, 150, 0.05)


def test_different_effects_are_found():
    rng = np.random.default_rng(1)
    assert equal_effects(means(rng, 6, 30, 40, shift=0.5)) < 1e-6
    assert equal_effects([proportion_difference(40, 100, 20, 100), proportion_difference(20, 100, 40, 100)]) < 1e-4


def test_with_many_units_it_is_cochran_s_q():
    rng = np.random.default_rng(2)
    effects = means(rng, 5, 20_000, 20_001)
    y, v = np.array([e.estimate for e in effects]), np.array([e.se for e in effects]) ** 2
    mean = (y / v).sum() / (1 / v).sum()
    assert equal_effects(effects) == pytest.approx(stats.chi2.sf((((y - mean) ** 2) / v).sum(), 4), rel=1e-3)


def test_one_segment_or_none_that_tells_has_no_p_value():
    assert math.isnan(equal_effects([]))
    assert math.isnan(equal_effects([proportion_difference(3, 10, 4, 10)]))
    assert math.isnan(equal_effects([proportion_difference(0, 10, 0, 10)] * 3))
    refused = mean_difference(ArmMoments.from_arrays(m=[1.0]), ArmMoments.from_arrays(m=[1.0, 2.0]))
    assert math.isnan(equal_effects([refused, refused]))
