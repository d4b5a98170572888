from __future__ import annotations

from datetime import UTC, datetime

import pytest

from eaas_assets.errors import InputError
from eaas_assets.evaluation.execution.plan import Scope, configuration_digest, make_plan, new_run_id
from eaas_assets_tests.evaluation.execution.agents_for_tests import agent_version, plan, scenarios


def test_a_plan_asks_every_scenario_as_often_as_there_are_trials() -> None:
    made = plan(3, trials=4)
    assert len(made.evaluations) == 12
    assert len({evaluation.key for evaluation in made.evaluations}) == 12
    assert [evaluation.position for evaluation in made.evaluations] == list(range(12))


def test_the_order_of_rows_does_not_change_a_plan() -> None:
    rows = scenarios(20)
    shuffled = rows.sample(frac=1, random_state=1)
    assert make_plan(agent_version(), rows, Scope(), None) == make_plan(agent_version(), shuffled, Scope(), None)


@pytest.mark.parametrize(
    "change",
    [{"version": "v2"}, {"settings": {"a": 1}}, {"trials": 2}, {"adapter": "other"}, {"limits": {"timeout_s": 5}}],
)
def test_whatever_can_change_an_answer_changes_the_plan(change: dict[str, object]) -> None:
    assert plan(3, **change).digest != plan(3).digest


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x"},
        {"notes": "x"},
        {"owner": "x"},
        {"baseline": "v0"},
        {"live": False},
        {"limits": {"concurrency": 2}},
    ],
)
def test_what_cannot_change_an_answer_does_not_change_the_plan(change: dict[str, object]) -> None:
    assert plan(3, **change).digest == plan(3).digest
    assert configuration_digest(agent_version(**change)) == configuration_digest(agent_version())


def test_what_the_agent_is_shown_is_part_of_the_plan() -> None:
    rows = scenarios(3)
    rows.loc[0, "inputs_digest"] = "f" * 64
    assert make_plan(agent_version(), rows, Scope(), None).digest != plan(3).digest


def test_the_reason_of_a_run_is_part_of_its_plan() -> None:
    assert plan(3, Scope(evaluation_type="nightly")).digest != plan(3).digest


def test_a_scope_chooses_one_scenario_or_one_specialist() -> None:
    assert [scenario.scenario_id for scenario in plan(5, Scope(scenario_id="S00002")).scenarios] == ["S00002"]
    assert len(plan(5, Scope(target_agent_id="echo")).scenarios) == 5


@pytest.mark.parametrize("scope", [Scope(scenario_id="nobody"), Scope(target_agent_id="nobody")])
def test_a_scope_that_matches_nothing_is_refused_and_says_what_there_is(scope: Scope) -> None:
    with pytest.raises(InputError, match=r"nobody.*at least one of the 5 scenarios"):
        plan(5, scope)


def test_a_request_holds_the_message_and_facts_and_never_an_expected_value() -> None:
    request = plan(1).request(plan(1).evaluations[0])
    assert set(type(request).model_fields) == {"scenario_id", "message", "context", "seed", "trial", "idempotency_key"}
    assert "echo" not in request.model_dump_json()


def test_seeds_differ_between_trials_and_repeat_between_runs() -> None:
    made = plan(1, trials=5)
    seeds = [made.request(evaluation).seed for evaluation in made.evaluations]
    assert len(set(seeds)) == 5
    assert seeds == [made.request(evaluation).seed for evaluation in plan(1, trials=5).evaluations]


def test_the_idempotency_key_repeats_on_a_resume_and_differs_between_runs_and_trials() -> None:
    made = plan(2, trials=2)
    keys = {
        (run_id, evaluation.position): made.request(evaluation, run_id).idempotency_key
        for run_id in ("RUN_1", "RUN_2")
        for evaluation in made.evaluations
    }
    assert len(set(keys.values())) == 8
    assert made.request(made.evaluations[0], "RUN_1").idempotency_key == keys["RUN_1", 0]


def test_run_ids_sort_by_time() -> None:
    early = new_run_id(datetime(2026, 1, 2, 3, 4, 5, 6000, UTC), b"\xff\xff\xff")
    late = new_run_id(datetime(2026, 1, 2, 3, 4, 5, 7000, UTC), b"\x00\x00\x00")
    assert early == "RUN_20260102T030405006Z_ffffff"
    assert early < late


def test_a_run_may_ask_more_or_fewer_trials_than_the_version_declares() -> None:
    more = plan(3, Scope(trials=4), trials=2)
    assert (more.trials, len(more.evaluations), more.version.trials) == (4, 12, 2)
    assert {evaluation.trial for evaluation in more.evaluations} == {1, 2, 3, 4}
    assert more.digest == plan(3, trials=4).digest
    assert more.digest != plan(3, trials=2).digest
    # A trial is the same question with the same seed, however many there are.
    assert {one.key for one in plan(3, trials=2).evaluations} < {one.key for one in more.evaluations}
