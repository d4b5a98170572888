"""Findings about rules and the labels that they should produce, on suites made for the purpose."""

from __future__ import annotations

from typing import Any

from eaas_assets.suites.audit.against_facts import labels_against_facts
from eaas_assets.suites.audit.findings import Finding
from eaas_assets.suites.audit.producible import unknown_specialists, unproducible_labels
from eaas_assets.suites.audit.rule_judgement import RuleBook, rule_book
from eaas_assets.suites.audit.table_against_order import table_and_classification
from eaas_assets.suites.audit.unreachable import unreachable_rules
from eaas_assets.suites.catalogue import Specialist
from eaas_assets.suites.scenarios import SuiteReading
from eaas_assets_tests.suites.audit.readings import reading_of, rules_of, when

LATE, LOST = when(("days", "above", 5)), when(("lost", "is_true"))
RULES = rules_of({"lost": (LOST, "lost"), "late": (LATE, "late")})


def _book(reading: SuiteReading) -> RuleBook:
    book = rule_book(reading)
    assert book is not None
    return book


def _row(issue_type: Any, days: int | None = None, lost: bool | None = None, **more: Any) -> dict[str, Any]:
    return {"inputs": {"days": days, "lost": lost}, "issue_type": issue_type, **more}


def _labels(*rows: dict[str, Any], rules: dict[str, Any] = RULES) -> list[Finding]:
    reading = reading_of(rows, rules=rules, compare={"path": "sequence"})
    return list(labels_against_facts(reading, _book(reading)))


# -- labels against facts -----------------------------------------------------------------------------------------


def test_labels_that_the_rules_yield_are_not_mentioned() -> None:
    assert _labels(_row("late", 9, False), _row("lost", 9, True), _row("unknown", 1, False)) == []


def test_scenarios_with_the_same_contradiction_stand_together() -> None:
    findings = _labels(*[_row("late", 2, False)] * 30, _row("late", 9, True), _row("lost", 0, True))
    assert [(finding.finding, len(finding.evidence)) for finding in findings] == [
        ("label_against_facts", 30),
        ("label_against_facts", 1),
        ("labels_the_rules_reproduce", 1),
    ]
    assert "late needs days above 5, but it is 2 in N0" in findings[0].statement
    assert "hold too, but it comes later" in findings[1].statement


def test_default_label_needs_that_no_rule_fires() -> None:
    finding, _ = _labels(_row("unknown", 9, False), _row("late", 9, False))
    assert "unknown needs that no rule fires" in finding.statement


def test_missing_fact_gets_the_benefit_of_the_doubt() -> None:
    assert _labels(_row("late", None, False), _row("lost", None, None)) == []


def test_label_that_cannot_be_told_is_neither_reproduced_nor_contradicted() -> None:
    rules = rules_of({"odd": (when(("days", "matches", "^x")), "odd"), "late": (LATE, "late")})
    (finding,) = _labels(_row("odd", None), _row("late", 9), rules=rules)
    assert finding.evidence[0]["reproduced"] == ["N1"]
    assert finding.evidence[0]["contradicted_by_facts"] == []


def test_few_mistakes_among_many_labels_are_only_counted() -> None:
    *_, count = _labels(*[_row("late", 9, False)] * 19, _row("late", 1, False))
    assert (count.finding, count.severity) == ("labels_the_rules_reproduce", "info")


def test_message_is_a_fact_for_rules_that_read_it() -> None:
    rules = rules_of({"angry": (when(("message", "contains_any", ["cancel"])), "angry")})
    rows = [
        {"message": "I will CANCEL this", "issue_type": "angry"},
        {"message": "I will cancelled this", "issue_type": "angry"},
    ]
    findings = _labels(*rows, rules=rules)
    assert [finding.subject for finding in findings] == ["N1", "issue_type"]


def test_labels_that_are_no_text_are_left_alone() -> None:
    assert [finding.finding for finding in _labels(_row(["late"], 1), _row(5, 1))] == ["labels_the_rules_reproduce"]


# -- labels that nothing produces ---------------------------------------------------------------------------------

TABLE: dict[str, Any] = {"lost": (LOST, ["pay", "say"], "refund"), "late": (LATE, ["say"], "explain")}
FULL = rules_of({"lost": (LOST, "lost"), "late": (LATE, "late")}, TABLE)


def _unproducible(*rows: dict[str, Any], path: str = "sequence", rules: dict[str, Any] = FULL) -> list[str]:
    reading = reading_of(rows, rules=rules, compare={"path": path})
    findings = unproducible_labels(reading, _book(reading))
    return [finding.subject for finding in findings if finding.finding == "unproducible_label"]


def test_labels_of_the_rule_table_are_producible() -> None:
    rows = [
        _row("lost", outcome="refund", path=["pay", "say"]),
        _row("late", outcome="explain", path=["say"]),
        _row("unknown", outcome="no_outcome", path=[]),
    ]
    assert _unproducible(*rows) == []


def test_type_outcome_and_path_that_no_rule_has_are_each_told() -> None:
    rows = [
        _row("stolen", outcome="refund", path=["say"]),
        _row("lost", outcome="nothing", path=["pay", "say"]),
        _row("lost", outcome="refund", path=["say", "pay"]),
    ]
    assert _unproducible(*rows) == ["issue_type stolen", "outcome nothing", 'path ["say","pay"]']
    assert _unproducible(*rows, path="set") == ["issue_type stolen", "outcome nothing"]


def test_labels_that_never_stand_together_are_told() -> None:
    rows = [_row("lost", outcome="explain", path=["say"]), _row("late", outcome="explain", path=["say"])]
    reading = reading_of(rows, rules=FULL, compare={"path": "sequence"})
    (finding,) = unproducible_labels(reading, _book(reading))
    assert finding.subject == "N0"
    assert 'outcome explain (the table has refund) and path ["say"] (the table has ["pay","say"])' in finding.statement


def test_type_that_only_the_table_has_is_not_producible() -> None:
    rules = rules_of({"late": (LATE, "late")}, TABLE)
    assert _unproducible(_row("lost", outcome="refund"), rules=rules) == ["issue_type lost", "outcome refund"]


def test_specialist_that_the_catalogue_does_not_list_is_told() -> None:
    reading = reading_of([_row("lost", path=["pay_v1", "cashier"])], rules=FULL, compare={"path": "sequence"})
    assert list(unknown_specialists(reading)) == []  # without a catalogue nothing is unknown
    reading.specialists = {"pay": Specialist("pay", "pay_v1", "", {}, {})}
    found = {finding.subject: finding.evidence for finding in unknown_specialists(reading)}
    assert set(found) == {"cashier", "say"}
    assert found["say"] == [{"specialist": "say", "called_by": f"rule {name}"} for name in ("lost", "late")]


# -- rules that never fire ----------------------------------------------------------------------------------------


def _unreachable(*rows: dict[str, Any], rules: dict[str, Any]) -> dict[str, Finding]:
    reading = reading_of(rows, rules=rules)
    return {finding.subject: finding for finding in unreachable_rules(reading, _book(reading))}


def test_rule_that_fires_once_is_reachable() -> None:
    assert _unreachable(_row("late", 9, False), _row("lost", 0, True), rules=RULES) == {}


def test_rule_that_no_scenario_meets_is_told_apart_from_one_that_cannot_fire() -> None:
    rules = rules_of(
        {
            "late": (LATE, "late"),
            "very_late": (when(("days", "above", 9)), "late"),
            "never": (when(("days", "above", 3), ("days", "below", 2)), "late"),
            "ticket": (when(("ticket.kind", "equals", "x")), "late"),
            "lost": (LOST, "lost"),
        }
    )
    found = _unreachable(_row("late", 9, False), rules=rules)
    assert {name: finding.evidence[0]["can_fire"] for name, finding in found.items()} == {
        "very_late": False, "never": False, "ticket": False, "lost": True,
    }  # fmt: skip
    assert "a rule before it fires first (late)" in found["very_late"].statement
    assert "its conditions exclude each other" in found["never"].statement
    assert "it needs ticket.kind" in found["ticket"].statement
    assert "no scenario has lost is_true" in found["lost"].statement


def test_rule_that_waits_for_a_missing_fact_can_fire_without_it() -> None:
    rules = rules_of({"late": (LATE, "late"), "no_ticket": (when(("ticket.kind", "is_missing")), "late")})
    assert _unreachable(_row("late", 1), rules=rules) == {"late": _unreachable(_row("late", 1), rules=rules)["late"]}


# -- table against classification ---------------------------------------------------------------------------------


def test_table_and_classification_that_agree_are_not_mentioned() -> None:
    reading = reading_of([_row("late", 9, False), _row("lost", 0, True)], rules=FULL)
    assert list(table_and_classification(reading, _book(reading))) == []


def test_type_without_a_classification_rule_is_told() -> None:
    reading = reading_of([_row("late", 9, False)], rules=rules_of({"late": (LATE, "late")}, TABLE))
    (finding,) = table_and_classification(reading, _book(reading))
    assert finding.subject == "lost"


def test_type_with_several_rules_needs_one_that_says_the_same() -> None:
    rules = rules_of({"a": (LATE, "late"), "b": (LOST, "late")}, {"late": (LATE, [], "explain")})
    reading = reading_of([_row("late", 9, False)], rules=rules)
    assert list(table_and_classification(reading, _book(reading))) == []
