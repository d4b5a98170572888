from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from eaas_assets.history.replays import Recorded, fit_chances, replays
from eaas_assets.history.verdict import PairedOutcomes


def recorded(passed: list[list[bool]], **more: Any) -> Recorded:
    """A run from the results of each scenario's trials; the reference run has as many trials."""
    trials = [len(results) for results in passed]
    flat = np.concatenate([np.asarray(results, dtype=bool) for results in passed])
    metrics = more.pop("metrics", {})
    return Recorded(np.repeat(np.arange(len(passed)), trials), flat, metrics, np.asarray(trials), **more)


def drawn(run: Recorded, n: int, seed: int = 1, **more: Any) -> list[PairedOutcomes]:
    return list(replays(run, fit_chances(run), np.random.default_rng(seed), n, **more))


def rates(pairs: list[PairedOutcomes], side: str) -> np.ndarray:
    return np.array([getattr(pair, side)["pass_rate"] for pair in pairs])


MIXED = recorded([[True]] * 30 + [[False]] * 10)
REPEATED = recorded([[True, True, False, True]] * 10 + [[False, True, False, False]] * 5 + [[True] * 4] * 15)


def test_one_trial_per_scenario_is_taken_to_be_half_chance():
    found = fit_chances(MIXED)
    assert (found.correlation, found.weight, found.basis) == (0.5, 1.0, "assumed")
    assert found.mean == pytest.approx(30.5 / 41)
    assert found.expected == pytest.approx((30 + 40 * found.mean) / 80)


def test_the_agreement_of_trials_is_estimated_from_repeats():
    """Scenario rates from Beta(1.2, 0.8): intraclass correlation 1 / (1 + 2)."""
    rng = np.random.default_rng(4)
    rates = rng.beta(1.2, 0.8, 3000)
    found = fit_chances(recorded((rng.random((3000, 4)) < rates[:, None]).tolist()))
    assert found.basis == "estimated"
    assert found.correlation == pytest.approx(1 / 3, abs=0.02)
    assert found.weight == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize(
    ("passed", "correlation"),
    [([[True] * 3] * 4, 0.95), ([[True, False]] * 6, 0.05), ([[True] * 3, [False] * 3], 0.95)],
)
def test_no_suite_is_taken_to_be_free_of_chance_or_nothing_else(passed: list[list[bool]], correlation: float):
    assert fit_chances(recorded(passed)).correlation == correlation


def test_a_perfect_run_does_not_prove_a_perfect_agent():
    failures = 1 - rates(drawn(recorded([[True]] * 10), 400), "before")
    assert 0.005 < failures.mean() < 0.06


def test_runs_of_the_same_agent_differ_by_chance_only():
    pairs = drawn(REPEATED, 500)
    before, after = (rates(pairs, side).mean(axis=1) for side in ("before", "after"))
    error = np.std(after - before) / np.sqrt(len(pairs))
    assert abs(np.mean(after - before)) < 4 * error
    assert np.mean(before) == pytest.approx(fit_chances(REPEATED).expected, abs=4 * np.std(before) / np.sqrt(500))


def test_a_run_keeps_its_number_of_trials():
    run = Recorded(REPEATED.scenario, REPEATED.passed, {}, np.full(30, 3))
    pair = drawn(run, 1)[0]
    assert set(np.unique(pair.before["pass_rate"] * 3)) <= {0, 1, 2, 3}
    assert set(np.unique(pair.after["pass_rate"] * 4)) <= {0, 1, 2, 3, 4}
    assert (pair.before_trials.tolist(), pair.after_trials.tolist()) == ([3] * 30, [4] * 30)


def test_a_drop_takes_as_much_as_it_says_and_takes_whole_scenarios():
    run = recorded([[True] * 3] * 40, repeats=True)
    after = rates(drawn(run, 400, drop=0.2), "after")
    assert set(np.unique(after)) == {0.0, 1.0}
    assert after.mean() == pytest.approx(0.8, abs=4 * 0.4 / np.sqrt(400 * 40))


def test_a_simulated_agent_repeats_itself():
    run = recorded([[True], [False], [True]], repeats=True, metrics={"average_score": np.array([0.9, 0.2, 0.8])})
    for pair in drawn(run, 20):
        for side in (pair.before, pair.after):
            assert side["pass_rate"].tolist() == [1, 0, 1]
            assert side["average_score"].tolist() == [0.9, 0.2, 0.8]


def test_a_drawn_trial_has_the_metrics_of_a_recorded_one_that_ended_alike():
    """Scenario 0 passed with .91, scenario 1 failed with .12 and passed with .93: nothing else can be drawn."""
    run = recorded([[True], [False, True]], metrics={"average_score": np.array([0.91, 0.12, 0.93])})
    pairs = drawn(Recorded(run.scenario, run.passed, run.metrics, np.array([1, 1])), 300)
    seen = {
        (place, bool(passed), round(float(score), 2))
        for pair in pairs
        for place, (passed, score) in enumerate(
            zip(pair.before["pass_rate"], pair.before["average_score"], strict=True)
        )
    }
    assert seen == {(0, True, 0.91), (0, False, 0.12), (1, True, 0.93), (1, False, 0.12)}


def test_a_result_that_was_never_recorded_is_wholly_wrong():
    run = recorded([[True]] * 5, metrics={"average_score": np.full(5, 0.9)})
    pairs = drawn(run, 300)
    failed = [
        float(score)
        for pair in pairs
        for passed, score in zip(pair.after["pass_rate"], pair.after["average_score"], strict=True)
        if not passed
    ]
    assert failed
    assert set(failed) == {0.0}


def test_an_unknown_metric_stays_unknown():
    run = recorded([[True], [True]], metrics={"outcome_accuracy": np.array([np.nan, 1.0])}, repeats=True)
    assert np.isnan(drawn(run, 1)[0].before["outcome_accuracy"][0])


def test_shocks_move_families_as_a_whole_and_not_the_agent():
    families = np.repeat(np.arange(6), 20)
    run = recorded([[True, False]] * 120, families=families)
    change = {
        shocked: np.array(
            [
                [(pair.after["pass_rate"] - pair.before["pass_rate"])[families == one].mean() for one in range(6)]
                for pair in drawn(run, 300, shocked=shocked)
            ]
        )
        for shocked in (False, True)
    }
    # logit sd .8 around one half: about .18 in each of two runs, far above the .08 that chance alone leaves.
    assert np.std(change[True]) > 2 * np.std(change[False])
    assert abs(change[True].mean()) < 4 * np.std(change[True].mean(axis=1)) / np.sqrt(300)


def test_a_part_of_a_run_keeps_what_belongs_to_its_scenarios():
    run = recorded(
        [[True], [False, True], [False]],
        metrics={"average_score": np.array([0.1, 0.2, 0.3, 0.4])},
        families=np.array([0, 1, 1]),
        segments={"tier": np.array(["a", "b", None], dtype=object)},
    )
    part = run.part(np.array([1, 2]))
    assert (part.scenario.tolist(), part.passed.tolist()) == ([0, 0, 1], [False, True, False])
    assert part.metrics["average_score"].tolist() == [0.2, 0.3, 0.4]
    assert (part.reference_trials.tolist(), part.trials.tolist()) == ([2, 1], [2, 1])
    assert part.families is not None
    assert part.families.tolist() == [0, 0]
    assert part.segments["tier"].tolist() == ["b", None]


def test_equal_seeds_give_equal_pairs_and_others_do_not():
    first, again, other = (rates(drawn(MIXED, 5, seed), "after") for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_run_without_results_is_refused():
    with pytest.raises(ValueError, match="every scenario needs a trial"):
        fit_chances(Recorded(np.zeros(0, dtype=int), np.zeros(0, dtype=bool), {}, np.ones(2, dtype=int)))
