"""Paired experiments through the table."""

from __future__ import annotations

import json

import numpy as np
import pytest

from eaas_assets.stats.paired import paired_difference
from eaas_assets_tests.experiments.impact.asking import by_segment, diagnostics, primary
from eaas_assets_tests.experiments.impact.test_randomised import SLEEP_1, SLEEP_2
from eaas_assets_tests.experiments.observations_by_hand import PairedByHand, experiment_by_hand, metric_by_hand


def paired(control, treatment, *, clusters=None, segments=None, **metric):
    experiment = experiment_by_hand(
        design="paired", metrics=[metric_by_hand("score", **metric)], segments=list(segments or {})
    )
    values = {"score": {"control": control, "treatment": treatment}}
    return experiment, PairedByHand(values, clusters=clusters, segments=segments or {})


def discordant(lost, gained, same=0):
    """Single 0/1 results of as many pairs."""
    control = np.repeat([1.0, 0.0, 1.0], [lost, gained, same])
    return control, np.repeat([0.0, 1.0, 1.0], [lost, gained, same])


def test_students_sleep_data_as_pairs():
    """R's sleep data: t −4.062128, p .00283289, nine degrees of freedom."""
    row = primary(*paired(SLEEP_2, SLEEP_1))
    assert row["estimate"] / row["se"] == pytest.approx(-4.062128, abs=1e-6)
    assert row["p_value"] == pytest.approx(0.00283289, abs=1e-8)
    assert (row["df"], row["n_treatment"], row["strength"]) == (pytest.approx(9.0), 10, "paired")
    assert row["verdict"] == "harmed"
    assert "10 pairs" in row["statement"]


def test_mcnemar_of_the_textbook_table():
    """150 against 86 discordant pairs: 16.817797 with continuity correction, 17.355932 without."""
    row = primary(*paired(*discordant(86, 150, 1000), kind="proportion"))
    found = diagnostics(row)
    assert found["mcnemar_chi2_corrected"] == pytest.approx(16.817797, abs=1e-6)
    assert found["mcnemar_chi2"] == pytest.approx(17.355932, abs=1e-6)
    assert row["p_value"] < 1e-4
    assert (row["verdict"], row["estimate"]) == ("improved", pytest.approx(64 / 1236))


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("domain", "control", "treatment", "n", "lost", "gained", "p"),
    [("airline", 10, 13, 20, 3, 6, 0.5078125), ("retail", 34, 34, 40, 6, 6, 1.0)],
)
def test_a_model_before_and_after_fine_tuning(shared_data, domain, control, treatment, n, lost, gained, p):
    """tau2-bench by task: airline 10 → 13 of 20, exact McNemar p .51; retail 34 → 34 of 40, 6 lost, 6 gained."""

    def results(model):
        simulations = json.loads((shared_data / "tau2_finetune" / f"{model}_{domain}.json").read_text())["simulations"]
        return {str(one["task_id"]): float(one["reward_info"]["reward"] == 1.0) for one in simulations}

    base, tuned = results("base"), results("finetuned")
    tasks = sorted(base)
    row = primary(*paired([base[t] for t in tasks], [tuned[t] for t in tasks], kind="proportion"))
    assert (row["control_value"], row["treatment_value"]) == pytest.approx((control / n, treatment / n))
    assert (diagnostics(row)["lower"], diagnostics(row)["higher"], row["n_treatment"]) == (lost, gained, n)
    assert row["p_value"] == pytest.approx(p)
    assert row["verdict"] == "inconclusive"


def test_families_of_units_widen_the_interval():
    rng = np.random.default_rng(0)
    family = np.repeat(np.arange(20), 10)
    difference = rng.normal(0.0, 1.0, 20)[family] + rng.normal(0.0, 0.3, 200)
    row = primary(*paired(np.zeros(200) + 5.0, 5.0 + difference, clusters=family))
    alone = primary(*paired(np.zeros(200) + 5.0, 5.0 + difference))
    by_hand = paired_difference(difference, family, skewed=True)
    assert (row["low"], row["high"], row["p_value"]) == pytest.approx((*by_hand.interval[:2], by_hand.p_value))
    assert row["se"] > 2.5 * alone["se"]
    assert "errors by family" in row["method"]


def test_shares_of_several_trials_get_the_score_interval_at_the_effective_number_of_pairs():
    rng = np.random.default_rng(1)
    control, treatment = rng.integers(0, 5, 60) / 4.0, rng.integers(0, 5, 60) / 4.0
    row = primary(*paired(control, treatment, kind="proportion"))
    by_hand = paired_difference(treatment - control, None, 0.95, 1.0)
    assert (row["low"], row["high"]) == pytest.approx(by_hand.interval[:2])
    assert "score interval" in row["method"]


@pytest.mark.parametrize(
    ("control", "treatment", "metric", "code"),
    [
        ([np.nan, 1.0], [1.0, np.nan], {}, "no_observations"),
        ([1.0], [2.0], {}, "too_few_units"),
        ([1.0, 2.0, 3.0], [2.0, 3.0, 4.0], {}, "no_variance"),
        ([1.0, np.inf], [2.0, 3.0], {}, "not_finite"),
        ([1.0, 3.0], [0.0, 1.0], {"kind": "proportion"}, "not_a_proportion"),
        ([1.0, 3.0], [0.0, 1.0], {"kind": "quantile", "quantile": 0.9}, "paired_quantile"),
    ],
)
def test_pairs_that_carry_no_estimate_are_refused(control, treatment, metric, code):
    row = primary(*paired(control, treatment, **metric))
    assert (row["verdict"], row["refusal_code"]) == ("refused", code)
    assert row["p_value"] is None


@pytest.mark.parametrize("seed", range(30))
@pytest.mark.parametrize("kind", ["single trials", "shares", "families", "skewed means"])
def test_absolute_and_relative_intervals_never_disagree_about_zero(kind, seed):
    rng = np.random.default_rng([seed, 7])
    n, family = 40, None
    if kind == "skewed means":
        control = rng.exponential(1.0, n) + 2.0
        treatment = control + rng.exponential(1.0, n) - 0.7
        family = np.arange(n) // rng.integers(1, 3)
        row = primary(*paired(control, treatment, clusters=family))
    else:
        trials = 4 if kind == "shares" else 1
        control, treatment = (rng.binomial(trials, rate, n) / trials for rate in (0.4, 0.6))
        family = np.arange(n) // 2 if kind == "families" else None
        row = primary(*paired(control, treatment, clusters=family, kind="proportion"))
    excludes = [not low <= 0.0 <= high for low, high in ((row["low"], row["high"]), _relative_limits(row))]
    assert excludes[0] == excludes[1]


def _relative_limits(row):
    return row["relative_low"], row["relative_high"]


def test_a_relative_change_of_nothing_is_refused_and_the_absolute_one_is_told():
    row = primary(*paired([0.0] * 20, [1.0] * 8 + [0.0] * 12, kind="proportion"))
    assert row["low"] > 0.0
    assert (row["relative"], row["relative_low"]) == (None, None)


def test_identical_results_prove_nothing_but_have_an_interval():
    row = primary(*paired([1.0] * 10, [1.0] * 10, kind="proportion"))
    assert row["low"] < 0.0 == row["estimate"] < row["high"]
    assert (row["p_value"], row["verdict"]) == (1.0, "inconclusive")


def test_units_seen_under_one_arm_are_left_out_and_counted():
    row = primary(*paired([1.0, 2.0, 4.0, np.nan], [2.0, 4.0, 5.0, 9.0]))
    assert (row["n_treatment"], diagnostics(row)["left_out"]) == (3, 1)


def test_segments_of_pairs():
    rng = np.random.default_rng(2)
    control = rng.normal(10.0, 2.0, 400)
    kind = np.tile(["refund", "delay"], 200)
    treatment = control + rng.normal(0.5, 1.0, 400) - 1.5 * (kind == "delay")
    found = by_segment(*paired(control, treatment, segments={"kind": kind}))
    assert found["kind", "delay"]["harmed"] is True
    assert found["kind", "refund"]["harmed"] is False
    assert found["kind", "delay"]["heterogeneity_p"] < 1e-6
