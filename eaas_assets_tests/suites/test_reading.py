"""Reading suites: every fault is told with file, row, field, found and expected, and the rest still runs."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from eaas_assets.errors import InputError, Problem
from eaas_assets.storage.files import MIB, canonical_json, digest
from eaas_assets.suites.reading import SuiteReading, read_suite, read_suites
from eaas_assets_tests.worlds import (
    SAMPLE_DATA,
    large_world,
    returns_accounts,
    returns_scenarios,
    returns_suite,
    small_world,
    write_records,
    write_suite,
    write_text,
    write_yaml,
)

FOLDER = "suites/returns_desk"


def _problems(reading: SuiteReading) -> list[Problem]:
    return [problem for file in reading.files for problem in file.problems]


def _ids(reading: SuiteReading) -> list[str]:
    return [scenario.scenario_id for scenario in reading.scenarios]


def _with_scenarios(root: Path, change: Callable[[list[dict[str, Any]]], None], ending: str = "json") -> SuiteReading:
    """The small suite after ``change`` of its scenario rows."""
    small_world(root, ending)
    rows = returns_scenarios()
    change(rows)
    write_records(root, f"{FOLDER}/scenarios.{ending}", rows)
    return read_suite(root, "returns_desk")


def _with_declaration(root: Path, **changes: Any) -> SuiteReading:
    small_world(root, **changes)
    return read_suite(root, "returns_desk")


# -- what is read -------------------------------------------------------------------------------------------------


def test_sample_suites_are_read_without_a_problem() -> None:
    readings = read_suites(SAMPLE_DATA)
    assert {reading.name: len(reading.scenarios) for reading in readings} == {
        "customer_support": 10,
        "ticket_routing": 24,
    }
    assert [_problems(reading) for reading in readings] == [[], []]
    support = readings[0]
    assert {table: len(rows) for table, rows in support.context.items()} == {
        "customers": 5,
        "orders": 5,
        "logistics": 5,
        "marketing_signals": 5,
    }
    assert {file.kind: file.outcome for file in support.files} == {
        "suite": "ok",
        "catalogue": "ok",
        "context": "ok",
        "scenarios": "ok",
    }


def test_scenario_carries_its_joined_facts_segments_and_expectations() -> None:
    scenario = read_suite(SAMPLE_DATA, "customer_support").scenarios[7]
    assert (scenario.scenario_id, scenario.risk, scenario.severity, scenario.row) == ("S008", "high", 1, 8)
    assert scenario.segments == {"journey": "delay", "loyalty_tier": "gold", "carrier": "DHL"}
    assert scenario.context["customers.churn_risk"] == 0.35
    assert scenario.context["logistics.delay_reason"] == "warehouse_processing"
    assert scenario.context["marketing_signals.nps_history"] == [4, 5, 6]
    assert scenario.expected["resolution_path"] == [
        "shipping_update_agent",
        "apology_message_agent",
        "escalation_agent",
    ]


def test_agent_sees_no_expected_value_and_no_undeclared_column() -> None:
    for reading in read_suites(SAMPLE_DATA):
        assert reading.suite is not None
        hidden = {field.column for field in reading.suite.expected} | {"risk", "severity"}
        for scenario in reading.scenarios:
            assert not hidden & scenario.context.keys()


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv", "parquet"])
def test_every_format_gives_the_same_scenarios(tmp_path: Path, ending: str) -> None:
    small_world(tmp_path, ending)
    reading = read_suite(tmp_path, "returns_desk")
    assert _problems(reading) == []
    fourth = reading.scenarios[3]
    assert fourth.expected == {"decision": "approve", "refund": 80, "steps": ["cashier"]}
    assert fourth.context == {
        "accounts.account_id": "A2",
        "accounts.tier": "basic",
        "accounts.balance": 0,
        "accounts.active": False,
        "accounts.since": "2024-11-30",
        "channel": "chat",
    }
    assert (fourth.risk, fourth.severity, fourth.segments) == ("high", 1, {"channel": "chat", "tier": "basic"})
    # The digest must not depend on the format in which a scenario is stored.
    assert (
        fourth.inputs_digest == read_suite(small_world(tmp_path / "again"), "returns_desk").scenarios[3].inputs_digest
    )


def test_inputs_digest_is_the_hash_of_what_the_agent_sees(tmp_path: Path) -> None:
    scenario = read_suite(small_world(tmp_path), "returns_desk").scenarios[0]
    seen = {"scenario_id": scenario.scenario_id, "message": scenario.message, "context": scenario.context}
    assert scenario.inputs_digest == digest(canonical_json(seen))


def test_inputs_digest_follows_the_facts_but_not_the_expected_values(tmp_path: Path) -> None:
    before = read_suite(small_world(tmp_path), "returns_desk").scenarios

    def expect_something_else(rows: list[dict[str, Any]]) -> None:
        rows[0] |= {"want_decision": "decline", "risk": "high", "severity": 1}

    after = _with_scenarios(tmp_path, expect_something_else).scenarios
    assert [s.inputs_digest for s in after] == [s.inputs_digest for s in before]
    accounts = returns_accounts()
    accounts[0]["balance"] = 99
    write_records(tmp_path, f"{FOLDER}/accounts.csv", accounts)
    changed = read_suite(tmp_path, "returns_desk").scenarios
    assert [old.inputs_digest != new.inputs_digest for old, new in zip(after, changed, strict=True)] == [
        True, False, True, False, True, False,
    ]  # fmt: skip


def test_suite_without_message_context_or_path_is_read(tmp_path: Path) -> None:
    declaration = {
        "suite": "sums",
        "title": "Sums",
        "scenarios": {"file": "sums.csv", "id": "number", "inputs": ["a", "b"]},
        "expected": [{"field": "total", "column": "total", "compare": "number", "weight": 1}],
    }
    write_suite(tmp_path, declaration, [{"number": "N1", "a": 1, "b": 2, "total": 3}])
    (scenario,) = read_suite(tmp_path, "sums").scenarios
    assert (scenario.message, scenario.context, scenario.expected) == ("", {"a": "1", "b": "2"}, {"total": 3})


def test_twenty_thousand_scenarios_are_read_in_seconds(tmp_path: Path) -> None:
    large_world(tmp_path, 20_000)
    started = time.process_time()
    assert len(read_suite(tmp_path, "paper_desk").scenarios) == 20_000
    assert time.process_time() - started < 4


# -- whole files --------------------------------------------------------------------------------------------------


def test_world_without_suites_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        read_suites(tmp_path)
    assert error.value.problems[0].code == "missing_folder"


def test_hidden_folders_and_loose_files_are_no_suites(tmp_path: Path) -> None:
    small_world(tmp_path)
    write_text(tmp_path, "suites/README.md", "hello")
    write_text(tmp_path, "suites/.cache/x", "x")
    assert [reading.name for reading in read_suites(tmp_path)] == ["returns_desk"]


def test_bad_suite_does_not_stop_the_others(tmp_path: Path) -> None:
    small_world(tmp_path)
    write_text(tmp_path, "suites/broken/suite.yaml", "suite: [")
    (tmp_path / "suites" / "empty").mkdir()
    readings = {reading.name: reading for reading in read_suites(tmp_path)}
    assert [(name, reading.usable) for name, reading in readings.items()] == [
        ("broken", False),
        ("empty", False),
        ("returns_desk", True),
    ]
    assert [problem.code for problem in _problems(readings["broken"])] == ["not_yaml"]
    assert [problem.code for problem in _problems(readings["empty"])] == ["missing_file"]


@pytest.mark.parametrize("name", ["../returns_desk", "x" * 300, "a b", "nul\x00", "", ".", "\udcff"])
def test_unsafe_folder_name_is_refused(tmp_path: Path, name: str) -> None:
    small_world(tmp_path)
    reading = read_suite(tmp_path, name)
    (problem,) = _problems(reading)
    assert (reading.usable, problem.code) == (False, "unsafe_name")
    problem.file.encode()  # can be shown and stored


def test_unsafe_folder_on_the_disk_is_reported_beside_the_others(tmp_path: Path) -> None:
    small_world(tmp_path)
    (tmp_path / "suites" / "with space").mkdir()
    (tmp_path / "suites" / os.fsdecode(b"latin\xe9")).mkdir()
    codes = [[problem.code for problem in _problems(reading)] for reading in read_suites(tmp_path)]
    assert codes == [["unsafe_name"], [], ["unsafe_name"]]


def test_suite_must_be_called_as_its_folder(tmp_path: Path) -> None:
    small_world(tmp_path)
    (tmp_path / FOLDER).rename(tmp_path / "suites" / "other")
    (problem,) = _problems(read_suite(tmp_path, "other"))
    assert (problem.code, problem.field) == ("name_mismatch", "suite")


def test_missing_scenario_file_leaves_the_suite_unusable_and_the_rest_read(tmp_path: Path) -> None:
    small_world(tmp_path)
    (tmp_path / FOLDER / "scenarios.json").unlink()
    reading = read_suite(tmp_path, "returns_desk")
    assert not reading.usable
    assert len(reading.context["accounts"]) == 2
    assert [problem.code for problem in _problems(reading)] == ["missing_file"]


@pytest.mark.parametrize(("ending", "content"), [("json", "[]"), ("jsonl", ""), ("csv", "scenario_id,text\n")])
def test_empty_suite_is_unusable_and_says_so(tmp_path: Path, ending: str, content: str) -> None:
    small_world(tmp_path, ending)
    write_text(tmp_path, f"{FOLDER}/scenarios.{ending}", content)
    reading = read_suite(tmp_path, "returns_desk")
    assert not reading.usable
    assert _problems(reading)[-1].code == "no_usable_scenario"
    assert reading.files[-1].outcome == "failed"


def test_missing_context_file_is_told_once_and_not_per_scenario(tmp_path: Path) -> None:
    small_world(tmp_path)
    (tmp_path / FOLDER / "accounts.csv").unlink()
    reading = read_suite(tmp_path, "returns_desk")
    assert [problem.code for problem in _problems(reading)] == [
        "missing_file",
        "no_usable_row",
        "context_unusable",
        "no_usable_scenario",
    ]


@pytest.mark.parametrize("ending", ["json", "jsonl", "csv"])
def test_file_that_is_not_utf8_is_told(tmp_path: Path, ending: str) -> None:
    small_world(tmp_path, ending)
    path = tmp_path / FOLDER / f"scenarios.{ending}"
    path.write_bytes(path.read_bytes().replace(b"kettle", b"k\xe9ttle"))
    reading = read_suite(tmp_path, "returns_desk")
    assert "not_utf8" in [problem.code for problem in _problems(reading)]
    # Where lines are records, one bad line costs one scenario.
    assert len(reading.scenarios) == (5 if ending == "jsonl" else 0)


def test_scenario_file_of_100_mb_is_refused_unread(tmp_path: Path) -> None:
    small_world(tmp_path)
    with (tmp_path / FOLDER / "scenarios.json").open("wb") as handle:
        handle.truncate(100 * MIB)
    reading = read_suite(tmp_path, "returns_desk")
    assert [problem.code for problem in _problems(reading)] == ["file_too_large"]


def test_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    small_world(tmp_path)
    path = tmp_path / FOLDER / "scenarios.json"
    path.unlink()
    os.mkfifo(path)
    assert [problem.code for problem in _problems(read_suite(tmp_path, "returns_desk"))] == ["not_a_file"]


# -- the declaration ----------------------------------------------------------------------------------------------


def _expected(**changes: Any) -> list[dict[str, Any]]:
    fields: list[dict[str, Any]] = returns_suite()["expected"]
    return [{**fields[0], **changes}, *fields[1:]]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"colour": "blue"}, "extra_forbidden", "colour"),
        ({"title": 5}, "string_type", "title"),
        ({"title": None}, "string_type", "title"),
        ({"suite": "a/b"}, "string_pattern_mismatch", "suite"),
        ({"expected": []}, "too_short", "expected"),
        ({"expected": _expected(weight=0.6)}, "value_error", None),
        ({"expected": _expected(weight="0.5")}, "float_type", "expected.0.weight"),
        ({"expected": _expected(compare="fuzzy")}, "literal_error", "expected.0.compare"),
        ({"expected": _expected(role="path")}, "value_error", "expected.0"),
        ({"expected": _expected(field="refund")}, "value_error", None),
        ({"expected": _expected(column="channel")}, "value_error", None),
        ({"scenarios": {"id": "x"}}, "missing", "scenarios.file"),
        ({"scenarios": {"file": "../../other.json"}}, "string_pattern_mismatch", "scenarios.file"),
        ({"scenarios": {"file": "/etc/passwd"}}, "string_pattern_mismatch", "scenarios.file"),
    ],
)
def test_declaration_with_a_fault_is_refused(
    tmp_path: Path, changes: dict[str, Any], code: str, field: str | None
) -> None:
    declaration = {**returns_suite(), **changes}
    write_yaml(tmp_path, f"{FOLDER}/suite.yaml", declaration)
    problems = _problems(read_suite(tmp_path, "returns_desk"))
    assert (code, field) in [(problem.code, problem.field) for problem in problems]
    assert all(problem.found and problem.expected and problem.row for problem in problems)


def test_weights_that_do_not_sum_to_one_are_told_with_their_sum(tmp_path: Path) -> None:
    (problem,) = _problems(_with_declaration(tmp_path, expected=_expected(weight=0.6)))
    assert "0.6 + 0.2 + 0.3 = 1.1" in problem.expected


@pytest.mark.parametrize(
    ("text", "code", "shown"),
    [
        ("title: 1.10", "string_type", "1.10"),
        ("title: NO", "ambiguous_yaml", "NO"),
        ("title: a\ntitle: b", "duplicate_key", "title"),
        ("title: &a [x]\nowner: *a", "yaml_alias", "*a"),
        ("title: " + "[" * 60 + "]" * 60, "too_deep", "40"),
    ],
)
def test_yaml_traps_in_a_declaration_are_told(tmp_path: Path, text: str, code: str, shown: str) -> None:
    small_world(tmp_path)
    path = tmp_path / FOLDER / "suite.yaml"
    path.write_text(path.read_text().replace("title: Returns desk", text))
    (problem, *_) = _problems(read_suite(tmp_path, "returns_desk"))
    assert problem.code == code
    assert shown in problem.found


@pytest.mark.parametrize(
    "column",
    [
        {"type": "string", "min": 1},
        {"type": "number", "min": 2, "max": 1},
        {"type": "boolean", "one_of": ["true"]},
        {"type": "string", "references": "nowhere"},
        {"type": "text"},
    ],
)
def test_column_contract_must_make_sense(tmp_path: Path, column: dict[str, Any]) -> None:
    context = returns_suite()["context"]
    context[0]["columns"]["tier"] = column
    reading = _with_declaration(tmp_path, context=context)
    assert reading.suite is None
    assert _problems(reading)


# -- rows of the scenario file ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        ({"scenario_id": None}, "missing_value", "scenario_id"),
        ({"scenario_id": 7}, "bad_id", "scenario_id"),
        ({"scenario_id": "../x"}, "bad_id", "scenario_id"),
        ({"scenario_id": "x" * 300}, "bad_id", "scenario_id"),
        ({"scenario_id": "nul\x00"}, "bad_id", "scenario_id"),
        ({"scenario_id": "D2\n"}, "bad_id", "scenario_id"),
        ({"text": None}, "missing_value", "text"),
        ({"text": "  "}, "missing_value", "text"),
        ({"text": 5}, "bad_value", "text"),
        ({"text": "ü" * 33_000}, "too_long", "text"),
        ({"risk": "High"}, "bad_value", "risk"),
        ({"risk": 1}, "bad_value", "risk"),
        ({"severity": 0}, "bad_value", "severity"),
        ({"severity": "2"}, "bad_value", "severity"),
        ({"severity": 1.5}, "bad_value", "severity"),
        ({"severity": True}, "bad_value", "severity"),
        ({"account_id": "A9"}, "dangling_join", "account_id"),
        ({"account_id": ["A1"]}, "dangling_join", "account_id"),
        ({"want_decision": None}, "missing_value", "want_decision"),
        ({"want_refund": "12"}, "bad_expected_value", "want_refund"),
        ({"want_refund": True}, "bad_expected_value", "want_refund"),
        ({"want_steps": "checker"}, "bad_expected_value", "want_steps"),
        ({"want_steps": [["checker"]]}, "bad_expected_value", "want_steps"),
        ({"want_steps": [None]}, "bad_expected_value", "want_steps"),
    ],
)
def test_scenario_with_a_fault_is_left_out_and_the_others_run(
    tmp_path: Path, change: dict[str, Any], code: str, field: str
) -> None:
    reading = _with_scenarios(tmp_path, lambda rows: rows[1].update(change))
    assert _ids(reading) == ["D1", "D3", "D4", "D5", "D6"]
    (problem,) = _problems(reading)
    assert (problem.file, problem.row, problem.field, problem.code) == (f"{FOLDER}/scenarios.json", 2, field, code)
    assert problem.found
    assert problem.expected
    assert reading.files[-1].outcome == "partly"
    assert reading.files[-1].rows_read == 5


def test_every_fault_of_a_scenario_is_told(tmp_path: Path) -> None:
    def spoil(rows: list[dict[str, Any]]) -> None:
        rows[0] |= {
            "scenario_id": "!",
            "text": None,
            "risk": "?",
            "severity": -1,
            "want_refund": [],
            "account_id": "A9",
        }

    codes = [problem.code for problem in _problems(_with_scenarios(tmp_path, spoil))]
    assert sorted(codes) == [
        "bad_expected_value", "bad_id", "bad_value", "bad_value", "dangling_join", "missing_value",
    ]  # fmt: skip


def test_second_scenario_of_an_id_is_refused_and_both_rows_are_named(tmp_path: Path) -> None:
    reading = _with_scenarios(tmp_path, lambda rows: rows[4].update(scenario_id="D2"))
    assert _ids(reading) == ["D1", "D2", "D3", "D4", "D6"]
    assert reading.scenarios[1].row == 2
    (problem,) = _problems(reading)
    assert (problem.code, problem.row, problem.found) == ("duplicate_id", 5, "'D2' again")
    assert "row 2" in problem.expected


@pytest.mark.parametrize(
    "column", ["scenario_id", "text", "account_id", "want_decision", "risk", "severity", "channel"]
)
def test_declared_column_that_no_row_has_is_told_once(tmp_path: Path, column: str) -> None:
    def drop(rows: list[dict[str, Any]]) -> None:
        for row in rows:
            del row[column]

    reading = _with_scenarios(tmp_path, drop)
    assert not reading.usable
    assert [(problem.code, problem.field) for problem in _problems(reading)] == [
        ("missing_column", column),
        ("no_usable_scenario", None),
    ]


def test_segment_of_an_unknown_context_column_is_told(tmp_path: Path) -> None:
    declared = returns_suite()["scenarios"] | {"segments": {"colour": "accounts.colour"}}
    problems = _problems(_with_declaration(tmp_path, scenarios=declared))
    assert (problems[0].code, problems[0].field) == ("missing_column", "accounts.colour")


def test_scenario_may_say_that_it_has_no_record_to_join(tmp_path: Path) -> None:
    reading = _with_scenarios(tmp_path, lambda rows: rows[0].update(account_id=None))
    assert _problems(reading) == []
    assert reading.scenarios[0].context == {"channel": "chat"}
    assert reading.scenarios[0].segments == {"channel": "chat", "tier": None}


def test_scenario_that_forgets_its_key_is_left_out(tmp_path: Path) -> None:
    def forget(rows: list[dict[str, Any]]) -> None:
        del rows[0]["account_id"]

    (problem,) = _problems(_with_scenarios(tmp_path, forget))
    assert (problem.code, problem.row, problem.field) == ("missing_value", 1, "account_id")


def test_integer_keys_join_text_keys(tmp_path: Path) -> None:
    small_world(tmp_path)
    rows = [row | {"account_id": 1 if row["account_id"] == "A1" else 2} for row in returns_scenarios()]
    write_records(tmp_path, f"{FOLDER}/scenarios.json", rows)
    accounts = [row | {"account_id": row["account_id"][1]} for row in returns_accounts()]
    write_records(tmp_path, f"{FOLDER}/accounts.csv", accounts)
    reading = read_suite(tmp_path, "returns_desk")
    assert _problems(reading) == []
    assert reading.scenarios[1].context["accounts.account_id"] == "2"


@pytest.mark.parametrize(
    "line", ['{"scenario_id": "D9", "want_refund": NaN}', '{"scenario_id": "\\ud800"}', '{"a": 1, "a": 2}', "[1]", "{"]
)
def test_line_that_is_no_record_costs_itself_only(tmp_path: Path, line: str) -> None:
    small_world(tmp_path, "jsonl")
    path = tmp_path / FOLDER / "scenarios.jsonl"
    path.write_text(line + "\n" + path.read_text())
    reading = read_suite(tmp_path, "returns_desk")
    assert len(reading.scenarios) == 6
    (problem,) = _problems(reading)
    assert problem.row == 1


# -- expected values by comparison --------------------------------------------------------------------------------

_SCHEMA = {"type": "object", "required": ["total"]}


@pytest.mark.parametrize("ending", ["json", "csv"])
@pytest.mark.parametrize(
    ("compare", "good", "bad"),
    [
        ("sequence", ["a", "b"], 5),
        ("set", ["a", 1, True], [{"a": 1}]),
        ("subset", [], [["a"]]),
        ("number", -2.5, "many"),
        ("regex", r"refund(ed)? \d+", "(unclosed"),
        ("regex", "plain", r"(a)\1"),
        ("json_schema", _SCHEMA, {"type": "objekt"}),
        ("json_schema", _SCHEMA, "{"),
        ("similarity", "We are sorry.", 5),
    ],
)
def test_expected_value_must_suit_its_comparison(
    tmp_path: Path, ending: str, compare: str, good: Any, bad: Any
) -> None:
    declaration = {
        "suite": "one",
        "title": "One field",
        "scenarios": {"file": f"rows.{ending}"},
        "expected": [{"field": "answer", "column": "want", "compare": compare, "weight": 1}],
    }
    write_suite(tmp_path, declaration, [{"scenario_id": "good", "want": good}, {"scenario_id": "bad", "want": bad}])
    reading = read_suite(tmp_path, "one")
    assert reading.scenarios[0].expected == {"answer": good}
    if ending == "csv" and compare in {"similarity", "sequence"}:
        assert reading.scenarios[1].expected["answer"] in ("5", ["5"])  # cells are text: nothing is wrong with it
        return
    assert _ids(reading) == ["good"]
    (problem,) = _problems(reading)
    assert (problem.code, problem.field, problem.row) == ("bad_expected_value", "want", 2 if ending == "json" else 3)


def test_list_cells_are_json_arrays_or_separated_by_semicolons(tmp_path: Path) -> None:
    rows = [{"scenario_id": "a", "want": '["x", "y"]'}, {"scenario_id": "b", "want": "x; y;"}]
    rows.append({"scenario_id": "c", "want": "[x"})
    declaration = {
        "suite": "one",
        "title": "Lists",
        "scenarios": {"file": "rows.csv"},
        "expected": [{"field": "answer", "column": "want", "compare": "set", "weight": 1}],
    }
    write_suite(tmp_path, declaration, rows)
    reading = read_suite(tmp_path, "one")
    assert [scenario.expected["answer"] for scenario in reading.scenarios] == [["x", "y"], ["x", "y"]]
    assert [problem.row for problem in _problems(reading)] == [4]


def test_same_bad_world_gives_the_same_problems(tmp_path: Path) -> None:
    def spoil(rows: list[dict[str, Any]]) -> None:
        rows[0]["risk"], rows[3]["scenario_id"] = "?", "D1"

    first = _problems(_with_scenarios(tmp_path, spoil))
    assert [json.dumps(problem.as_row()) for problem in first] == [
        json.dumps(problem.as_row()) for problem in _problems(read_suite(tmp_path, "returns_desk"))
    ]
