from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from eaas_assets.contracts.agent import AgentRequest
from eaas_assets.errors import AgentCallError, StorageError
from eaas_assets.evaluation.execution.progress import Progress
from eaas_assets.evaluation.execution.runner import run_plan
from eaas_assets.storage.ledger import Ledger
from eaas_assets_tests.evaluation.execution.agents_for_tests import ScriptedAgent, echo, executed, plan, run_store


def quiet(_: Progress) -> None:
    """Nobody listens."""


def run(tmp_path: Path, agent: ScriptedAgent, count: int, **changes: Any) -> Any:
    store = run_store(tmp_path)
    made = plan(count, **changes)
    started = store.start(made)
    store.execute(started, agent, quiet)
    return executed(store, started.run_id)


def test_every_question_is_asked_once_and_its_answer_stored(tmp_path: Path) -> None:
    agent = ScriptedAgent(echo)
    rows = run(tmp_path, agent, 40)
    assert sorted(agent.asked) == rows["scenario_id"].tolist()
    assert rows["status"].tolist() == ["completed"] * 40
    assert rows["answer_json"].tolist()[7] == '{"text":"question 7"}'
    assert agent.closed


def test_a_ledger_that_fails_in_an_unforeseen_way_ends_the_run_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Ledger, records: object) -> None:
        raise MemoryError("no room")

    monkeypatch.setattr(Ledger, "put", broken)
    agent = ScriptedAgent(echo)
    with pytest.raises(StorageError, match="MemoryError: no room"):
        run(tmp_path, agent, 40, limits={"concurrency": 8})
    assert agent.closed
    assert len(agent.asked) == 8


def test_no_more_are_in_flight_than_the_limit_allows_and_the_limit_is_used(tmp_path: Path) -> None:
    agent = ScriptedAgent(echo, delay_s=0.01)
    run(tmp_path, agent, 40, limits={"concurrency": 6})
    assert agent.most_in_flight == 6


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (None, "invalid_answer"),
        ("<html>error</html>", "invalid_answer"),
        ([], "invalid_answer"),
        ({"answer": {"a": float("nan")}}, "invalid_answer"),
        ({"answer": {"a": "\ud800"}}, "invalid_answer"),
        ({"answer": {"a": object()}}, "invalid_answer"),
        ({"answer": {}, "confidence": 1.5}, "invalid_answer"),
        ({"answer": {}, "confidence": "0.5"}, "invalid_answer"),
        ({"answer": {}, "steps": [{"agent": 3}]}, "invalid_answer"),
        ({"answer": {}, "steps": "none"}, "invalid_answer"),
        ({"answer": {"a": "x" * 2_000_000}}, "answer_too_large"),
    ],
)
def test_a_bad_answer_fails_its_evaluation_and_not_the_run(tmp_path: Path, content: Any, code: str) -> None:
    agent = ScriptedAgent(lambda request: content if request.scenario_id == "S00001" else echo(request))
    rows = run(tmp_path, agent, 3)
    assert rows["status"].tolist() == ["completed", "failed", "completed"]
    assert rows["error_code"].tolist()[1] == code
    assert rows["error"].str.len().max() < 1000


def test_an_agent_that_fails_or_is_late_is_recorded_as_such(tmp_path: Path) -> None:
    def script(request: AgentRequest) -> Any:
        if request.scenario_id == "S00000":
            raise AgentCallError("refused", "the agent is not there")
        return echo(request)

    class Late(ScriptedAgent):
        async def answer(self, request: AgentRequest) -> Any:
            if request.scenario_id == "S00001":
                await asyncio.sleep(30)
            return await super().answer(request)

    rows = run(tmp_path, Late(script), 3, limits={"timeout_s": 0.2})
    assert rows["status"].tolist() == ["failed", "timeout", "completed"]
    assert rows["error_code"].tolist()[:2] == ["refused", "timeout"]
    assert 0.2 <= rows["measured_s"].tolist()[1] < 1.2


def test_simulated_measured_and_reported_times_are_told_apart(tmp_path: Path) -> None:
    from eaas_assets.agents.protocol import Answer

    def script(request: AgentRequest) -> Any:
        if request.scenario_id == "S00000":
            return Answer({"answer": {}}, simulated_s=1.5)
        return {"answer": {}, "response_time_s": 0.25}

    rows = run(tmp_path, ScriptedAgent(script), 2)
    assert rows["simulated_s"].tolist()[0] == 1.5
    assert rows["measured_s"].isna().tolist() == [True, False]
    assert rows["reported_s"].tolist()[1] == 0.25


def test_a_simulated_agent_can_time_out(tmp_path: Path) -> None:
    from eaas_assets.agents.protocol import Answer

    agent = ScriptedAgent(lambda _: Answer({"answer": {}}, simulated_s=31.0))
    assert run(tmp_path, agent, 1)["status"].tolist() == ["timeout"]


def test_a_bug_in_an_adapter_stops_the_run_loudly_and_keeps_what_was_done(tmp_path: Path) -> None:
    def script(request: AgentRequest) -> Any:
        if request.scenario_id == "S00005":
            raise ZeroDivisionError
        return echo(request)

    made = plan(10, limits={"concurrency": 1})
    ledger = Ledger(tmp_path / "ledger.sqlite", made.digest)
    with pytest.raises(ZeroDivisionError):
        run_plan(made, "RUN_1", ScriptedAgent(script), ledger, quiet)
    assert ledger.positions() == {0, 1, 2, 3, 4}


def test_a_full_disk_is_a_storage_error_and_what_was_stored_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = plan(10, limits={"concurrency": 2})
    ledger = Ledger(tmp_path / "ledger.sqlite", made.digest)
    put = ledger.put

    def until_full(records: Any) -> None:
        if ledger.count() >= 4:
            raise StorageError("database or disk is full")
        put(records)

    monkeypatch.setattr(ledger, "put", until_full)
    with pytest.raises(StorageError, match="full"):
        run_plan(made, "RUN_1", ScriptedAgent(echo), ledger, quiet)
    assert 4 <= ledger.count() < 10


def test_progress_says_done_total_rate_elapsed_and_time_left(tmp_path: Path) -> None:
    told: list[Progress] = []
    made = plan(4)
    with Ledger(tmp_path / "ledger.sqlite", made.digest) as ledger:
        run_plan(made, "RUN_1", ScriptedAgent(echo), ledger, told.append)
    assert (told[0].done, told[0].rate, told[0].left_s) == (0, None, None)
    assert (told[-1].done, told[-1].total, told[-1].left_s) == (4, 4, 0.0)
    assert "4 of 4 evaluations (100 %)" in str(told[-1])


def test_slow_storage_does_not_count_as_response_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan(6, limits={"concurrency": 2})
    ledger = Ledger(tmp_path / "ledger.sqlite", made.digest)
    put = ledger.put

    def slow_put(records: Any) -> None:
        time.sleep(0.1)
        put(records)

    monkeypatch.setattr(ledger, "put", slow_put)
    run_plan(made, "RUN_1", ScriptedAgent(echo), ledger, quiet)
    from eaas_assets.evaluation.execution.outcomes import from_record

    assert max(from_record(record)["measured_s"] for _, record in ledger.records()) < 0.1


def test_a_spent_budget_stops_the_run_keeps_what_is_done_and_marks_the_rest_not_run(tmp_path: Path) -> None:
    def script(request: AgentRequest) -> Any:
        return echo(request) | {"usage": {"cost_usd": 0.1}}

    agent = ScriptedAgent(script)
    rows = run(tmp_path, agent, 20, limits={"concurrency": 1, "budget_usd": 0.3})
    assert rows["status"].tolist() == ["completed"] * 3 + ["not_run"] * 17
    assert len(agent.asked) == 3
    assert rows["error_code"].tolist()[3] == "budget_spent"


def test_a_budget_counts_what_was_spent_before_the_run_was_interrupted(tmp_path: Path) -> None:
    def script(request: AgentRequest) -> Any:
        if request.scenario_id == "S00002":
            raise KeyboardInterrupt
        return echo(request) | {"usage": {"input_tokens": 50, "output_tokens": 50}}

    limits = {"concurrency": 1, "budget_tokens": 300}
    store, made = run_store(tmp_path), plan(20, limits=limits)
    with pytest.raises(KeyboardInterrupt):
        store.execute(store.start(made), ScriptedAgent(script), quiet)
    agent = ScriptedAgent(lambda request: echo(request) | {"usage": {"input_tokens": 100}})
    again = store.start(plan(20, limits=limits))
    sealed = store.execute(again, agent, quiet)
    assert (len(agent.asked), sealed.evaluations, sealed.not_run) == (1, 20, 17)


def test_a_budget_does_not_bind_an_agent_whose_costs_are_unknown(tmp_path: Path) -> None:
    rows = run(tmp_path, ScriptedAgent(echo), 20, limits={"budget_usd": 0.01})
    assert set(rows["status"]) == {"completed"}


def test_the_time_for_which_this_system_was_held_up_stands_beside_the_measured_time(tmp_path: Path) -> None:
    class Rude(ScriptedAgent):
        async def answer(self, request: AgentRequest) -> Any:
            await asyncio.sleep(0.03)
            if request.scenario_id == "S00000":
                time.sleep(0.3)  # holds up the loop for everybody
            await asyncio.sleep(0.03)
            return await super().answer(request)

    rows = run(tmp_path, Rude(echo), 2, limits={"concurrency": 2})
    assert rows["loop_lag_s"].min() > 0.2
    quick = run(tmp_path / "quick", ScriptedAgent(echo, delay_s=0.1), 2)
    assert quick["loop_lag_s"].max() < 0.2


def test_an_adapters_own_clock_and_attempts_are_kept(tmp_path: Path) -> None:
    from eaas_assets.agents.protocol import Answer

    def script(request: AgentRequest) -> Any:
        if request.scenario_id == "S00000":
            return Answer({"answer": {}}, measured_s=0.25, attempts=3)
        return Answer({"answer": {}}, timed=False)

    rows = run(tmp_path, ScriptedAgent(script, delay_s=0.01), 2)
    assert rows["measured_s"].tolist()[0] == 0.25
    assert rows["attempts"].tolist() == [3, 1]
    assert rows["measured_s"].isna().tolist() == [False, True]


def test_waiting_for_an_agents_rate_is_no_response_time(tmp_path: Path) -> None:
    class Paced(ScriptedAgent):
        async def ready(self) -> None:
            await asyncio.sleep(0.2)

    rows = run(tmp_path, Paced(echo), 3, limits={"timeout_s": 0.1, "concurrency": 1})
    assert rows["status"].tolist() == ["completed"] * 3
    assert rows["measured_s"].max() < 0.1
