import math

import numpy as np
import pytest

from eaas_assets.stats.experiments.many_arms import compare_with_control, dunnett_critical
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.randomised import mean_difference


@pytest.mark.parametrize(
    ("comparisons", "df", "published"),
    [
        (1, 10, 2.23), (2, 10, 2.57), (3, 10, 2.76), (4, 10, 2.89),
        (2, 5, 3.03), (3, 5, 3.29), (4, 5, 3.48),
        (2, 20, 2.38), (3, 20, 2.54), (4, 20, 2.65),
        (1, math.inf, 1.96), (2, math.inf, 2.21), (3, math.inf, 2.35), (4, math.inf, 2.44),
    ],
)  # fmt: skip
def test_critical_values_match_dunnett_s_tables(comparisons, df, published):
    """Dunnett 1964, New tables for multiple comparisons with a control, Biometrics 20: two-sided, 5 %."""
    assert dunnett_critical(np.full(comparisons, math.sqrt(0.5)), 0.95, df) == pytest.approx(published, abs=0.0051)


def experiment(seed=0, shift=0.0):
    rng = np.random.default_rng(seed)
    arms = {name: ArmMoments.from_arrays(y=rng.normal(size=200)) for name in ("control", "a", "b", "c")}
    arms["a"] = ArmMoments.from_arrays(y=rng.normal(shift, 1, 200))
    return arms


def test_interval_and_adjusted_p_value_agree():
    arms = experiment(1, 0.28)
    effects = compare_with_control(lambda arm, level: mean_difference(arms[arm], arms["control"], level=level), "abc")
    for effect in effects.values():
        assert (effect.low > 0 or effect.high < 0) == (effect.p_value < 0.05)
        assert effect.p_value >= effect.diagnostics["unadjusted_p"]
        assert effect.level == 0.95
        assert effect.method.endswith("Dunnett")


def test_it_costs_less_than_bonferroni_and_more_than_nothing():
    arms = experiment(2)
    effects = compare_with_control(lambda arm, level: mean_difference(arms[arm], arms["control"], level=level), "abc")
    for arm, effect in effects.items():
        single = mean_difference(arms[arm], arms["control"])
        bonferroni = mean_difference(arms[arm], arms["control"], level=1 - 0.05 / 3)
        assert single.high - single.low < effect.high - effect.low < bonferroni.high - bonferroni.low


def test_any_false_rejection_happens_in_one_of_twenty_experiments():
    """Three treatments of 20 units against a control of 40, all alike, with the pooled variance of the paper."""
    rng = np.random.default_rng(3)
    sizes = np.array([40, 20, 20, 20])
    means = rng.normal(size=(40_000, 4)) / np.sqrt(sizes)
    df = sizes.sum() - 4
    spread = np.sqrt(rng.chisquare(df, 40_000) / df)
    statistics = (means[:, 1:] - means[:, :1]) / (spread * math.sqrt(1 / 20 + 1 / 40))[:, None]
    critical = dunnett_critical(np.full(3, math.sqrt(20 / 60)), 0.95, float(df))
    assert (np.abs(statistics) > critical).any(axis=1).mean() == pytest.approx(0.05, abs=0.004)


def test_refused_arms_are_not_counted():
    arms = experiment(4)
    arms["b"] = ArmMoments.from_arrays(y=[])
    effects = compare_with_control(lambda arm, level: mean_difference(arms[arm], arms["control"], level=level), "abc")
    assert effects["b"].codes == ("empty_arm",)
    assert effects["a"].diagnostics["comparisons"] == 2
    alone = compare_with_control(lambda arm, level: mean_difference(arms[arm], arms["control"], level=level), "ab")
    assert alone["a"].p_value == mean_difference(arms["a"], arms["control"]).p_value
