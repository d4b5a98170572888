"""Designs without random assignment, and pairs: what they claim where nothing happened, and where something did."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from eaas_assets.contracts.experiment import Metric
from eaas_assets.errors import EstimateRefused
from eaas_assets.experiments.impact.paired import paired_effect
from eaas_assets.experiments.impact.panel_looks import level_of_a_look
from eaas_assets.experiments.observations.access import PairedData
from eaas_assets.stats.paired import mcnemar_exact, paired_difference
from eaas_assets.stats.panels.before_after import before_after
from eaas_assets.stats.panels.did import difference_in_differences
from eaas_assets.stats.panels.effect import PanelEffect
from eaas_assets.stats.panels.group_time import group_time_effects
from eaas_assets.stats.panels.staggered import staggered_effect
from eaas_assets.stats.panels.synthetic_control import synthetic_control
from simulations.case import COVERS, ERRS, Answers, Case, Count

BEFORE, AFTER = 90, 30
NEVER = 10_000
Array = NDArray[np.float64]


def cases() -> Iterator[Case]:
    """All cases of panels and pairs."""
    yield from _pairs()
    yield from _before_after()
    yield from _rollouts()
    yield from _looks()


def _pairs() -> Iterator[Case]:
    area = "Pairs"

    def families(rng: np.random.Generator) -> Answers:
        family = np.repeat(np.arange(40), 5)
        shift = rng.normal(0, 0.5, 40)[family]
        difference = rng.choice([-1.0, 0.0, 1.0], 200, p=(0.15, 0.7, 0.15)) * (np.abs(shift) < 0.6)
        found = paired_difference(difference, family, limit=1.0)
        return {"interval": found.interval.low <= 0.0 <= found.interval.high}

    yield Case(area, "pass or fail of 200 tasks in 40 families", {"interval": COVERS}, families, 4)

    def exact(rng: np.random.Generator) -> Answers:
        discordant = int(rng.binomial(60, 0.3))
        gained = int(rng.binomial(discordant, 0.5))
        return {"differs": mcnemar_exact(discordant - gained, gained).p_value < 0.05}

    yield Case(area, "60 tasks, no difference (McNemar, exact)", {"differs": ERRS}, exact)

    def means(rng: np.random.Generator) -> Answers:
        return {"interval": _holds(rng.exponential(1, 60), 1.0)}

    yield Case(area, "skewed differences of 60 tasks", {"interval": COVERS}, means)

    def few(rng: np.random.Generator) -> Answers:
        return {"interval": _holds(rng.exponential(1, 12), 1.0)}

    unkept = Count("finds", math.nan)  # the result names its assumption: so few cannot show their skewness
    yield Case(area, "skewed differences of 12 tasks", {"interval": unkept}, few)

    def long_tails(rng: np.random.Generator) -> Answers:
        return {"interval": _holds(rng.standard_t(3, 60), 0.0)}

    yield Case(area, "differences of 60 tasks with long tails (t, 3 df)", {"interval": COVERS}, long_tails)

    def lognormal(rng: np.random.Generator) -> Answers:
        return {"interval": _holds(rng.lognormal(0, 1, 60), math.exp(0.5))}

    yield Case(area, "lognormal (σ 1) differences of 60 tasks", {"interval": COVERS}, lognormal)
    yield from _shares()


def _holds(differences: Array, truth: float) -> bool:
    low, high, _ = paired_difference(differences, skewed=True).interval
    return bool(low <= truth <= high)


def _shares() -> Iterator[Case]:
    """Pass or fail of 60 tasks under two arms that depend on each other, through the estimator of experiments."""
    names = tuple(map(str, range(60)))
    metric = Metric(name="passed", role="primary", kind="proportion", direction="increase")

    def shares(rng: np.random.Generator, trials: int) -> Answers:
        ease = rng.normal(0.0, 1.0, 60)
        control, treatment = (rng.binomial(trials, ndtr(ease + shift)) / trials for shift in (-0.5, 0.2))
        effect = paired_effect(metric, PairedData(names, control, treatment, np.arange(60), ()), 0.95)
        rates = [float(ndtr(shift / math.sqrt(2.0))) for shift in (-0.5, 0.2)]
        difference, lift = rates[1] - rates[0], effect.relative
        zero = (effect.low <= 0.0 <= effect.high) == (lift.low <= 0.0 <= lift.high)
        told = math.isfinite(lift.low)
        return {
            "absolute": effect.low <= difference <= effect.high,
            "relative": lift.low <= difference / rates[0] <= lift.high if told else None,
            "both agree about zero": zero if told else None,
        }

    for trials, name in ((1, "pass or fail of 60 tasks"), (4, "60 tasks of four trials")):
        counts = {"absolute": COVERS, "relative": COVERS, "both agree about zero": Count("covers", 1.0)}
        yield Case("Pairs", name, counts, partial(shares, trials=trials), 2)


def _series(kind: str, rng: np.random.Generator) -> Array:
    """A series in which nothing happens; the marginal or innovation standard deviation is one."""
    n = BEFORE + AFTER
    white, t = rng.standard_normal(n), np.arange(n)
    if kind == "AR(1) .7":
        x = np.empty(n)
        x[0] = white[0] / math.sqrt(1 - 0.7**2)
        for i in range(1, n):
            x[i] = 0.7 * x[i - 1] + white[i]
        return x
    if kind == "random walk":
        return np.asarray(white + np.cumsum(0.3 * rng.standard_normal(n)))
    if kind == "trend":
        return np.asarray(white + 0.05 * t)
    if kind == "weekly":
        return np.asarray(white + 2 * np.sin(2 * np.pi * t / 7) + 1.0 * (t % 7 == 5))
    return white


def _before_after() -> Iterator[Case]:
    others = {
        "independent": "CausalImpact ports .04, local level .038",
        "AR(1) .7": ".42 to .45, local level .003",
        "random walk": ".69 to .72, local level .085",
        "trend": "1.00, local level .068",
        "weekly": ".00, local level .003",
    }
    time = np.arange(BEFORE + AFTER)
    for kind, known in others.items():

        def replay(rng: np.random.Generator, kind: str = kind) -> Answers:
            found = before_after(time, _series(kind, rng), BEFORE, season=7 if kind == "weekly" else None)
            return {"finds an effect": found.significant}

        counts = {"finds an effect": Count("errs", 0.07, known)}
        cost = 2 if kind == "random walk" else 10  # replayed more often where the rate is near the promise
        yield Case("Before/after: 90 + 30 points, nothing happens", f"{kind} series", counts, replay, cost)

    def step(rng: np.random.Generator) -> Answers:
        found = before_after(time, _series("independent", rng) + 1.0 * (time >= BEFORE), BEFORE)
        return {"finds the step": found.significant}

    counts = {"finds the step": Count("finds", math.nan)}
    yield Case("Before/after: 90 + 30 points, nothing happens", "independent series with a step of 1", counts, step, 15)


def _rollouts() -> Iterator[Case]:
    area = "Rollouts: effect of 0.5, errors AR(1) .5 within units"
    both = {"interval": COVERS, "finds the effect": Count("finds", math.nan)}
    for treated, untreated in ((25, 25), (8, 24), (5, 8), (3, 15)):

        def did(rng: np.random.Generator, sizes: tuple[int, int] = (treated, untreated)) -> Answers:
            adoption = np.repeat([5, NEVER], sizes)
            unit, when, outcome = _panel(rng, adoption, 10)
            return _answers(
                lambda: difference_in_differences(unit, when, outcome, when >= np.repeat(adoption, 10), draws=399)
            )

        yield Case(area, f"{treated} treated, {untreated} untreated units, one date", both, did, 4)

    def staggered(rng: np.random.Generator) -> Answers:
        adoption = np.repeat([3, 5, 7, NEVER], (8, 8, 8, 16))
        unit, when, outcome = _panel(rng, adoption, 10)
        return _answers(lambda: staggered_effect(group_time_effects(unit, when, outcome, np.repeat(adoption, 10))))

    yield Case(area, "three dates, 24 treated and 16 untreated units", both, staggered, 2)

    def synthetic(rng: np.random.Generator) -> Answers:
        adoption = np.repeat([20, NEVER], (1, 24))
        unit, when, outcome = _panel(rng, adoption, 28)
        return _answers(lambda: synthetic_control(unit, when, outcome, when >= np.repeat(adoption, 28)))

    yield Case(area, "one treated unit, 24 others (synthetic control)", both, synthetic, 2)


def _looks() -> Iterator[Case]:
    """Rollouts and a series in which nothing happens, read while they run: after 1, 2, 4, 8 and 16 treated periods."""
    area = "Panels, looked at while they run"
    level = level_of_a_look(0.95)
    counts = {"any look finds an effect": ERRS, "test of the end in every period": Count("finds", math.nan)}
    for treated, untreated in ((25, 25), (6, 10)):

        def rollout(rng: np.random.Generator, sizes: tuple[int, int] = (treated, untreated)) -> Answers:
            unit, when, outcome = _panel(rng, np.repeat([NEVER, NEVER], sizes), 26)
            ever = np.repeat([True, False], sizes)[unit]

            def found(periods: int, confidence: float) -> bool:
                rows = when < 10 + periods
                status = (ever & (when >= 10))[rows]
                return difference_in_differences(
                    unit[rows], when[rows], outcome[rows], status, confidence=confidence, draws=999
                ).significant

            return {
                "any look finds an effect": any(found(2**look, level) for look in range(5)),
                "test of the end in every period": any(found(periods, 0.95) for periods in range(1, 17)),
            }

        name = f"{treated} treated, {untreated} untreated units, nothing happens"
        yield Case(area, name, counts, rollout, 10 if treated == 25 else 40)

    def series(rng: np.random.Generator) -> Answers:
        y, time = _series("AR(1) .7", rng), np.arange(BEFORE + AFTER)

        def found(periods: int, confidence: float) -> bool:
            rows = slice(0, BEFORE + periods)
            return before_after(time[rows], y[rows], BEFORE, confidence=confidence).significant

        return {
            "any look finds an effect": any(found(2**look, level) for look in range(5)),
            "test of the end in every period": any(found(periods, 0.95) for periods in range(1, 17)),
        }

    yield Case(area, "AR(1) .7 series before and after, nothing happens", counts, series, 40)


def _panel(rng: np.random.Generator, adoption: Array, periods: int) -> tuple[Array, Array, Array]:
    """Units with their own level and a common path; the effect starts at 0.5 with the adoption."""
    units = adoption.size
    noise = rng.standard_normal((units, periods))
    errors = np.empty((units, periods))
    errors[:, 0] = noise[:, 0]
    for t in range(1, periods):
        errors[:, t] = 0.5 * errors[:, t - 1] + math.sqrt(0.75) * noise[:, t]
    path = np.cumsum(rng.normal(0, 0.3, periods))
    when = np.tile(np.arange(periods), units)
    outcome = rng.normal(0, 1, (units, 1)) + path + errors
    treated = when.reshape(units, periods) >= adoption[:, None]
    return np.repeat(np.arange(units), periods), when, (outcome + 0.5 * treated).reshape(-1)


def _answers(estimate: Callable[[], PanelEffect]) -> Answers:
    try:
        found = estimate()
    except EstimateRefused:
        return {"interval": None, "finds the effect": None}
    covers = None if math.isnan(found.ci.low) else found.ci.low <= 0.5 <= found.ci.high
    return {"interval": covers, "finds the effect": found.p < 0.05}
