"""Expected values within the agent's sight, told by how certain the leak is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from eaas_assets.suites.audit import audit_suite
from eaas_assets.suites.audit.leaks import leaked_expected_values
from eaas_assets.suites.reading import read_suite
from eaas_assets_tests.suites.audit.readings import reading_of
from eaas_assets_tests.worlds import sample_world, small_world, write_records


def _found(rows: list[dict[str, Any]], **more: Any) -> list[tuple[str, str]]:
    return [(finding.subject, finding.severity) for finding in leaked_expected_values(reading_of(rows, **more))]


@pytest.mark.parametrize(
    ("message", "label", "severity"),
    [
        ("Type: delivery_delay. My parcel is late.", "delivery_delay", "error"),
        ("type=DELIVERY_DELAY", "delivery_delay", "error"),
        ("There is a delivery delay again.", "delivery_delay", "warning"),
        ("Answer: please restart the router", "please restart the router", "warning"),
    ],
)
def test_label_in_the_message_is_told_by_certainty(message: str, label: str, severity: str) -> None:
    assert _found([{"message": message, "label": label}]) == [("label in message", severity)]


@pytest.mark.parametrize(
    ("message", "label"),
    [
        ("I ask our sales team for help.", "sales"),  # an ordinary word
        ("It costs 12 or 15 euros, is that true?", 12),
        ("It costs 12 or 15 euros, is that true?", True),
        ("My warehouse_delay_update came.", "warehouse_delay"),  # part of a longer name
        ("The deliverydelay was long.", "delivery_delay"),
        ("It is on me.", "on_me"),
        ("Where is order O1001?", "O1001"),  # to be read off the message
    ],
)
def test_ordinary_language_is_no_leak(message: str, label: Any) -> None:
    assert _found([{"message": message, "label": label}]) == []


def test_items_of_expected_lists_are_looked_for_too() -> None:
    rows = [{"message": "call refund_agent and be quick", "path": ["refund_agent", "checker"]}]
    assert _found(rows, compare={"path": "sequence"}) == [("path in message", "error")]


def test_label_inside_a_list_of_facts_is_a_warning() -> None:
    rows = [{"message": "m", "context": {"t.tags": ["new", "lost_parcel"]}, "label": "lost_parcel"}]
    assert _found(rows) == [("label in t.tags", "warning")]


def _repeated(values: list[Any], name: str = "hint", kind: str = "inputs", **more: Any) -> list[tuple[str, str]]:
    rows = [{"message": f"m{i}", kind: {name: value}, "label": value} for i, value in enumerate(values)]
    return _found(rows, **more)


def test_input_that_repeats_the_expected_value_is_an_error() -> None:
    assert _repeated(["a", "b", "a", "b", "a"]) == [("label in hint", "error")]
    assert _repeated([1, 2, 3, 4, 2], compare={"label": "number"}) == [("label in hint", "error")]


def test_fact_that_repeats_the_expected_value_may_be_there_to_be_looked_up() -> None:
    assert _repeated(["a", "b", "a", "b", "a"], "t.state", "context") == [("label in t.state", "warning")]
    # Unless it is called like the expected field.
    assert _repeated(["a", "b", "a", "b", "a"], "t.label", "context") == [("label in t.label", "error")]


@pytest.mark.parametrize("values", [["a"] * 6, [1, 2] * 4, [True, False] * 4, ["a", "b"], [None] * 6])
def test_few_or_equal_values_agree_by_accident(values: list[Any]) -> None:
    assert _repeated(values) == []


def test_label_that_became_the_ticket_type_is_found_in_the_sample_world(tmp_path: Path) -> None:
    """The oldest mistake of all: the expected type joined back as a fact."""
    sample_world(tmp_path)
    before = read_suite(tmp_path, "customer_support")
    assert list(leaked_expected_values(before)) == []
    customers = before.context["customers"]
    labels = {s.context["customers.customer_id"]: s.expected["issue_type"] for s in before.scenarios[:5]}
    rows = [row | {"issue_type": labels[row["customer_id"]]} for row in customers]
    write_records(tmp_path, "suites/customer_support/customers.json", rows)
    (finding,) = leaked_expected_values(read_suite(tmp_path, "customer_support"))
    assert "customers.issue_type repeats the expected issue_type in 5 of 10 scenarios" in finding.statement
    assert [row["scenario"] for row in finding.evidence] == ["S001", "S002", "S003", "S004", "S005"]


def test_small_world_is_sound(tmp_path: Path) -> None:
    findings = audit_suite(read_suite(small_world(tmp_path), "returns_desk"))
    assert {finding.severity for finding in findings} == {"info"}
