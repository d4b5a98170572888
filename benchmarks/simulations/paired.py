"""Paired experiments that are looked at after every batch of pairs: what they claim where nothing happened; power."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from eaas_assets.contracts.experiment import Metric
from eaas_assets.experiments.impact.paired import paired_effect
from eaas_assets.experiments.impact.paired_looks import Looks, effect_at_look, harm_p
from eaas_assets.experiments.observations.access import PairedData
from eaas_assets.stats.experiments.results import Effect
from simulations.case import ERRS, Answers, Case, Count

AREA = "Pairs, looked at after every batch"
PLANNED, LOOKS = 200, 20
Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator], tuple[Array, Array]]

SHARE = Metric(name="passed", role="primary", kind="proportion", direction="increase")
MEAN = Metric(name="minutes", role="primary", kind="mean", direction="increase")
MEASURED = Count("finds", math.nan)


def cases() -> Iterator[Case]:
    """All cases of early looks at pairs."""
    counts = {"any look differs": ERRS, "test of the end at every look": MEASURED}
    for name, metric, draw, cost in (
        ("single results, two of five tasks change", SHARE, _single, 12.0),
        ("single results, one of twenty changes", SHARE, partial(_single, changing=0.05), 12.0),
        ("shares, one task in twenty gains all, one in five loses a quarter", SHARE, _rare_gains, 12.0),
        ("single results in 40 families", SHARE, _families, 12.0),
        ("exponential differences", MEAN, _exponential, 4.0),
        ("lognormal (σ 1) differences", MEAN, partial(_lognormal, sigma=1.0), 4.0),
        ("lognormal (σ 1.5) differences", MEAN, partial(_lognormal, sigma=1.5), 4.0),
    ):
        promised = counts if "1.5" not in name else dict.fromkeys(counts, MEASURED)  # a limit that the page names
        yield Case(AREA, f"no effect: {name}", promised, partial(_nothing, metric=metric, draw=draw), cost)
    repeated = "no effect: 60 tasks, run 20 times, each run in place of the last"
    yield Case(AREA, repeated, counts, _repeated, 4.0)
    yield Case(AREA, "guardrail harmed by exactly its margin: minutes", {"harm alarm": ERRS}, _harm, 4.0)
    yield Case(
        AREA, "guardrail harmed by exactly its margin: single results", {"harm alarm": ERRS}, _harm_of_share, 4.0
    )
    power = {"found by the plan": MEASURED, "found by half of it": MEASURED, "one test at the end": MEASURED}
    effect = 2.8 / math.sqrt(PLANNED)
    yield Case(
        AREA,
        "minutes, an effect planned for .80",
        power,
        partial(_found, metric=MEAN, draw=partial(_normal, effect=effect)),
        4.0,
    )
    shift = 2.8 * math.sqrt(0.4 / PLANNED)
    yield Case(
        AREA,
        "single results, an effect planned for .80",
        power,
        partial(_found, metric=SHARE, draw=partial(_single, effect=shift)),
        12.0,
    )


def _nothing(rng: np.random.Generator, metric: Metric, draw: Draw) -> Answers:
    control, treatment = draw(rng)
    looks = [_at(metric, control, treatment, n) for n in _sizes()]
    naive = [paired_effect(metric, _pairs(control, treatment, n), 0.95).p_value < 0.05 for n in _sizes()]
    return {
        "any look differs": any(
            look.answered and (look.p_value < 0.05 or not look.low <= 0.0 <= look.high) for look in looks
        ),
        "test of the end at every look": any(naive),
    }


def _repeated(rng: np.random.Generator) -> Answers:
    shared, naive = [], []
    for repetition in range(1, LOOKS + 1):
        pairs = _pairs(*_single(rng), 60)
        shared.append(effect_at_look(SHARE, pairs, 0.95, Looks(PLANNED, repetition)).p_value < 0.05)
        naive.append(paired_effect(SHARE, pairs, 0.95).p_value < 0.05)
    return {"any look differs": any(shared), "test of the end at every look": any(naive)}


def _found(rng: np.random.Generator, metric: Metric, draw: Draw) -> Answers:
    control, treatment = draw(rng)
    found = [look.answered and look.p_value < 0.05 for look in (_at(metric, control, treatment, n) for n in _sizes())]
    return {
        "found by the plan": any(found),
        "found by half of it": any(found[: LOOKS // 2]),
        "one test at the end": paired_effect(metric, _pairs(control, treatment, PLANNED), 0.95).p_value < 0.05,
    }


def _harm(rng: np.random.Generator) -> Answers:
    metric = MEAN.model_copy(update={"role": "guardrail", "margin": 0.5})
    control, treatment = _exponential(rng)
    return {"harm alarm": _harmed(metric, control, treatment - 0.5)}


def _harm_of_share(rng: np.random.Generator) -> Answers:
    metric = SHARE.model_copy(update={"role": "guardrail", "margin": 0.1})
    return {"harm alarm": _harmed(metric, *_single(rng, effect=-0.1))}


def _harmed(metric: Metric, control: Array, treatment: Array) -> bool:
    looks = Looks(PLANNED)
    sizes = [n for n in _sizes() if n >= 50]
    return any(harm_p(metric, _pairs(control, treatment, n), 0.95, looks) < 0.05 for n in sizes)


def _sizes() -> range:
    return range(PLANNED // LOOKS, PLANNED + 1, PLANNED // LOOKS)


def _at(metric: Metric, control: Array, treatment: Array, n: int) -> Effect:
    return effect_at_look(metric, _pairs(control, treatment, n), 0.95, Looks(PLANNED))


def _pairs(control: Array, treatment: Array, n: int) -> PairedData:
    """The first pairs; families, where the control has a second row, are its numbers."""
    family = control[1, :n].astype(np.int64) if control.ndim == 2 else np.arange(n)
    before = control[0, :n] if control.ndim == 2 else control[:n]
    return PairedData(tuple(map(str, range(n))), before, treatment[:n], family, ())


def _single(rng: np.random.Generator, changing: float = 0.4, effect: float = 0.0) -> tuple[Array, Array]:
    chances = ((changing - effect) / 2.0, 1.0 - changing, (changing + effect) / 2.0)
    change = rng.choice([-1.0, 0.0, 1.0], PLANNED, p=chances)
    control = np.where(change == 0.0, 1.0, (change < 0.0) * 1.0)
    return control, control + change


def _rare_gains(rng: np.random.Generator) -> tuple[Array, Array]:
    change = rng.choice([1.0, -0.25, 0.0], PLANNED, p=(0.05, 0.2, 0.75))
    control = np.where(change > 0.0, 0.0, 0.5)
    return control, control + change


def _families(rng: np.random.Generator) -> tuple[Array, Array]:
    """Five tasks of a family come one after another and change for the better or the worse together."""
    family = np.repeat(np.arange(40.0), 5)
    better = (rng.random(40) < 0.5)[family.astype(np.int64)]
    change = np.where(better, 1.0, -1.0) * (rng.random(PLANNED) < 0.4)
    control = np.where(change == 0.0, 1.0, (change < 0.0) * 1.0)
    return np.stack([control, family]), control + change


def _exponential(rng: np.random.Generator) -> tuple[Array, Array]:
    return np.full(PLANNED, 10.0), 9.0 + rng.exponential(1.0, PLANNED)


def _lognormal(rng: np.random.Generator, sigma: float) -> tuple[Array, Array]:
    return np.full(PLANNED, 10.0), 10.0 - math.exp(sigma**2 / 2.0) + rng.lognormal(0.0, sigma, PLANNED)


def _normal(rng: np.random.Generator, effect: float) -> tuple[Array, Array]:
    return np.full(PLANNED, 10.0), 10.0 + rng.normal(effect, 1.0, PLANNED)
