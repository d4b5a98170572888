"""Paired experiments that are read before their end: looking after every batch does not raise the error rate."""

from __future__ import annotations

import math

import numpy as np
import pytest

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.impact.paired import paired_effect
from eaas_assets.experiments.impact.paired_looks import Looks, effect_at_look, harm_p
from eaas_assets.experiments.observations.access import PairedData
from eaas_assets_tests.experiments.impact.asking import assert_contracts_hold, both_tables, by_segment, primary
from eaas_assets_tests.experiments.observations_by_hand import PairedByHand, experiment_by_hand, metric_by_hand

PLANNED = 120
SMALL, LARGE = 12, 400
SHARE = Metric(name="m", role="guardrail", kind="proportion", direction="increase", margin=0.1)
MEAN = Metric(name="m", role="guardrail", kind="mean", direction="increase", margin=0.3)


def data(control, treatment, clusters=None):
    n = len(control)
    family = np.arange(n) if clusters is None else np.asarray(clusters)
    values = [np.asarray(side, dtype=np.float64) for side in (control, treatment)]
    return PairedData(tuple(map(str, range(n))), *values, family, ())


def single_results(rng):
    """0/1 results; two of five pairs are discordant."""
    change = rng.choice([-1, 0, 1], PLANNED, p=(0.2, 0.6, 0.2))
    control = np.where(change == 0, 1.0, (change < 0) * 1.0)
    return control, control + change


def rare_gains(rng):
    """Shares: one task of twenty gains all, one of five loses a quarter. A t test at 60 such pairs errs in 9 %."""
    change = rng.choice([1.0, -0.25, 0.0], PLANNED, p=(0.05, 0.2, 0.75))
    control = np.where(change > 0.0, 0.0, 0.5)
    return control, control + change


def skewed_means(rng):
    return np.full(PLANNED, 10.0), 9.0 + rng.exponential(1.0, PLANNED)


def long_tails(rng):
    return np.full(PLANNED, 10.0), 10.0 - math.exp(0.5) + rng.lognormal(0.0, 1.0, PLANNED)


KINDS = [(SHARE, single_results), (SHARE, rare_gains), (MEAN, skewed_means), (MEAN, long_tails)]


def looks_at(metric, draw, rng, every):
    control, treatment = draw(rng)
    for n in range(every, PLANNED + 1, every):
        effect = effect_at_look(metric, data(control[:n], treatment[:n]), 0.95, Looks(PLANNED))
        if effect.answered:
            yield effect


def false_alarms(metric, draw, rng, replays, every):
    """Experiments without an effect in which any look's p-value or interval finds one."""
    return sum(
        any(look.p_value < 0.05 or not look.low <= 0.0 <= look.high for look in looks_at(metric, draw, rng, every))
        for _ in range(replays)
    )


def bound(replays):
    """Most false alarms that a rate of 5 % gives in all but 1 of 1,000 simulations (normal approximation)."""
    return 0.05 * replays + 3.09 * math.sqrt(replays * 0.05 * 0.95) + 1


@pytest.mark.parametrize(("metric", "draw"), KINDS)
def test_looking_after_every_batch_keeps_the_error_rate_in_a_few_replays(metric, draw):
    assert false_alarms(metric, draw, np.random.default_rng(1), SMALL, 20) <= bound(SMALL)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("metric", "draw"), KINDS)
def test_looking_after_every_batch_keeps_the_error_rate(metric, draw):
    assert false_alarms(metric, draw, np.random.default_rng(2), LARGE, 6) <= bound(LARGE)


def test_the_plain_test_at_every_look_does_not_keep_it():
    """The counterpart: the same replays with the test of the end."""
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(60):
        control, treatment = rare_gains(rng)
        found += any(
            paired_effect(SHARE, data(control[:n], treatment[:n]), 0.95).p_value < 0.05 for n in range(20, 121, 10)
        )
    assert found > 6


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["proportion", "mean"])
def test_an_effect_planned_for_four_of_five_is_found_by_looks_in_about_half(kind):
    """Of effects that one test at the end finds in 80 %, looks up to the plan find 40 to 75 %."""
    rng = np.random.default_rng(4)
    metric = SHARE if kind == "proportion" else MEAN
    spread = math.sqrt(0.4) if kind == "proportion" else 1.0
    effect = 2.8 * spread / math.sqrt(PLANNED)

    def draw(rng):
        if kind == "mean":
            return np.zeros(PLANNED), rng.normal(effect, 1.0, PLANNED)
        change = rng.choice([-1, 0, 1], PLANNED, p=(0.2 - effect / 2, 0.6, 0.2 + effect / 2))
        control = np.where(change == 0, 1.0, (change < 0) * 1.0)
        return control, control + change

    found = sum(any(look.p_value < 0.05 for look in looks_at(metric, draw, rng, 10)) for _ in range(200))
    assert 80 <= found <= 150


def running(kind="proportion", n=80, status="running", **more):
    rng = np.random.default_rng(5)
    control, treatment = rng.binomial(4, 0.6, n) / 4.0, rng.binomial(4, 0.8, n) / 4.0
    experiment = experiment_by_hand(
        design="paired",
        status=status,
        metrics=[metric_by_hand("score", kind=kind, minimum_effect=0.05)],
        segments=["part"],
        **{"sample": {"planned": 160}, **more},
    )
    source = PairedByHand({"score": {"control": control, "treatment": treatment}}, segments={"part": np.arange(n) % 2})
    return experiment, source


@pytest.mark.parametrize("kind", ["proportion", "mean"])
def test_a_running_paired_experiment_is_told_so_that_every_look_holds(kind):
    row = primary(*running(kind))
    ended = primary(*running(kind, status="concluded", sample={"planned": 80}))
    assert (row["inference"], ended["inference"]) == ("anytime", "fixed_horizon")
    assert "confidence sequence" in row["method"]
    assert "valid at every look" in row["statement"]
    assert row["estimate"] == ended["estimate"]
    assert row["low"] < ended["low"] < ended["high"] < row["high"]
    assert row["p_value"] > ended["p_value"]
    assert row["verdict"] == "improved"
    assert_contracts_hold(*both_tables(*running(kind)))


def test_one_that_ended_short_of_its_plan_was_looked_at_too():
    assert primary(*running(status="concluded"))["inference"] == "anytime"


def test_segments_of_a_running_one_hold_at_every_look_too():
    early, ended = (
        by_segment(*running(status=status, sample={"planned": 80}))["part", "0"] for status in ("running", "concluded")
    )
    assert early["low"] < ended["low"] < ended["high"] < early["high"]


def test_few_pairs_of_an_unbounded_mean_are_refused_and_of_a_share_get_a_wide_interval():
    row = primary(*running("mean", n=40))
    assert (row["refusal_code"], row["inference"]) == ("too_early", "anytime")
    assert "40 independent pairs are known, a look at a mean needs 50" in row["statement"]
    share = primary(*running("proportion", n=6))
    assert share["high"] - share["low"] > 0.8


def test_families_and_not_pairs_must_be_many_enough():
    family = np.repeat(np.arange(30), 4)
    rng = np.random.default_rng(6)
    pairs = data(np.zeros(120), rng.normal(0.0, 1.0, 120), family)
    effect = effect_at_look(MEAN, pairs, 0.95, Looks(120))
    assert effect.codes == ("too_early",)
    assert "30 families of pairs" in effect.refusals[0].reason


def test_hardly_any_of_a_large_plan_is_too_early():
    pairs = data(np.zeros(60), np.random.default_rng(7).normal(5.0, 1.0, 60))
    effect = effect_at_look(MEAN, pairs, 0.95, Looks(1_000_000))
    assert effect.codes == ("too_early",)
    assert "60 pairs are too few of 1,000,000 planned ones" in effect.refusals[0].reason


@pytest.mark.parametrize("metric", [SHARE, MEAN])
def test_each_repetition_of_all_pairs_has_its_share_of_the_error(metric):
    rng = np.random.default_rng(8)
    control, treatment = rng.binomial(1, 0.5, 60) * 1.0, rng.binomial(1, 0.7, 60) * 1.0
    found = [effect_at_look(metric, data(control, treatment), 0.95, Looks(200, k)) for k in (1, 2, 3)]
    once = paired_effect(metric, data(control, treatment), 0.95)
    assert [effect.p_value for effect in found] == pytest.approx([min(1.0, k * once.p_value) for k in (2, 6, 12)])
    alone = paired_effect(metric, data(control, treatment), 1.0 - 0.05 / 6.0)
    assert (found[1].low, found[1].high, found[1].level) == pytest.approx((alone.low, alone.high, 0.95))
    assert all(effect.inference == "anytime" for effect in found)


def test_harm_beyond_a_margin_has_a_p_value_of_its_own():
    rng = np.random.default_rng(9)
    control = rng.binomial(4, 0.8, 100) / 4.0
    same, worse = rng.binomial(4, 0.8, 100) / 4.0, rng.binomial(4, 0.4, 100) / 4.0
    assert harm_p(SHARE, data(control, same), 0.95, Looks(100)) == 1.0
    assert harm_p(SHARE, data(control, worse), 0.95, Looks(100)) < 0.001
    base = rng.normal(10.0, 1.0, 100)
    hit = base + rng.normal(-1.0, 1.0, 100)
    assert harm_p(MEAN, data(base, base + rng.normal(0.1, 0.5, 100)), 0.95, Looks(100)) == 1.0
    assert harm_p(MEAN, data(base, hit), 0.95, Looks(100)) < 0.001
    falling = MEAN.model_copy(update={"direction": "decrease"})
    assert harm_p(falling, data(base, hit), 0.95, Looks(100)) == 1.0


@pytest.mark.parametrize("kind", ["proportion", "mean"])
def test_a_margin_that_is_a_share_of_the_control_is_tested_as_one(kind):
    rng = np.random.default_rng(10)
    control, treatment = rng.binomial(4, 0.8, 100) / 4.0, rng.binomial(4, 0.5, 100) / 4.0
    relative = Metric(name="m", role="guardrail", kind=kind, direction="increase", margin=0.1, scale="relative")
    absolute = relative.model_copy(update={"margin": 0.1 * float(control.mean()), "scale": "absolute"})
    tested = [harm_p(metric, data(control, treatment), 0.95, Looks(100)) for metric in (relative, absolute)]
    assert all(p_value < 0.01 for p_value in tested)
    assert tested[0] != tested[1]
    hardly = relative.model_copy(update={"margin": 0.35})
    assert harm_p(hardly, data(control, treatment), 0.95, Looks(100)) > 0.05


def test_harm_of_a_repetition_pays_its_share():
    rng = np.random.default_rng(11)
    pairs = data(rng.normal(10.0, 1.0, 60), rng.normal(8.5, 1.0, 60))
    first, third = (harm_p(MEAN, pairs, 0.95, Looks(200, k)) for k in (1, 3))
    assert third == pytest.approx(6.0 * first)
