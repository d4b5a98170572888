"""Randomised experiments: intervals where they are hard to get right, error rates, and power as planned."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np

from eaas_assets.stats.experiments.adjustment import adjusted_mean_difference
from eaas_assets.stats.experiments.clusters import cluster_difference
from eaas_assets.stats.experiments.many_arms import compare_with_control
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.noninferiority import noninferiority
from eaas_assets.stats.experiments.planning import MetricPlan, proportion_plan, required_units
from eaas_assets.stats.experiments.proportions import proportion_difference
from eaas_assets.stats.experiments.quantile_metric import quantile_arm, quantile_difference
from eaas_assets.stats.experiments.randomised import mean_difference
from eaas_assets.stats.experiments.ratio_metric import ratio_difference
from eaas_assets.stats.experiments.results import Effect
from eaas_assets.stats.experiments.segments import analyse_segments
from simulations.case import COVERS, ERRS, Answers, Case, Count

Draw = Callable[[np.random.Generator], Effect]
AREA = "Randomised: intervals"
LOGNORMAL_MEAN = math.exp(1.5**2 / 2)


def cases() -> Iterator[Case]:
    """All cases of randomised experiments."""
    yield from _relative()
    yield from _absolute()
    yield from _errors()
    yield from _power()


def _covered(name: str, draw: Draw, absolute: float, relative: float, others: str = "") -> Case:
    def replay(rng: np.random.Generator) -> Answers:
        effect = draw(rng)
        lift = effect.relative
        return {
            "absolute": effect.low <= absolute <= effect.high if effect.answered else None,
            "relative": lift.low <= relative <= lift.high if math.isfinite(lift.low) else None,
        }

    return Case(AREA, name, {"absolute": COVERS, "relative": Count("covers", 0.95, others)}, replay)


def _cuped(correlation: float, added: float = 0.0, factor: float = 1.0, mean: float = 10.0) -> Draw:
    def draw(rng: np.random.Generator) -> Effect:
        arms = []
        for plus, times in ((added, factor), (0.0, 1.0)):
            x = rng.normal(mean, 2, 500)
            y = mean + correlation * (x - mean) + math.sqrt(1 - correlation**2) * rng.normal(0, 2, 500)
            arms.append(ArmMoments.from_arrays(y=times * y + plus, x=x))
        return adjusted_mean_difference(arms[0], arms[1], ["x"])

    return draw


def _lognormal(sizes: tuple[int, int], factor: float = 1.0) -> Draw:
    def draw(rng: np.random.Generator) -> Effect:
        treatment = ArmMoments.from_arrays(y=factor * rng.lognormal(0, 1.5, sizes[0]))
        return mean_difference(treatment, ArmMoments.from_arrays(y=rng.lognormal(0, 1.5, sizes[1])))

    return draw


def _ratio(sizes: tuple[int, int]) -> Draw:
    """Views are overdispersed, and heavier users click at another rate."""

    def draw(rng: np.random.Generator) -> Effect:
        arms = []
        for n in sizes:
            activity = rng.gamma(1.0, 1.0, n)
            views = rng.poisson(5 * activity)
            rate = np.minimum(rng.beta(2, 8, n) * (0.5 + activity / 2), 0.9)
            arms.append(ArmMoments.from_arrays(a=rng.binomial(views, rate), b=views))
        return ratio_difference(arms[0], arms[1], "a", "b")

    return draw


def _relative() -> Iterator[Case]:
    strong = "gbstats .768, tea-tasting .835, spotify-confidence .834"
    yield _covered("covariate of correlation .995, +20 % added", _cuped(0.995, added=2.0), 2.0, 0.2, strong)
    yield _covered("covariate of correlation .9, +50 %", _cuped(0.9, factor=1.5), 5.0, 0.5, ".911 to .925")
    yield _covered("lognormal (σ 1.5), no effect", _lognormal((500, 500)), 0.0, 0.0, ".934 to .957")
    yield _covered("lognormal (σ 1.5), 500 against 5,000", _lognormal((500, 5_000)), 0.0, 0.0)
    yield _covered("ratio of dependent parts, no effect", _ratio((500, 500)), 0.0, 0.0, ".949 to .952")
    yield _covered("ratio, 500 against 5,000", _ratio((500, 5_000)), 0.0, 0.0)
    yield _covered("negative baseline, −10 → −8", _cuped(0.9, added=2.0, mean=-10.0), 2.0, 0.2)
    yield _sign()


def _sign() -> Case:
    draw = _cuped(0.9, added=2.0, mean=-10.0)

    def replay(rng: np.random.Generator) -> Answers:
        lift = draw(rng).relative
        return {"says improvement": lift.estimate > 0.0 if math.isfinite(lift.estimate) else None}

    counts = {"says improvement": Count("covers", 1.0, "most report −20.4 %")}
    return Case(AREA, "negative baseline: sign of the relative effect", counts, replay)


def _clusters(groups: tuple[int, int], spread: float) -> Draw:
    def draw(rng: np.random.Generator) -> Effect:
        arms = []
        for count in groups:
            sizes = np.round(20 * np.exp(spread * np.linspace(-1.5, 1.5, count)))
            arms += [sizes * (10 + rng.normal(0, 1, count) + rng.normal(0, 3, count) / np.sqrt(sizes)), sizes]
        return cluster_difference(*arms)

    return draw


def _quantile(probability: float, factor: float) -> Draw:
    def draw(rng: np.random.Generator) -> Effect:
        treatment = quantile_arm(factor * rng.lognormal(0, 1.5, 300), probability)
        return quantile_difference(treatment, quantile_arm(rng.lognormal(0, 1.5, 900), probability), probability)

    return draw


def _proportion(rates: tuple[float, float], sizes: tuple[int, int]) -> Draw:
    def draw(rng: np.random.Generator) -> Effect:
        (treatment, control), (n1, n0) = rng.binomial(sizes, rates), sizes
        return proportion_difference(int(treatment), n1, int(control), n0)

    return draw


def _absolute() -> Iterator[Case]:
    yield _covered("groups randomised, 5 and 5", _clusters((5, 5), 0.2), 0.0, 0.0)
    yield _covered("groups randomised, 10 and 10 of unequal size", _clusters((10, 10), 0.6), 0.0, 0.0)
    yield _covered("groups randomised, 6 and 30", _clusters((6, 30), 0.4), 0.0, 0.0)
    yield _covered("groups randomised, 5 and 40 of one size", _clusters((5, 40), 0.0), 0.0, 0.0)
    yield _covered("groups randomised, 10 and 60 of very unequal size", _clusters((10, 60), 0.8), 0.0, 0.0)
    ninetieth = math.exp(1.5 * 1.2815515655446004)
    yield _covered("90th percentile of a lognormal, +50 %", _quantile(0.9, 1.5), 0.5 * ninetieth, 0.5)
    yield _covered("rare successes, .006 against .004", _proportion((0.006, 0.004), (2_000, 2_000)), 0.002, 0.5)
    yield _covered("proportions of 60 against 400 units", _proportion((0.3, 0.2), (60, 400)), 0.1, 0.5)


def _errors() -> Iterator[Case]:
    area = "Randomised: error rates"

    def arms(rng: np.random.Generator) -> Answers:
        control = ArmMoments.from_arrays(y=rng.exponential(1, 300))
        others = {name: ArmMoments.from_arrays(y=rng.exponential(1, 300)) for name in "abcd"}
        effects = compare_with_control(lambda arm, level: mean_difference(others[arm], control, level=level), "abcd")
        return {"any arm differs": any(effect.p_value < 0.05 for effect in effects.values())}

    yield Case(area, "four treatments, none of which works (Dunnett)", {"any arm differs": ERRS}, arms, 6)

    def guardrail(rng: np.random.Generator) -> Answers:
        arms = [ArmMoments.from_arrays(y=rng.exponential(1, 800) + shift) for shift in (-0.1, 0.0)]
        verdict = noninferiority(mean_difference(arms[0], arms[1]), 0.1, True).verdict
        return {"called non-inferior": verdict == "non_inferior"}

    yield Case(area, "guardrail harmed by exactly its margin", {"called non-inferior": Count("errs", 0.025)}, guardrail)

    def segments(rng: np.random.Generator) -> Answers:
        parts = {f"s{i}": [ArmMoments.from_arrays(y=rng.exponential(1, 150)) for _ in range(2)] for i in range(8)}
        effects = {name: mean_difference(*part) for name, part in parts.items()}
        average = mean_difference(*(ArmMoments.from_arrays(y=rng.exponential(1, 1200)) for _ in range(2)))
        findings = analyse_segments(effects, average, higher_is_better=True).findings
        return {
            "any segment harmed": any(finding.harmed for finding in findings),
            "shrunk interval of a segment": bool(findings[0].shrunk_low <= 0.0 <= findings[0].shrunk_high),
        }

    counts = {"any segment harmed": ERRS, "shrunk interval of a segment": COVERS}
    yield Case(area, "eight segments, none of which is harmed", counts, segments, 4)


def _power() -> Iterator[Case]:
    area = "Power, planned for .80"
    found = {"finds the effect": Count("finds", 0.80)}
    mean = math.ceil(required_units(MetricPlan(0.0, 1.0), 0.2).treatment)

    def means(rng: np.random.Generator) -> Answers:
        arms = [ArmMoments.from_arrays(y=rng.normal(shift, 1, mean)) for shift in (0.2, 0.0)]
        return {"finds the effect": mean_difference(arms[0], arms[1]).p_value < 0.05}

    yield Case(area, f"mean, 0.2 standard deviations, {mean} units an arm", found, means)
    adjusted = math.ceil(required_units(MetricPlan(0.0, 1.0, 0.51), 0.2).treatment)

    def covariate(rng: np.random.Generator) -> Answers:
        arms = []
        for shift in (0.2, 0.0):
            x = rng.normal(size=adjusted)
            arms.append(ArmMoments.from_arrays(y=0.7 * x + math.sqrt(0.51) * rng.normal(size=adjusted) + shift, x=x))
        return {"finds the effect": adjusted_mean_difference(arms[0], arms[1], ["x"]).p_value < 0.05}

    yield Case(area, f"the same with a covariate of correlation .7, {adjusted} units an arm", found, covariate)
    share = required_units(proportion_plan(0.1), 0.03, treatment_share=0.25)
    sizes = (math.ceil(share.treatment), math.ceil(share.control))

    def proportions(rng: np.random.Generator) -> Answers:
        (treatment, control) = rng.binomial(sizes, (0.13, 0.10))
        effect = proportion_difference(int(treatment), sizes[0], int(control), sizes[1])
        return {"finds the effect": effect.p_value < 0.05}

    yield Case(area, f"proportion .10 → .13, {sizes[0]:,} against {sizes[1]:,} units", found, proportions)
