"""The audit finds everything that is known to be wrong with the sample world, and raises no false alarm elsewhere."""

from __future__ import annotations

import json
from typing import Any

import pytest

from eaas_assets.contracts.inputs import SuiteAudit
from eaas_assets.suites.audit import audit_suite, suite_audit
from eaas_assets.suites.audit.findings import Finding
from eaas_assets.suites.reading import read_suite, read_suites
from eaas_assets_tests.worlds import SAMPLE_DATA


@pytest.fixture(scope="module")
def findings() -> list[Finding]:
    return audit_suite(read_suite(SAMPLE_DATA, "customer_support"))


def _of(findings: list[Finding], kind: str) -> dict[str, Finding]:
    return {finding.subject: finding for finding in findings if finding.finding == kind}


def test_five_pairs_share_their_facts_and_expect_two_things(findings: list[Finding]) -> None:
    (finding,) = _of(findings, "contradictory_labels").values()
    assert [row["scenarios"] for row in finding.evidence] == [
        ["S001", "S007"], ["S002", "S006"], ["S003", "S010"], ["S004", "S008"], ["S005", "S009"],
    ]  # fmt: skip
    assert "at most 5 of 10 right" in finding.statement
    # S001 and S007 expect the same path: 6 of 10 paths can be right by the facts alone.
    assert "issue_type 5 of 10, resolution_path 6 of 10, outcome 5 of 10" in finding.statement


def test_two_expected_values_that_no_rule_can_produce(findings: list[Finding]) -> None:
    found = _of(findings, "unproducible_label")
    assert set(found) == {"issue_type where_is_my_order", "outcome provide_friendly_status_update"}
    ticket_type, outcome = found.values()
    assert [row["scenario"] for row in ticket_type.evidence] == ["S001"]
    assert "only as a value of ticket.issue_type" in ticket_type.statement
    assert [row["scenario"] for row in outcome.evidence] == ["S007"]
    assert "the rule table has provide_delivery_update for simple_status_check" in outcome.statement


def test_both_warehouse_rules_are_shadowed_by_the_delay_rules(findings: list[Finding]) -> None:
    found = _of(findings, "unreachable_rule")
    for rule in ("warehouse", "warehouse_churn"):
        finding = found[rule]
        assert "never fires on these scenarios" in finding.statement
        head, *rows = finding.evidence
        assert head["can_fire"] is True
        # O1004 is the only flagged order, and it is delayed: the rules for delays come first.
        assert {row["scenario"]: row["fired_instead"] for row in rows} == {
            "S004": "delayed_churn", "S008": "delayed_churn",
        }  # fmt: skip
    assert "an earlier rule would fire first" in found["warehouse"].statement
    assert "an earlier rule fires first" in found["warehouse_churn"].statement


def test_rules_that_need_a_ticket_cannot_fire_at_all(findings: list[Finding]) -> None:
    found = _of(findings, "unreachable_rule")
    assert set(found) == {
        "delayed", "warehouse", "warehouse_churn",
        "not_received_churn", "not_received", "in_transit_engaged", "in_transit",
    }  # fmt: skip
    for rule in ("not_received_churn", "not_received", "in_transit_engaged", "in_transit"):
        assert "cannot fire at all: it needs ticket.issue_type" in found[rule].statement
        assert found[rule].evidence[0]["can_fire"] is False


@pytest.mark.parametrize(
    ("scenario", "condition", "fact", "by_rules"),
    [
        ("S002", "customers.churn_risk at_most 0.25", 0.28, "delivery_delay_with_churn_risk"),
        ("S009", "customers.churn_risk above 0.20", 0.15, "item_not_received"),
        ("S010", "logistics.status equals in_transit", "lost", "lost_package"),
        ("S004", "customers.churn_risk at_most 0.30", 0.35, "delivery_delay_with_churn_risk"),
    ],
)
def test_label_against_the_facts_names_the_condition_that_differs(
    findings: list[Finding], scenario: str, condition: str, fact: Any, by_rules: str
) -> None:
    finding = _of(findings, "label_against_facts")[scenario]
    (row,) = finding.evidence
    assert row["differs"] == [{"condition": condition, "fact": fact}]
    assert row["by_rules"] == by_rules
    assert str(fact) in finding.statement


def test_labels_whose_rule_only_comes_too_late(findings: list[Finding]) -> None:
    found = _of(findings, "label_against_facts")
    assert set(found) == {"S002", "S004", "S007", "S008", "S009", "S010"}
    assert "'warehouse_churn' hold too, but it comes later" in found["S008"].statement
    assert "'in_transit' hold too, but it comes later" in found["S007"].statement


def test_rules_reproduce_three_of_ten_labels_even_with_the_right_ticket(findings: list[Finding]) -> None:
    (finding,) = _of(findings, "labels_the_rules_reproduce").values()
    assert finding.evidence[0]["reproduced"] == ["S003", "S005", "S006"]
    assert "3 of 10" in finding.statement


@pytest.mark.parametrize(
    ("issue_type", "dropped", "added"),
    [
        ("lost_package", ["ticket.issue_type equals lost_package"], []),
        (
            "delivery_delay",
            ["ticket.issue_type one_of ['delivery_delay', 'where_is_my_order']"],
            ["customers.churn_risk at_most 0.25"],
        ),
        ("warehouse_delay", [], ["customers.churn_risk at_most 0.30"]),
        ("friendly_status_check", [], ["logistics.status equals in_transit"]),
    ],
)
def test_table_and_classification_state_different_conditions(
    findings: list[Finding], issue_type: str, dropped: list[str], added: list[str]
) -> None:
    (row,) = _of(findings, "table_and_function_differ")[issue_type].evidence
    assert (row["only_in_table"], row["only_in_classification"]) == (dropped, added)


def test_table_matches_three_types_for_one_order_and_states_no_precedence(findings: list[Finding]) -> None:
    found = _of(findings, "table_and_function_differ")
    assert set(found) == {
        "lost_package", "delivery_delay", "warehouse_delay", "friendly_status_check", "S004, S008",
    }  # fmt: skip
    (row,) = found["S004, S008"].evidence
    assert row["table_matches"] == [
        "warehouse_delay", "delivery_delay_with_churn_risk", "warehouse_delay_high_churn_risk",
    ]  # fmt: skip


def test_resolution_of_ten_scenarios_is_ten_points(findings: list[Finding]) -> None:
    (finding,) = _of(findings, "suite_resolution").values()
    assert "One scenario is 10 points." in finding.statement
    assert finding.evidence[0]["scenarios_for_5_points"] > 250


def test_nothing_else_is_said_of_the_sample_suite(findings: list[Finding]) -> None:
    kinds = {finding.finding for finding in findings}
    assert kinds == {
        "contradictory_labels", "unproducible_label", "unreachable_rule", "label_against_facts",
        "labels_the_rules_reproduce", "table_and_function_differ", "suite_resolution",
    }  # fmt: skip
    assert [finding.severity for finding in findings] == sorted(
        (finding.severity for finding in findings), key=["error", "warning", "info"].index
    )


def test_ticket_routing_raises_no_alarm() -> None:
    findings = audit_suite(read_suite(SAMPLE_DATA, "ticket_routing"))
    assert [(finding.finding, finding.severity) for finding in findings] == [("suite_resolution", "info")]


def test_audit_table_meets_its_contract_and_takes_findings_from_elsewhere() -> None:
    extra = {
        "suite": "history", "finding": "impossible_rate", "severity": "warning", "subject": "RUN_1",
        "statement": "s", "advice": "a", "evidence_json": "[]",
    }  # fmt: skip
    frame = suite_audit(read_suites(SAMPLE_DATA), [extra])
    assert list(frame.columns) == list(SuiteAudit.to_schema().columns)
    assert frame["suite"].value_counts().to_dict() == {"customer_support": 23, "ticket_routing": 1, "history": 1}
    assert all(isinstance(json.loads(text), list) for text in frame["evidence_json"])


def test_audit_of_no_suites_is_an_empty_table() -> None:
    assert suite_audit([]).empty
