from __future__ import annotations

from pathlib import Path

import pytest

from eaas_assets.contracts.decision_policy import ApprovalPolicy
from eaas_assets.decisions.approvals.policy import read_approval_policy
from eaas_assets.decisions.approvals.requirements import Required, held_by_nobody, required_for, requirements_of
from eaas_assets.errors import InputError
from eaas_assets.experiments.registry import read_experiments
from eaas_assets_tests.decisions.logs_by_hand import decision_of, policy_of
from eaas_assets_tests.worlds import SAMPLE_DATA, write_text

POLICY = policy_of()


def required(**changes: object) -> Required:
    return requirements_of(decision_of(POLICY, **changes), POLICY)


def test_low_risk_and_little_money_needs_nobody() -> None:
    assert required(risk="low", at_stake_usd=999.99).nobody
    assert required(risk="low", at_stake_usd=999.99).statement == "nobody"


@pytest.mark.parametrize("money", [1000.0, 1000, 5e9, None, float("nan")])
def test_money_that_reaches_the_bound_or_is_not_known_needs_the_owner_of_the_decision(money: float | None) -> None:
    assert required(risk="low", at_stake_usd=money) == Required(("vp_sales",), 1, False)


def test_money_is_compared_as_it_is_written() -> None:
    policy = policy_of(
        requirements=[
            {"decisions": ["scale"], "risk_tiers": ["low"], "at_least_usd": 0.1, "roles": ["vp_sales"]},
        ]
    )
    assert requirements_of(decision_of(policy, risk="low", at_stake_usd=0.35 - 0.25), policy).nobody
    assert not requirements_of(decision_of(policy, risk="low", at_stake_usd=0.1), policy).nobody


def test_high_risk_needs_four_eyes() -> None:
    assert required(risk="high") == Required(("vp_sales", "risk_officer"), 2, False)


def test_all_requirements_that_apply_are_joined() -> None:
    rules = [
        {"decisions": ["scale"], "risk_tiers": ["medium"], "roles": ["decision_owner"]},
        {"decisions": ["scale"], "risk_tiers": ["medium"], "roles": ["vp_sales", "risk_officer"], "people": 3},
        {"decisions": ["scale"], "risk_tiers": ["medium"], "signed": True},
        {"decisions": ["retire"], "risk_tiers": ["medium"], "people": 9},
    ]
    policy = policy_of(requirements=rules)
    joined = requirements_of(decision_of(policy), policy)
    assert joined == Required(("vp_sales", "risk_officer"), 3, True)
    assert joined.statement == "vp_sales and risk_officer, 3 different people, signed"
    assert joined.json == '{"people":3,"roles":["vp_sales","risk_officer"],"signed":true}'


def test_a_subject_without_an_owner_of_its_decision_has_the_default_one() -> None:
    assert required(decision_owner=None).roles == ("platform_lead",)
    policy = policy_of(default_decision_owner=None)
    assert requirements_of(decision_of(policy, decision_owner=None), policy).roles == ("decision_owner",)


def test_a_decision_of_an_older_policy_needs_what_was_written_then() -> None:
    decision = decision_of(POLICY, approvals_policy_hash="0" * 64)
    decision["required_json"] = '{"people":2,"roles":["risk_officer"],"signed":true}'
    assert required_for(decision, POLICY, "scale") == Required(("risk_officer",), 2, True)
    assert required_for(decision, POLICY, "retire").nobody


def test_a_role_that_nobody_holds_is_told_and_a_person_may_stand_for_one() -> None:
    assert held_by_nobody(Required(("vp_sales", "head_of_shop", "vera"), 1), POLICY) == ("head_of_shop",)


def test_every_decision_of_the_sample_world_has_someone_who_owns_it() -> None:
    policy = read_approval_policy(SAMPLE_DATA)
    catalogue = read_experiments(SAMPLE_DATA)
    owners = {entry.document.decision_owner for entry in catalogue.experiments.values()} - {None}
    assert held_by_nobody(Required(tuple(sorted(map(str, owners)))), policy) == ()


def test_the_shipped_policy_is_sound_and_asks_more_of_more_risk() -> None:
    policy = read_approval_policy(SAMPLE_DATA)

    def of(**changes: object) -> Required:
        return requirements_of(decision_of(policy, **changes), policy)

    assert of(risk="low", at_stake_usd=100.0).nobody
    assert of(risk="low", at_stake_usd=60_000.0).roles == ("vp_sales",)
    assert of(risk="medium", at_stake_usd=100.0).roles == ("vp_sales",)
    assert of(risk="high") == Required(("vp_sales", "risk_officer"), 2, True)
    assert of(risk="low", at_stake_usd=500_000.0) == Required(("vp_sales", "risk_officer"), 2, False)
    for word in ("do_not_start", "fix_design", "continue", "pause"):
        assert of(risk="high", decision=word).nobody
    assert isinstance(policy, ApprovalPolicy)


def test_a_policy_that_asks_for_a_role_that_nobody_holds_is_refused(tmp_path: Path) -> None:
    text = (SAMPLE_DATA / "policies" / "approvals.yaml").read_text()
    write_text(tmp_path, "policies/approvals.yaml", text.replace("roles: [head_of_support]", "roles: [guest]"))
    read_approval_policy(tmp_path)
    write_text(tmp_path, "policies/approvals.yaml", text.replace("[decision_owner, risk_officer]", "[ghost]"))
    with pytest.raises(InputError, match="ghost"):
        read_approval_policy(tmp_path)
