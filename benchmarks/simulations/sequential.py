"""Experiments that are looked at before their end, and the nightly checks."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from eaas_assets.stats.experiments.boundaries import group_sequential_boundaries
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.proportions import proportion_difference
from eaas_assets.stats.experiments.randomised import mean_difference
from eaas_assets.stats.experiments.results import Effect
from eaas_assets.stats.experiments.sequential import anytime_effect, anytime_harm_p, group_sequential_effect
from eaas_assets.stats.experiments.srm import anytime_srm, concentration_for
from simulations.case import ERRS, Answers, Case, Count

AREA = "Looking early: error over all looks"
LOOKS, PER_LOOK = 50, 40
"""Looks, and units of an arm between two of them."""


def cases() -> Iterator[Case]:
    """All cases of early looks."""
    planned = 2 * LOOKS * PER_LOOK

    def looks(rng: np.random.Generator) -> Answers:
        effects = _growing(rng, 0.0)
        sequence = [anytime_effect(effect, planned) for effect in effects]
        return {
            "confidence sequence": any(look.answered and look.p_value < 0.05 for look in sequence),
            "t test at every look": any(effect.p_value < 0.05 for effect in effects),
        }

    counts = {
        "confidence sequence": Count("errs", 0.05, "untuned sequences .023"),
        "t test at every look": Count("finds", float("nan"), ".325, as others who test at every look"),
    }
    yield Case(AREA, "50 looks at skewed data, no effect", counts, looks, 5)

    both = {"confidence sequence": ERRS, "interval without zero": ERRS}

    def beyond(rng: np.random.Generator) -> Answers:
        sequence = [look for effect in _growing(rng, 0.0) if (look := anytime_effect(effect, planned // 4)).answered]
        return {
            "confidence sequence": any(look.p_value < 0.05 for look in sequence),
            "interval without zero": any(not look.low <= 0.0 <= look.high for look in sequence),
        }

    yield Case(AREA, "50 looks up to four times the planned sample", both, beyond, 3)

    def harm(rng: np.random.Generator) -> Answers:
        found = [anytime_harm_p(effect, planned, True, 0.1) for effect in _growing(rng, -0.1)]
        return {"harm alarm": any(p_value < 0.05 for p_value in found)}

    yield Case(AREA, "50 looks at a guardrail harmed by exactly its margin", {"harm alarm": ERRS}, harm, 5)

    def found_early(rng: np.random.Generator) -> Answers:
        found = [anytime_harm_p(effect, planned, True, 0.1) < 0.05 for effect in _growing(rng, -0.3)]
        return {"found by half of the plan": any(found[: LOOKS // 2]), "found by its end": any(found)}

    none = Count("finds", float("nan"))
    counts = {"found by half of the plan": none, "found by its end": none}
    yield Case(AREA, "a guardrail harmed by three times its margin", counts, found_early, 20)

    yield from _rare_shares()
    yield from _sample_ratios()
    yield from _group_sequential()


def _rare_shares() -> Iterator[Case]:
    """Shares of .02 with a tenth of 28,000 units treated, 28 nights: the treated arm has no success for days."""
    nights, sizes, rate = 28, (100, 900), 0.02
    planned = nights * sum(sizes)

    def looks(rng: np.random.Generator) -> Answers:
        treated, control = (np.cumsum(rng.binomial(size, rate, nights)).tolist() for size in sizes)
        effects = [
            proportion_difference(treated[night], sizes[0] * (night + 1), control[night], sizes[1] * (night + 1))
            for night in range(nights)
        ]
        sequence = [anytime_effect(effect, planned) for effect in effects]
        harm = [anytime_harm_p(effect, planned, True) for effect in effects]
        return {
            "confidence sequence": any(look.answered and not look.low <= 0.0 <= look.high for look in sequence),
            "harm alarm": any(p_value < 0.05 for p_value in harm),
        }

    counts = {"confidence sequence": Count("errs", 0.05, "around Wald's variance .25"),
              "harm alarm": Count("errs", 0.05, "around Wald's variance .41")}  # fmt: skip
    yield Case(AREA, "28 looks at shares of .02, a tenth treated", counts, looks, 3)


def _sample_ratios() -> Iterator[Case]:
    """At most 1,000, 10,000 and 100,000 units on 60 nights: nothing lost, and a tenth of one arm lost."""
    for units in (1_000, 10_000, 100_000):

        def ratio(rng: np.random.Generator, units: int = units) -> Answers:
            weight = concentration_for(units)
            sound, lossy = (
                anytime_srm(
                    np.cumsum(rng.multinomial(units // 60, split, size=60), axis=0).tolist(), (0.5, 0.5), at, weight
                )
                for split, at in (((0.5, 0.5), 0.05), ((1 / 1.9, 0.9 / 1.9), 0.001))
            )
            return {"mismatch, at a threshold of .05": sound.mismatch, "finds a tenth lost, at .001": lossy.mismatch}

        counts = {"mismatch, at a threshold of .05": ERRS, "finds a tenth lost, at .001": Count("finds", float("nan"))}
        yield Case(AREA, f"sample ratio of {units:,} units on 60 nights", counts, ratio, 2)


def _group_sequential() -> Iterator[Case]:
    boundary = group_sequential_boundaries("obrien_fleming", 5).tolist()

    def five(rng: np.random.Generator) -> Answers:
        effects = _growing(rng, 0.0)[LOOKS // 5 - 1 :: LOOKS // 5]
        looks = [group_sequential_effect(effect, value) for effect, value in zip(effects, boundary, strict=True)]
        return {"any of five looks": any(not look.low <= 0.0 <= look.high for look in looks)}

    yield Case(AREA, "five planned looks (O'Brien–Fleming)", {"any of five looks": ERRS}, five, 5)


def _growing(rng: np.random.Generator, effect: float) -> list[Effect]:
    """Effects over growing samples of exponential values."""
    n = LOOKS * PER_LOOK
    treatment, control = rng.exponential(1, n) + effect, rng.exponential(1, n)
    return [
        mean_difference(ArmMoments.from_arrays(y=treatment[:k]), ArmMoments.from_arrays(y=control[:k]))
        for k in range(PER_LOOK, n + 1, PER_LOOK)
    ]
