"""Published experiments through the tables: figures that textbooks and papers print, read off rows of the product."""

from __future__ import annotations

import numpy as np
import pytest

from eaas_assets_tests.experiments.impact.asking import diagnostics, primary
from eaas_assets_tests.experiments.impact.test_randomised import SLEEP_1, SLEEP_2, two_arms
from eaas_assets_tests.experiments.observations_by_hand import (
    PairedByHand,
    SummaryByHand,
    experiment_by_hand,
    metric_by_hand,
    panel_by_hand,
    proportion_moments,
)

NEVER = 10**6


def rates(control, treatment, **metric):
    """Successes and units of two arms as an experiment on one proportion."""
    experiment = experiment_by_hand(metrics=[metric_by_hand("hit", kind="proportion", **metric)])
    by_arm = {
        name: proportion_moments("hit", *counts) for name, counts in (("control", control), ("treatment", treatment))
    }
    return experiment, SummaryByHand({"control": control[1], "treatment": treatment[1]}, {"hit": by_arm})


@pytest.mark.parametrize(
    ("treatment", "control", "score", "newcombe"),
    [
        ((6, 7), (2, 7), (0.0342, 0.8534), (0.0582, 0.8062)),
        ((5, 56), (0, 29), (-0.0326, 0.1933), (-0.0381, 0.1926)),
        ((9, 10), (3, 10), (0.1700, 0.8406), (0.1705, 0.8090)),
    ],
)
def test_newcombe_s_examples_of_small_arms(treatment, control, score, newcombe):
    """Newcombe 1998, Statistics in Medicine 17, table II, examples b to d: methods 6 and 10."""
    allocation = [{"name": name, "allocation": n / (treatment[1] + control[1])}
                  for name, (_, n) in (("control", control), ("treatment", treatment))]  # fmt: skip
    experiment, data = rates(control, treatment)
    experiment = experiment.model_copy(
        update={"variants": experiment_by_hand(variants=allocation).variants},
    )
    row = primary(experiment, data)
    assert (row["low"], row["high"]) == pytest.approx(score, abs=6e-5)
    found = diagnostics(row)
    assert (found["newcombe_low"], found["newcombe_high"]) == pytest.approx(newcombe, abs=6e-5)


def test_aspirin_and_heart_attacks():
    """Physicians' Health Study as in Agresti, Categorical Data Analysis: .0077, 95 % .005 to .011; ratio 1.43 to 2.30.

    Agresti's ratio is placebo over aspirin with Wald's limits of its logarithm; ours are limits by the score test.
    """
    row = primary(*rates((189, 11_034), (104, 11_037), direction="decrease"))
    assert row["estimate"] == pytest.approx(-0.0077, abs=5e-5)
    assert (row["low"], row["high"]) == pytest.approx((-0.011, -0.005), abs=5e-4)
    assert row["benefit"] == pytest.approx(0.0077, abs=5e-5)
    assert row["verdict"] == "improved"
    assert (1.0 / (1.0 + row["relative_high"]), 1.0 / (1.0 + row["relative_low"])) == pytest.approx(
        (1.43, 2.30), abs=0.01
    )


def test_the_salk_vaccine():
    """Francis 1955, trial of 1954: 57 of 200,745 against 142 of 201,229; 28 and 71 of 100,000, an efficacy of 60 %."""
    row = primary(*rates((142, 201_229), (57, 200_745), direction="decrease"))
    assert (row["treatment_value"] * 1e5, row["control_value"] * 1e5) == pytest.approx((28, 71), abs=0.5)
    assert row["relative"] == pytest.approx(-0.60, abs=5e-3)
    assert row["p_value"] < 1e-8
    assert row["verdict"] == "improved"


def test_students_sleep_data_with_their_interval():
    """R's t.test(extra ~ group): Welch's interval −3.3654832 to 0.2054832; pooled p .07918671."""
    row = primary(*two_arms(SLEEP_2, SLEEP_1))
    assert (row["low"], row["high"]) == pytest.approx((-3.3654832, 0.2054832), abs=1e-6)


def test_dried_weights_of_plants():
    """R's PlantGrowth, control against first treatment: Welch t 1.1913, df 16.524, p .2504, −.2875162 to 1.0295162."""
    control = [4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14]
    treatment = [4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69]
    row = primary(*two_arms(control, treatment))
    assert -row["estimate"] / row["se"] == pytest.approx(1.1913, abs=5e-5)
    assert row["df"] == pytest.approx(16.524, abs=5e-4)
    assert row["p_value"] == pytest.approx(0.2504, abs=5e-5)
    assert (-row["high"], -row["low"]) == pytest.approx((-0.2875162, 1.0295162), abs=1e-6)


def test_darwins_maize():
    """Fisher, The Design of Experiments (1935), section 16: 15 pairs, mean 20.933 eighth inches, t 2.148, p .0497."""
    differences = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    arms = {"control": np.full(15, 140.0), "treatment": 140.0 + np.array(differences)}
    row = primary(experiment_by_hand(design="paired", type="model_swap"), PairedByHand({"spend": arms}))
    assert row["estimate"] == pytest.approx(20.933, abs=5e-4)
    assert row["estimate"] / row["se"] == pytest.approx(2.148, abs=5e-4)
    assert row["p_value"] == pytest.approx(0.0497, abs=5e-5)
    assert (row["low"], row["high"]) == pytest.approx((0.03, 41.83), abs=0.01)


@pytest.mark.parametrize(
    ("counts", "refused", "p"),
    [((821_588, 815_482), True, 1.8e-6), ((44_000, 45_000), True, 0.000802), ((44_700, 45_489), False, 0.0086)],
)
def test_published_sample_ratios_decide_at_the_policy_s_threshold(counts, refused, p):
    """Kohavi, Tang & Xu 2020, chapter 3 (ratio .993, p 1.8e-6); the example of srm.osc.garden; Cookie Cats."""
    row = primary(*rates((counts[0] // 10, counts[0]), (counts[1] // 10, counts[1])))
    assert (row["refusal_code"] == "sample_ratio_mismatch") is refused
    if refused:
        assert f"(p = {p:.2g})" in row["refusal_reason"]


def with_mean_and_error(mean, error, n, seed):
    """Changes of ``n`` units with exactly this mean and standard error."""
    values = np.random.default_rng(seed).normal(size=n)
    values = (values - values.mean()) / values.std(ddof=1)
    return mean + error * np.sqrt(n) * values


def test_minimum_wages_and_employment():
    """Card & Krueger 1994, table 3: New Jersey +.59 (.54), Pennsylvania −2.16 (1.25); difference 2.76 (1.36).

    Restaurants made to have these published changes and errors; 2.76 is 2.75 before rounding of its parts.
    """
    changes = np.r_[with_mean_and_error(0.59, 0.54, 309, 0), with_mean_and_error(-2.16, 1.25, 75, 1)]
    before = np.random.default_rng(2).normal(20.0, 5.0, changes.size)
    adoption = np.repeat([1, NEVER], [309, 75])
    panel = panel_by_hand({"spend": np.c_[before, before + changes]}, adoption)
    row = primary(experiment_by_hand(design="rollout", type="phased_rollout"), panel)
    assert row["estimate"] == pytest.approx(2.76, abs=0.015)
    assert row["se"] == pytest.approx(1.36, abs=0.015)
    assert row["strength"] == "quasi_experiment"
