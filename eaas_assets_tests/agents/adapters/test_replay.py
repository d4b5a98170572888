from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from eaas_assets.agents.opening import open_agent
from eaas_assets.errors import AgentCallError, AgentTimeoutError, InputError
from eaas_assets_tests.agents import asking
from eaas_assets_tests.agents.asking import agent_version, ask_one, question

ANSWER = {"answer": {"outcome": "refund"}, "response_time_s": 1.5}
RECORDS: list[dict[str, Any]] = [
    {"scenario_id": "S001", "response": ANSWER},
    {"scenario_id": "S001", "trial": 2, "response": {"answer": {"outcome": "apology"}}},
    {"scenario_id": "S002", "error": {"code": "http_500", "message": "oh no"}},
    {"scenario_id": "S003", "error": {"code": "timeout", "seconds": 30}},
]


def record(root: Path, records: list[Any]) -> Path:
    folder = root / "recordings"
    folder.mkdir(exist_ok=True)
    (folder / "desk.jsonl").write_text("".join(json.dumps(item) + "\n" for item in records))
    return root


def version(**settings: Any) -> Any:
    return agent_version("replay", {"file": "recordings/desk.jsonl", **settings}, trials=2)


def test_the_recorded_answer_of_the_trial_comes_back(tmp_path: Path) -> None:
    root = record(tmp_path, RECORDS)
    assert ask_one(version(), question(number=1), root).content == ANSWER
    assert ask_one(version(), question(number=1, trial=2), root).content["answer"] == {"outcome": "apology"}


def test_recorded_failures_are_replayed_and_nothing_is_made_up(tmp_path: Path) -> None:
    root = record(tmp_path, RECORDS)
    for number, code, said in [(2, "http_500", "oh no"), (3, "timeout", "within 30 s"), (4, "not_recorded", "S004")]:
        with pytest.raises(AgentCallError, match=said) as caught:
            ask_one(version(), question(number=number), root)
        assert caught.value.code == code
        assert isinstance(caught.value, AgentTimeoutError) == (code == "timeout")


def test_a_run_reports_the_recorded_time_and_measures_nothing(tmp_path: Path) -> None:
    record(tmp_path, RECORDS)
    scenarios = asking.messages_as_scenarios(["S001", "S002", "S003"])
    rows = asking.run(tmp_path, version(), scenarios, tmp_path).executed
    assert rows["status"].tolist() == ["completed", "completed", "failed", "failed", "timeout", "failed"]
    assert rows["error_code"].tolist()[2:] == ["http_500", "not_recorded", "timeout", "not_recorded"]
    assert rows["reported_s"].tolist()[0] == 1.5
    assert rows["measured_s"].isna().tolist()[:2] == [True, True]


def test_recordings_can_be_in_their_own_words(tmp_path: Path) -> None:
    root = record(tmp_path, [{"scenario_id": "S001", "response": {"intent": "lost"}}])
    asked = version(response={"answer": {"issue_type": "intent"}})
    assert ask_one(asked, question(), root).content == {"answer": {"issue_type": "lost"}}


def test_replaying_an_answer_does_not_change_the_recording(tmp_path: Path) -> None:
    root = record(tmp_path, RECORDS)
    assert ask_one(version(), question(), root) == ask_one(version(), question(), root)


@pytest.mark.parametrize(
    ("records", "code", "row"),
    [
        ([RECORDS[0], RECORDS[0]], "duplicate_record", 2),
        ([{"scenario_id": "S001"}], "value_error", 1),
        ([{"scenario_id": "S001", "response": {}, "error": {"code": "x"}}], "value_error", 1),
        ([{"scenario_id": "S001", "error": {"code": "timeout"}}], "value_error", 1),
        ([{"scenario_id": "S001", "trial": 0, "response": {}}], "greater_than_equal", 1),
        ([RECORDS[0], {"trial": 1, "response": {}}], "missing", 2),
        ([RECORDS[0], [1]], "not_a_record", 2),
    ],
)
def test_faults_of_a_recording_are_told_by_line(tmp_path: Path, records: list[Any], code: str, row: int) -> None:
    with pytest.raises(InputError) as caught:
        open_agent(version(), record(tmp_path, records))
    (problem,) = caught.value.problems
    assert (problem.file, problem.code, problem.row) == ("recordings/desk.jsonl", code, row)


@pytest.mark.parametrize(
    ("file", "code"),
    [("missing.jsonl", "missing_file"), ("../x.jsonl", "outside_data_folder"), ("a.csv", "string_pattern_mismatch")],
)
def test_recordings_are_files_below_the_data_folder(tmp_path: Path, file: str, code: str) -> None:
    with pytest.raises(InputError) as caught:
        open_agent(version(file=file), tmp_path)
    assert caught.value.problems[0].code == code
