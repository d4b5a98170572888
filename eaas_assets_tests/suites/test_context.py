"""Context tables: declared columns are a contract, and a row that breaks it is left out with everything on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eaas_assets.errors import Problem
from eaas_assets.suites.reading import SuiteReading, read_suite
from eaas_assets_tests.worlds import (
    returns_scenarios,
    returns_suite,
    sample_world,
    small_world,
    write_records,
    write_suite,
    write_text,
)

FOLDER = "suites/returns_desk"
HEADER = "account_id,tier,balance,active,since\n"
GOOD = "A1,plus,12.5,true,2021-04-01\nA2,basic,0,false,2024-11-30\n"


def _problems(reading: SuiteReading, kind: str = "context") -> list[Problem]:
    return [problem for file in reading.files if file.kind == kind for problem in file.problems]


def _with_accounts(root: Path, rows: str) -> SuiteReading:
    small_world(root)
    write_text(root, f"{FOLDER}/accounts.csv", HEADER + rows)
    return read_suite(root, "returns_desk")


@pytest.mark.parametrize(
    ("row", "field", "found", "expected"),
    [
        ("A1,gold,1,true,2021-04-01", "tier", "'gold'", "one of: basic, plus"),
        ("A1,,1,true,2021-04-01", "tier", "nothing", "not nullable"),
        ("A1,plus,much,true,2021-04-01", "balance", "'much'", "a finite number"),
        ("A1,plus,-1,true,2021-04-01", "balance", "-1", "at least 0"),
        ("A1,plus,nan,true,2021-04-01", "balance", "'nan'", "a finite number"),
        ("A1,plus,1e999,true,2021-04-01", "balance", "inf", "a finite number"),
        ("A1,plus,1,yes,2021-04-01", "active", "'yes'", "true or false"),
        ("A1,plus,1,true,01/04/2021", "since", "'01/04/2021'", "a date (YYYY-MM-DD)"),
        ("A1,plus,1,true,2021-02-30", "since", "'2021-02-30'", "a date (YYYY-MM-DD)"),
        (",plus,1,true,2021-04-01", "account_id", "nothing", "not nullable"),
    ],
)
def test_row_that_breaks_the_declared_columns_is_left_out(
    tmp_path: Path, row: str, field: str, found: str, expected: str
) -> None:
    reading = _with_accounts(tmp_path, f"{row}\nA2,basic,0,false,2024-11-30\n")
    (problem,) = _problems(reading)
    assert (problem.file, problem.row, problem.field) == (f"{FOLDER}/accounts.csv", 2, field)
    assert problem.found == found
    assert expected in problem.expected
    # Its facts are not used: the scenarios that join it dangle, and say so.
    assert [scenario.scenario_id for scenario in reading.scenarios] == ["D2", "D4", "D6"]
    assert {problem.code for problem in _problems(reading, "scenarios")} == {"dangling_join"}


def test_every_fault_of_a_table_is_told_at_once(tmp_path: Path) -> None:
    reading = _with_accounts(tmp_path, "A1,gold,-1,maybe,never\n" + GOOD)
    assert [problem.field for problem in _problems(reading)] == ["tier", "balance", "active", "since"]
    assert len(reading.scenarios) == 6  # the second row of A1 is fine, and the first was left out


def test_second_row_of_a_key_is_refused_and_both_rows_are_named(tmp_path: Path) -> None:
    reading = _with_accounts(tmp_path, GOOD + "A1,basic,5,true,2021-04-01\n")
    (problem,) = _problems(reading)
    assert (problem.code, problem.row, problem.field) == ("duplicate_key", 4, "account_id")
    assert "row 2" in problem.expected
    assert reading.scenarios[0].context["accounts.tier"] == "plus"


def test_declared_column_that_the_file_does_not_have_makes_the_table_unusable(tmp_path: Path) -> None:
    small_world(tmp_path)
    write_text(tmp_path, f"{FOLDER}/accounts.csv", "account_id,balance,active,since\nA1,1,true,2021-04-01\n")
    reading = read_suite(tmp_path, "returns_desk")
    assert [(problem.code, problem.field) for problem in _problems(reading)] == [
        ("missing_column", "tier"),
        ("no_usable_row", None),
    ]


def test_columns_that_are_not_declared_are_passed_on_as_they_are(tmp_path: Path) -> None:
    small_world(tmp_path)
    text = "account_id,tier,balance,active,since,note\nA1,plus,1,true,2021-04-01,7\nA2,plus,1,true,2021-04-01,\n"
    write_text(tmp_path, f"{FOLDER}/accounts.csv", text)
    reading = read_suite(tmp_path, "returns_desk")
    assert [scenario.context["accounts.note"] for scenario in reading.scenarios[:2]] == ["7", None]


def test_lists_and_records_where_text_is_declared_are_told(tmp_path: Path) -> None:
    columns = {"tier": {"type": "string"}}
    context = [{"table": "accounts", "file": "accounts.json", "key": "account_id", "columns": columns}]
    tiers: dict[str, Any] = {"A1": ["plus"], "A2": {"a": 1}, "A3": "x"}
    rows = [{"account_id": key, "tier": tier} for key, tier in tiers.items()]
    write_suite(tmp_path, {**returns_suite(), "context": context}, returns_scenarios(), {"accounts": rows})
    reading = read_suite(tmp_path, "returns_desk")
    assert [(problem.row, problem.found) for problem in _problems(reading)] == [(1, "['plus']"), (2, "{'a': 1}")]


@pytest.mark.parametrize(
    ("column", "good", "bad"),
    [
        ({"type": "list"}, [[], ["a"], [1]], ["a", {}]),
        ({"type": "list", "one_of": ["a", "b"]}, [["a", "b"], []], [["a", "c"], [1]]),
        ({"type": "integer", "min": 0, "max": 3}, [0, 3, 2.0], [4, -1, 1.5, True, "1"]),
        ({"type": "number", "max": 0.5}, [0.5, -3], [0.6, "0.1", False]),
        ({"type": "boolean"}, [True, False], [1, "true"]),
        ({"type": "string", "nullable": True}, [None, "", "x"], [5, []]),
        ({"type": "date", "nullable": True}, ["2024-02-29", None], ["2023-02-29", "20240229", "2024-W01-1", 20240229]),
    ],
)
def test_column_types_take_their_values_and_no_others(
    tmp_path: Path, column: dict[str, Any], good: list[Any], bad: list[Any]
) -> None:
    context = [{"table": "facts", "file": "facts.json", "key": "k", "columns": {"v": column}}]
    declaration = {
        "suite": "one",
        "title": "One column",
        "scenarios": {"file": "rows.json"},
        "context": context,
        "expected": [{"field": "answer", "column": "want", "compare": "exact", "weight": 1}],
    }
    facts = [{"k": f"K{i}", "v": value} for i, value in enumerate([*good, *bad])]
    write_suite(tmp_path, declaration, [{"scenario_id": "a", "k": "K0", "want": 1}], {"facts": facts})
    reading = read_suite(tmp_path, "one")
    assert [row["v"] for row in reading.context["facts"]] == good
    assert {problem.row for problem in _problems(reading)} == set(range(len(good) + 1, len(facts) + 1))


def test_order_of_an_unknown_customer_is_left_out_with_everything_that_hangs_on_it(tmp_path: Path) -> None:
    sample_world(tmp_path)
    folder = tmp_path / "suites" / "customer_support"
    orders = (folder / "orders.json").read_text()
    (folder / "orders.json").write_text(orders.replace('"customer_id": "C003"', '"customer_id": "C999"'))
    reading = read_suite(tmp_path, "customer_support")
    problems = [
        (p.file.rpartition("/")[2], p.code, p.row, p.field, p.found) for file in reading.files for p in file.problems
    ]
    assert problems == [
        ("orders.json", "dangling_reference", 3, "customer_id", "'C999'"),
        ("logistics_api.json", "dangling_reference", 4, "order_id", "'O1003'"),
        ("journey_scenarios.json", "dangling_join", 3, "order_id", "'O1003'"),
        ("journey_scenarios.json", "dangling_join", 3, "order_id", "'O1003'"),
        ("journey_scenarios.json", "dangling_join", 10, "order_id", "'O1003'"),
        ("journey_scenarios.json", "dangling_join", 10, "order_id", "'O1003'"),
    ]
    assert len(reading.scenarios) == 8


def test_missing_customer_costs_the_scenarios_of_that_customer_only(tmp_path: Path) -> None:
    sample_world(tmp_path)
    folder = "suites/customer_support"
    write_records(
        tmp_path, f"{folder}/customers.json", read_suite(tmp_path, "customer_support").context["customers"][:4]
    )
    reading = read_suite(tmp_path, "customer_support")
    assert [s.scenario_id for s in reading.scenarios] == [f"S{i:03d}" for i in (1, 2, 3, 4, 6, 7, 8, 10)]
    assert "C005" in {problem.found.strip("'") for problem in _problems(reading, "scenarios")}


def test_tables_may_refer_to_each_other_in_circles(tmp_path: Path) -> None:
    tables = [
        {"table": "a", "file": "a.json", "key": "ka", "columns": {"b": {"type": "string", "references": "b"}}},
        {"table": "b", "file": "b.json", "key": "kb", "columns": {"a": {"type": "string", "references": "a"}}},
    ]
    declaration = {
        "suite": "circle",
        "title": "Circle",
        "scenarios": {"file": "rows.json"},
        "context": tables,
        "expected": [{"field": "answer", "column": "want", "compare": "exact", "weight": 1}],
    }
    rows_a = [{"ka": "1", "b": "1"}, {"ka": "2", "b": "2"}, {"ka": "3", "b": "3"}]
    rows_b = [{"kb": "1", "a": "1"}, {"kb": "2", "a": "9"}, {"kb": "3", "a": "2"}]
    scenarios = [{"scenario_id": f"s{i}", "ka": i, "kb": i, "want": 1} for i in "123"]
    write_suite(tmp_path, declaration, scenarios, {"a": rows_a, "b": rows_b})
    reading = read_suite(tmp_path, "circle")
    # b2 dangles, so a2 does, so b3 does, so a3 does.
    assert [row["ka"] for row in reading.context["a"]] == ["1"]
    assert [scenario.scenario_id for scenario in reading.scenarios] == ["s1"]
