"""Many looks at once give what the estimators of `stats.experiments` give one by one, to ten digits."""

import numpy as np
import pytest

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.impact.randomised import effect_of_units
from eaas_assets.experiments.monitoring.boundary import harm_p, look
from eaas_assets.experiments.monitoring.cumulative import cumulate
from eaas_assets.experiments.monitoring.estimates import arm_estimates
from eaas_assets.stats.experiments.moments import ArmMoments, merge_all
from eaas_assets.stats.experiments.sequential import anytime_effect, anytime_harm_p
from eaas_assets_tests.experiments.observations_by_hand import UnitsByHand, metric_by_hand

PLANNED = 2000
KINDS = {
    "mean": {"column": "spend"},
    "mean with covariate": {"column": "spend", "covariate": "before"},
    "mean with constant covariate": {"column": "spend", "covariate": "constant"},
    "proportion": {"kind": "proportion", "column": "won"},
    "proportion with covariate": {"kind": "proportion", "column": "won", "covariate": "before"},
    "ratio": {"kind": "ratio", "numerator": "clicks", "denominator": "views"},
    "ratio with covariate": {"kind": "ratio", "numerator": "clicks", "denominator": "views", "covariate": "before"},
    "ratio of a wild denominator": {"kind": "ratio", "numerator": "clicks", "denominator": "wild"},
}


def units(share):
    rng = np.random.default_rng(3)
    n = 1600
    arm = np.where(rng.random(n) < share, "treatment", "control")
    before = rng.lognormal(0, 1, n)
    return UnitsByHand(
        arm,
        {
            "spend": 2 * before + rng.normal(size=n) + (arm == "treatment") * 0.3 * before,
            "before": before,
            "constant": np.full(n, 3.0),
            "won": rng.random(n) < 0.2,
            "clicks": rng.poisson(3, n),
            "views": 1 + rng.poisson(5, n),
            "wild": rng.normal(0, 1, n),
        },
        day=rng.integers(0, 8, n),
    )


@pytest.mark.parametrize("share", [0.5, 0.2])
@pytest.mark.parametrize("kind", KINDS)
def test_looks_are_those_of_the_estimators(kind, share):
    metric = Metric(**metric_by_hand("m", **KINDS[kind]))
    days = units(share).moments_by_day(metric)
    arms = {name: cumulate([day.arms[name] for day in days]) for name in ("treatment", "control")}
    found = arm_estimates(metric, arms["treatment"], arms["control"])
    for place in range(len(days)):
        treatment, control = (merge_all(day.arms[name] for day in days[: place + 1]) for name in arms)
        effect = effect_of_units(metric, treatment, control, 0.95)
        expected = anytime_effect(effect, PLANNED)
        seen = look(found, place, PLANNED, 0.95)
        assert (seen.reason == "") == expected.answered
        if expected.answered:
            numbers = [seen.estimate, seen.low, seen.high, seen.p_value]
            wanted = [expected.estimate, expected.low, expected.high, expected.p_value]
            assert numbers == pytest.approx(wanted, rel=1e-9, abs=1e-11)
            assert harm_p(found, place, PLANNED, False, 0.01) == pytest.approx(
                anytime_harm_p(effect, PLANNED, False, 0.01), rel=1e-8, abs=1e-300
            )


def test_a_relative_margin_of_a_known_control_is_the_absolute_one():
    """With 5 million control units their mean is as good as known: 5 % of 2 is 0.1."""
    metric = Metric(**metric_by_hand("m", direction="decrease"))
    rng = np.random.default_rng(0)
    small, large = rng.normal(2.2, 1, 400), rng.normal(2.0, 1, 4000)
    control = ArmMoments.from_arrays(m=large)
    control = ArmMoments(control.names, 5_000_000, control.mean * 0 + 2.0, control.covariance, control.third)
    found = arm_estimates(metric, cumulate([ArmMoments.from_arrays(m=small)]), cumulate([control]))
    relative = harm_p(found, 0, 6_000_000, False, 0.05, relative=True)
    assert relative == pytest.approx(harm_p(found, 0, 6_000_000, False, 0.1), rel=0.01)


@pytest.mark.parametrize(("value", "direction"), [(2.0, True), (-2.0, True), (2.0, False), (-2.0, False)])
def test_a_relative_margin_is_a_share_of_the_controls_size_whatever_its_sign(value, direction):
    """An arm that is 20 % of the control's size worse is beyond a margin of 5 %, and within one of 50 %."""
    metric = Metric(**metric_by_hand("m"))
    rng = np.random.default_rng(0)
    worse = value + (-1 if direction else 1) * 0.2 * abs(value)
    arms = [cumulate([ArmMoments.from_arrays(m=rng.normal(mean, 0.5, 1000))]) for mean in (worse, value)]
    found = arm_estimates(metric, arms[0], arms[1])
    assert harm_p(found, 0, 2000, direction, 0.05, relative=True) < 1e-6
    assert harm_p(found, 0, 2000, direction, 0.5, relative=True) == 1.0


def test_a_quantile_has_no_moments():
    metric = Metric(**metric_by_hand("m", kind="quantile", quantile=0.5))
    with pytest.raises(ValueError, match="quantile"):
        arm_estimates(metric, None, None)
