"""Trials and examples that other people have published, as rows of the product: rates, means, arms and segments."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.segments import heterogeneity
from eaas_assets_tests.experiments.impact.asking import asked, by_segment, diagnostics, primary
from eaas_assets_tests.experiments.impact.test_published import rates
from eaas_assets_tests.experiments.observations_by_hand import (
    SummaryByHand,
    UnitsByHand,
    experiment_by_hand,
    metric_by_hand,
    proportion_moments,
)


def of_sizes(experiment, *sizes):
    """The experiment with an allocation as its arms came."""
    arms = [
        variant.model_copy(update={"allocation": size / sum(sizes)})
        for variant, size in zip(experiment.variants, sizes, strict=True)
    ]
    return experiment.model_copy(update={"variants": arms})


def units(*arms, **segments):
    """Values of several arms, the control first."""
    names = ("control", "treatment", "second")[: len(arms)]
    sizes = [len(values) for values in arms]
    experiment = experiment_by_hand(arms=names, segments=list(segments))
    data = UnitsByHand(np.repeat(names, sizes), {"spend": np.concatenate(arms)}, segments, names=names)
    return of_sizes(experiment, *sizes), data


@pytest.mark.parametrize(
    ("treatment", "control", "ratio", "within"),
    [
        ((36, 40), (16, 80), (2.940, 7.152), 0.015),  # Koopman 1984, Biometrics 40
        ((8, 15), (4, 15), (0.815, 5.336), 0.09),  # Gart & Nam 1988, Biometrics 44
        ((8, 18_198), (162, 18_325), (1 - 0.976, 1 - 0.903), 0.004),  # Polack et al. 2020: efficacy 90.3 to 97.6 %
    ],
)
def test_ratios_of_rates(treatment, control, ratio, within):
    """Score intervals of a ratio; ours are a little wider by Miettinen & Nurminen's factor N / (N − 1)."""
    experiment, data = rates(control, treatment, direction="decrease")
    row = primary(of_sizes(experiment, control[1], treatment[1]), data)
    assert (1.0 + row["relative_low"], 1.0 + row["relative_high"]) == pytest.approx(ratio, abs=within)


@pytest.mark.parametrize(
    ("treatment", "control", "t", "df", "p", "limits"),
    [
        (
            [17.2, 20.9, 22.6, 18.1, 21.7, 21.4, 23.5, 24.2, 14.7, 21.8],
            [21.5, 22.8, 21.0, 23.0, 21.6, 23.6, 22.5, 20.7, 23.4, 21.8, 20.7, 21.7, 21.5, 22.5, 23.6, 21.5, 22.5,
             23.5, 21.5, 21.8],
            -1.5654, 9.9047, 0.1488, (-3.6986, 0.6486),
        ),
        (
            [19.8, 20.4, 19.6, 17.8, 18.5, 18.9, 18.3, 18.9, 19.5, 22.0],
            [28.2, 26.6, 20.1, 23.3, 25.2, 22.1, 17.7, 27.6, 20.6, 13.7, 23.2, 17.5, 20.6, 18.0, 23.9, 21.6, 24.3,
             20.4, 24.0, 13.2],
            -2.2192, 24.496, 0.0360, (-4.2825, -0.1575),
        ),
    ],
)  # fmt: skip
def test_unequal_arms_show_welch_s_test_beside_the_corrected_one(treatment, control, t, df, p, limits):
    """Ten values against twenty, as in the encyclopaedias' examples of Welch's test; the figures of R's t.test."""
    row = primary(*units(control, treatment))
    plain = diagnostics(row)
    assert row["estimate"] / row["se"] == pytest.approx(t, abs=1e-4)
    assert row["df"] == pytest.approx(df, abs=1e-3)
    assert plain["p_with_skewness"] == pytest.approx(p, abs=1e-4)
    assert (plain["low_with_skewness"], plain["high_with_skewness"]) == pytest.approx(limits, abs=1e-3)
    assert row["method"].endswith("skewness removed (Hall)")


def test_miles_per_gallon_of_american_and_japanese_cars():
    """NIST/SEMATECH e-Handbook 1.3.5.3, AUTO83B.DAT: T −12.94627 with 136.8750 degrees of freedom (Welch)."""
    cars = {
        "control": ArmMoments.from_aggregates(79, {"spend": 30.48101}, {"spend": 6.10771**2}),
        "treatment": ArmMoments.from_aggregates(249, {"spend": 20.14458}, {"spend": 6.41470**2}),
    }
    data = SummaryByHand({"control": 79, "treatment": 249}, {"spend": cars})
    row = primary(of_sizes(experiment_by_hand(), 79, 249), data)
    assert row["estimate"] / row["se"] == pytest.approx(-12.94627, abs=2e-5)
    assert row["df"] == pytest.approx(136.8750, abs=1e-3)
    assert any("strongly skewed" in text for text in json.loads(row["assumptions_json"]))


def test_plants_under_two_treatments():
    """R's PlantGrowth: Welch's p .2504 and .0479 (t 2.134, df 16.786); Holm makes .0958 of the second."""
    plants = units(
        [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14],
        [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69],
        [6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26],
    )
    rows = asked(*plants)
    second = rows["second", "spend"]
    assert second["estimate"] / second["se"] == pytest.approx(2.134, abs=1e-4)
    assert (second["df"], second["p_value"]) == pytest.approx((16.786, 0.0479), abs=5e-4)
    assert second["p_adjusted"] == pytest.approx(0.0958, abs=1e-4)
    assert rows["treatment", "spend"]["p_adjusted"] == pytest.approx(0.2504, abs=1e-4)
    assert second["verdict"] == "inconclusive"


def test_guinea_pigs_by_dose():
    """R's ToothGrowth, orange juice against ascorbic acid: t.test of all, and of each dose by itself."""
    acid = [4.2, 11.5, 7.3, 5.8, 6.4, 10, 11.2, 11.2, 5.2, 7, 16.5, 16.5, 15.2, 17.3, 22.5, 17.3, 13.6, 14.5, 18.8,
            15.5, 23.6, 18.5, 33.9, 25.5, 26.4, 32.5, 26.7, 21.5, 23.3, 29.5]  # fmt: skip
    juice = [15.2, 21.5, 17.6, 9.7, 14.5, 10, 8.2, 9.4, 16.5, 9.7, 19.7, 23.3, 23.6, 26.4, 20, 25.2, 25.8, 21.2, 14.5,
             27.3, 25.5, 26.4, 22.4, 24.5, 24.8, 30.9, 26.4, 27.3, 29.4, 23]  # fmt: skip
    pigs = units(acid, juice, dose=np.tile(np.repeat(["0.5", "1", "2"], 10), 2))
    row = primary(*pigs)
    assert (row["low"], row["high"]) == pytest.approx((-0.1710156, 7.5710156), abs=1e-6)
    assert row["p_value"] == pytest.approx(0.06063, abs=6e-6)
    doses = by_segment(*pigs)
    published = {"0.5": (1.719057, 8.780943), "1": (2.802148, 9.057852), "2": (-3.79807, 3.63807)}
    for dose, limits in published.items():
        found = doses["dose", dose]
        assert (found["low"], found["high"]) == pytest.approx(limits, abs=1e-5)
        assert not found["harmed"]


def stratified(dimension, strata, **metric):
    """Successes and units of control and treatment by a segment."""
    experiment = experiment_by_hand(metrics=[metric_by_hand("hit", kind="proportion", **metric)], segments=[dimension])
    whole = [np.sum([arms[i] for arms in strata.values()], axis=0) for i in range(2)]
    names = ("control", "treatment")
    moments = {name: proportion_moments("hit", *map(int, counts)) for name, counts in zip(names, whole, strict=True)}
    parts = {
        value: {name: proportion_moments("hit", *counts) for name, counts in zip(names, arms, strict=True)}
        for value, arms in strata.items()
    }
    sizes = {name: int(counts[1]) for name, counts in zip(names, whole, strict=True)}
    data = SummaryByHand(sizes, {"hit": moments}, {("hit", dimension): parts})
    return of_sizes(experiment, *sizes.values()), data


def test_aspirin_does_not_harm_those_born_under_gemini_or_libra():
    """ISIS-2 (Lancet 1988): 9.0 against 12.1 % deaths, and 11.1 against 10.2 % under two star signs: chance."""
    trial = stratified(
        "sign", {"gemini_libra": ((147, 1442), (150, 1357)), "other": ((868, 7157), (654, 7228))}, direction="decrease"
    )
    row = primary(*trial)
    assert (row["verdict"], row["strength"]) == ("improved", "randomised")
    assert row["p_value"] < 1e-6
    stars = by_segment(*trial)
    unlucky = stars["sign", "gemini_libra"]
    assert unlucky["benefit"] < 0.0
    assert unlucky["p_harm_adjusted"] > 0.4
    assert not unlucky["harmed"]
    assert not unlucky["harmed_although_average_won"]
    assert -unlucky["shrunk"] > unlucky["benefit"]  # drawn towards the others


def test_kidney_stones_of_either_size():
    """Charig et al. 1986: better on average (83 against 78 %), worse for small stones and for large ones: Simpson."""
    trial = stratified("size", {"small": ((81, 87), (234, 270)), "large": ((192, 263), (55, 80))})
    row = primary(*trial)
    assert (row["treatment_value"], row["control_value"]) == pytest.approx((0.83, 0.78), abs=0.005)
    assert row["verdict"] == "inconclusive"
    stones = by_segment(*trial)
    assert all(stones["size", size]["estimate"] < 0.0 for size in ("small", "large"))
    assert stones["size", "small"]["heterogeneity_p"] > 0.5


def test_thirteen_trials_of_the_bcg_vaccine():
    """Colditz et al. 1994 as in R's metafor (dat.bcg): Q 152.2330, τ² .3181 (Paule–Mandel) and .3132 (REML)."""
    vaccinated = np.array([4, 6, 3, 62, 33, 180, 8, 505, 29, 17, 186, 5, 27], dtype=float)
    healthy = np.array([119, 300, 228, 13536, 5036, 1361, 2537, 87886, 7470, 1699, 50448, 2493, 16886], dtype=float)
    ill = np.array([11, 29, 11, 248, 47, 372, 10, 499, 45, 65, 141, 3, 29], dtype=float)
    others = np.array([128, 274, 209, 12619, 5761, 1079, 619, 87892, 7232, 1600, 27197, 2338, 17825], dtype=float)
    ratio = np.log(vaccinated / (vaccinated + healthy) / (ill / (ill + others)))
    variance = 1 / vaccinated - 1 / (vaccinated + healthy) + 1 / ill - 1 / (ill + others)
    found = heterogeneity(ratio, np.sqrt(variance))
    assert found.q == pytest.approx(152.2330, abs=1e-4)
    assert found.tau2 == pytest.approx(0.3181, abs=5e-5)
    assert found.tau2_reml == pytest.approx(0.3132, abs=5e-5)
    assert found.mean == pytest.approx(-0.7150, abs=5e-5)
