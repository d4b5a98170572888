"""Decisions are logged once, told from the log, and carry everything that they rest on."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eaas_assets.contracts.decisions import DecisionCounterfactuals, Decisions
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.decisions.approvals.submitting import request_for, submit
from eaas_assets.decisions.counterfactuals.more_data import Supply
from eaas_assets.decisions.deciding import at_stake, counterfactual_rows, decide, decision_rows
from eaas_assets.decisions.subjects import (
    ExperimentTables,
    ReleaseTables,
    SubjectEvidence,
    experiment_subjects,
    release_subjects,
)
from eaas_assets_tests.decisions.facts_by_hand import HARM, OPEN, PROPOSAL, RELEASE, WIN, Facts, shipped, without
from eaas_assets_tests.decisions.logs_by_hand import DAY, NOON, log_at, policy_of
from eaas_assets_tests.decisions.rows_by_hand import (
    CALIBRATION,
    DESIGN,
    MONITORING,
    guardrail,
    impact,
    registry,
    release,
    segment,
)

POLICY = shipped()
APPROVALS = policy_of()


def subject(facts: Facts = WIN, name: str = "E1", evidence: str = "one", risk: str = "low") -> SubjectEvidence:
    return SubjectEvidence(
        kind=facts["subject.kind"],
        subject_id=name,
        title=f"Experiment {name}",
        phase=facts["subject.phase"],
        facts=facts,
        evidence_id=evidence,
        identity=evidence,
        owner="growth",
        decision_owner="vp_sales",
        risk=risk,
        versions={"document": "d", "observations": "o"},
        supply=Supply(40, 0.5, 10),
    )


def decided(folder: Path, *subjects: SubjectEvidence, now: datetime = NOON, **changes: Any) -> list[dict[str, Any]]:
    policies = {"policy": POLICY, "approvals": APPROVALS} | changes
    return decide(subjects, policies["policy"], policies["approvals"], log_at(folder), now, "1.0")


def test_a_row_carries_the_ruling_the_facts_and_every_version(tmp_path: Path) -> None:
    nobody = policy_of(requirements=[])
    (row,) = decided(tmp_path, subject(), approvals=nobody)
    assert (row["decision"], row["rule"], row["rule_position"], row["confidence"]) == ("scale", "clear_win", 23, "high")
    assert (row["state"], row["effective_decision"], row["current"], row["audit_seq"]) == ("made", "scale", True, 1)
    assert json.loads(row["facts_json"]) == WIN
    assert json.loads(row["missing_facts_json"]) == ["claim.annual_value_usd"]
    assert row["next_review_on"] == NOON + timedelta(days=90)
    assert json.loads(row["data_versions_json"]) == {
        "approvals_policy": nobody.digest,
        "code": "1.0",
        "decisions_policy": POLICY.digest,
        "document": "d",
        "observations": "o",
    }
    assert row["at_stake_usd"] == 70_000
    assert contract_problems(Decisions, build(Decisions, [row])) == []


def test_the_same_evidence_is_decided_once(tmp_path: Path) -> None:
    first = decided(tmp_path, subject())
    second = decided(tmp_path, subject(), now=NOON + DAY)
    assert first == second
    assert len(list(log_at(tmp_path).entries())) == 1


def test_new_evidence_is_decided_anew_and_only_the_latest_is_current(tmp_path: Path) -> None:
    decided(tmp_path, subject())
    rows = decided(tmp_path, subject(HARM, evidence="two"), now=NOON + DAY)
    assert [(row["decision"], row["current"]) for row in rows] == [("scale", False), ("retire", True)]
    assert rows[0]["decided_at"] == NOON


STRICTER = policy_of(
    requirements=[{"decisions": ["scale"], "risk_tiers": ["low"], "roles": ["risk_officer", "decision_owner"]}]
)


@pytest.mark.parametrize("other", [{"policy": POLICY.model_copy(update={"caps": []})}, {"approvals": STRICTER}])
def test_other_rules_or_others_to_ask_decide_anew(tmp_path: Path, other: dict[str, Any]) -> None:
    before = decided(tmp_path, subject())
    rows = decided(tmp_path, subject(), **other)
    assert len(rows) == 2
    assert rows[1]["decision_id"] != before[0]["decision_id"]


def test_requirements_that_come_back_decide_anew_too(tmp_path: Path) -> None:
    for approvals in (APPROVALS, STRICTER, APPROVALS, APPROVALS):
        rows = decided(tmp_path, subject(), approvals=approvals)
    assert len({row["decision_id"] for row in rows}) == len(rows) == 3


def test_another_person_or_term_in_the_approval_policy_leaves_decisions_and_approvals_as_they_are(
    tmp_path: Path,
) -> None:
    (row,) = decided(tmp_path, subject())
    log = log_at(tmp_path)
    request = request_for(log, row["decision_id"], "approve", "vera", "vp_sales", NOON)
    assert submit(request, log, APPROVALS, NOON).accepted
    people = [*APPROVALS.model_dump()["people"], {"person": "new", "roles": ["vp_sales"]}]
    (after,) = decided(tmp_path, subject(), approvals=policy_of(people=people, expires_days=3))
    assert (after["decision_id"], after["state"]) == (row["decision_id"], "approved")


def test_another_owner_of_the_decision_decides_anew(tmp_path: Path) -> None:
    decided(tmp_path, subject())
    rows = decided(tmp_path, subject()._replace(decision_owner="risk_officer"))
    assert [json.loads(row["required_json"])["roles"] for row in rows] == [["vp_sales"], ["risk_officer"]]


def test_evidence_that_comes_back_is_decided_again_because_it_holds_now(tmp_path: Path) -> None:
    for facts, evidence in ((WIN, "one"), (HARM, "two"), (WIN, "one"), (WIN, "one")):
        rows = decided(tmp_path, subject(facts, evidence=evidence))
    assert [(row["decision"], row["current"]) for row in rows] == [("scale", False), ("retire", False), ("scale", True)]
    assert len({row["decision_id"] for row in rows}) == 3


def test_what_was_logged_before_a_crash_is_in_the_table_after_it(tmp_path: Path) -> None:
    decided(tmp_path, subject(), subject(HARM, "E2"))  # the table of this call is lost
    log = log_at(tmp_path)
    assert [row["subject_id"] for row in decision_rows(list(log.entries()), APPROVALS, NOON)] == ["E1", "E2"]
    assert [row["subject_id"] for row in decided(tmp_path)] == ["E1", "E2"]


def test_a_risky_decision_waits_for_those_who_must_agree(tmp_path: Path) -> None:
    (row,) = decided(tmp_path, subject({**WIN, "subject.risk_tier": "medium"}, risk="medium"))
    assert (row["state"], row["effective_decision"]) == ("pending_approval", None)
    assert json.loads(row["required_json"])["roles"] == ["vp_sales"]
    assert json.loads(row["missing_json"])["roles"] == ["vp_sales"]


def test_a_capped_decision_says_what_the_rule_said(tmp_path: Path) -> None:
    (row,) = decided(tmp_path, subject({**WIN, "design.strength": "before_after"}))
    assert (row["decision"], row["capped_from"], row["strength"]) == ("continue", "scale", "before_after")


def test_money_at_stake_is_the_largest_sum_and_unknown_where_no_value_is() -> None:
    assert at_stake({"value.net_usd": -5.0, "claim.annual_value_usd": 3.0}) == 5.0
    assert at_stake({"claim.annual_value_usd": 3.0, "cost.to_date_usd": 9.0}) == 9.0
    assert at_stake({"cost.to_date_usd": 9.0}) is None


def test_only_current_decisions_of_this_policy_have_counterfactuals(tmp_path: Path) -> None:
    decided(tmp_path, subject(OPEN, evidence="zero"))
    rows = decided(tmp_path, subject(), subject(RELEASE, "bot@v2"), subject(PROPOSAL, "E3"))
    listed = counterfactual_rows(rows, [subject()], POLICY)
    current = {row["decision_id"]: row["decision"] for row in rows if row["current"]}
    assert {row["decision_id"] for row in listed} == current.keys()
    assert all(row["becomes"] != row["decision"] == current[row["decision_id"]] for row in listed)
    assert contract_problems(DecisionCounterfactuals, build(DecisionCounterfactuals, listed)) == []
    assert counterfactual_rows(rows, [], POLICY.model_copy(update={"caps": []})) == []


# -- subjects from tables -----------------------------------------------------------------------------------------


def experiment_tables() -> ExperimentTables:
    own = [
        DESIGN,
        [{**row, "look": 1} for row in MONITORING],
        [impact(), guardrail()],
        [segment("north", False)],
        CALIBRATION,
    ]
    broken = {"experiment_id": "E9", "usable": False, "metrics_json": "[]", "variants_json": "[]"}
    first = pd.DataFrame([registry(), {**broken, "conditions_json": "{}", "evidence_id": "x", "policy_hash": "y"}])
    return ExperimentTables(first, *(pd.DataFrame([{**row, "experiment_id": "E1"} for row in rows]) for rows in own))


def test_every_experiment_is_a_subject_also_one_that_cannot_be_read() -> None:
    sound, broken = experiment_subjects(experiment_tables(), datetime(2026, 4, 1, tzinfo=UTC).date())
    assert (sound.subject_id, sound.title, sound.phase, sound.risk) == ("E1", "Shorter replies", "concluded", "low")
    assert (broken.subject_id, broken.title, broken.phase, broken.risk) == ("E9", "E9", "proposal", "high")
    assert sound.supply == Supply(units_per_day=50.0, usd_per_unit=pytest.approx(0.3), usd_per_day=10.0)
    assert set(sound.versions) == {"document", "observations", "experiments_policy"}


def release_tables() -> ReleaseTables:
    rows = release(9, 10, 7, "inconclusive", "healthy", 0, low=-0.1, high=0.5)
    assert rows.plan is not None
    assert rows.summary is not None
    assert rows.baseline is not None
    digests = {"agent_digest": "a", "suite_digest": "s", "plan_digest": "p"}
    settle = {"settle_claim": "not_worse", "settle_scenarios": 15, "settle_scenarios_cost_usd": None}
    own = [
        [{**rows.plan, **digests}],
        [rows.summary],
        [{**rows.baseline, **settle, "settle_scenarios_seconds": 90.0}],
        list(rows.segments),
        list(rows.calibration),
        list(rows.trends),
        list(rows.metrics),
    ]
    runs = pd.DataFrame(
        [
            {"run_id": name, "run_timestamp": day, "agent": "bot", "version": "v1", "source": source, "scope": scope}
            for name, day, source, scope in (
                ("old", 1, "executed", "full"),
                ("latest", 2, "executed", "full"),
                ("partial", 3, "executed", "partial"),
                ("imported", 4, "historical", "full"),
            )
        ]
    )
    versions = pd.DataFrame(
        [{"partition_key": f"bot@{v}", "agent": "bot", "version": v, "owner": "ops"} for v in ("v1", "v2")]
    )
    return ReleaseTables(
        versions,
        runs,
        *(pd.DataFrame([{**row, "run_id": run} for run in ("old", "latest") for row in part]) for part in own),
    )


def test_a_version_is_decided_by_its_latest_full_run_and_one_without_a_run_is_not() -> None:
    (found,) = release_subjects(release_tables())
    assert (found.subject_id, found.evidence_id, found.owner, found.risk) == ("bot@v1", "latest", "ops", "medium")
    assert found.supply.settling is not None
    assert found.supply.settling.scenarios == 15


def test_a_nightly_run_with_the_same_outcome_is_no_new_evidence(tmp_path: Path) -> None:
    (first,) = release_subjects(release_tables())
    again = first._replace(evidence_id="tonight")
    assert len(decided(tmp_path, first)) == len(decided(tmp_path, again, now=NOON + DAY)) == 1
    assert len(decided(tmp_path, again._replace(identity="another suite"))) == 2


def test_facts_that_are_missing_are_listed(tmp_path: Path) -> None:
    (row,) = decided(tmp_path, subject(without(WIN, "guardrails.harmed", "guardrails.unknown")))
    assert row["rule"] == "evidence_incomplete"
    assert {"guardrails.harmed", "guardrails.unknown"} <= set(json.loads(row["missing_facts_json"]))
