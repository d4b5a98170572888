"""Random sequences of requests, honest and not: no one without a listed role makes a pending decision hold."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.decisions.approvals.requests import ApprovalRequest, sign, signed
from eaas_assets.decisions.approvals.submitting import Outcome, request_for, submit
from eaas_assets_tests.decisions.logs_by_hand import HandClock, decide, log_at, make_key, policy_of

LISTED = {
    "vera": {"vp_sales"},
    "viktor": {"vp_sales"},
    "rosa": {"risk_officer"},
    "piet": {"platform_lead"},
    "olga": {"vp_sales", "risk_officer"},
    "nobody_much": {"guest"},
}
OWNER = "olga"
KEYED = {"vera", "rosa", "olga"}
NEEDED = {"low": set(), "medium": {"vp_sales"}, "high": {"vp_sales", "risk_officer"}}


class Ask(NamedTuple):
    person: str
    role: str
    action: Any
    word: str | None
    waived: str | None
    ends_in: int
    key: str | None
    trick: str
    wait: int


WILD = st.builds(
    Ask,
    person=st.sampled_from([*LISTED, "eve", "vera"]),
    role=st.sampled_from(["vp_sales", "risk_officer", "platform_lead", "guest", "owner"]),
    action=st.sampled_from(["approve", "approve", "approve", "reject", "override", "waive"]),
    word=st.sampled_from([None, None, None, "scale", "retire", "pivot", "start"]),
    waived=st.sampled_from([None, "vp_sales", "risk_officer"]),
    ends_in=st.integers(-2, 20),
    key=st.sampled_from([None, "own", "own", "own", "strange"]),
    trick=st.sampled_from(["none", "none", "none", "replay", "other decision", "edited digest", "old", "edit after"]),
    wait=st.sampled_from([0, 0, 0, 1, 6]),
)
LIKELY = st.builds(
    lambda who, ask: ask._replace(person=who[0], role=who[1], key="own" if who[0] in KEYED else None, trick="none"),
    st.sampled_from([("vera", "vp_sales"), ("viktor", "vp_sales"), ("rosa", "risk_officer"), ("olga", "vp_sales")]),
    WILD,
)
"""Requests most of which are right, so that many sequences come to an end."""
SEQUENCES = st.lists(LIKELY | LIKELY | WILD, min_size=1, max_size=9)
RISKS = st.sampled_from(["medium", "high"])


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    folder = tmp_path_factory.mktemp("people")
    return folder, {name: make_key(folder / name) for name in [*LISTED, "strange", "eve"]}


def made(ask: Ask, base: ApprovalRequest, folder: Path) -> ApprovalRequest:
    """The request, with whatever trick it tries."""
    if ask.trick == "other decision":
        base = replace(base, decision_id="0" * 32)
    elif ask.trick == "edited digest":
        base = replace(base, decision_digest="0" * 64)
    elif ask.trick == "old":
        base = replace(base, requested_at=base.requested_at - timedelta(days=30))
    if ask.key is not None:
        base = signed(base, sign(base, folder / ("strange" if ask.key == "strange" else ask.person)))
    return replace(base, reason="edited") if ask.trick == "edit after" and base.signature else base


def is_honest(ask: Ask, request: ApprovalRequest) -> bool:
    """By the rules as people would tell them, told anew here and not by the code under test."""
    person = request.person
    if person == OWNER or request.role not in LISTED.get(person, set()):
        return False
    if ask.trick in {"other decision", "edited digest", "old"}:
        return False
    if person in KEYED:
        return ask.key == "own" and ask.trick != "edit after"
    return ask.key is None


@settings(max_examples=25)
@given(asks=SEQUENCES, risk=RISKS)
def test_whatever_is_asked_only_listed_roles_make_a_decision_hold(
    tmp_path_factory: pytest.TempPathFactory, keys: tuple[Path, dict[str, str]], asks: list[Ask], risk: str
) -> None:
    play(tmp_path_factory.mktemp("office"), keys, asks, risk)


@pytest.mark.slow
@settings(max_examples=500)
@given(asks=SEQUENCES, risk=RISKS)
def test_whatever_is_asked_a_great_many_times(
    tmp_path_factory: pytest.TempPathFactory, keys: tuple[Path, dict[str, str]], asks: list[Ask], risk: str
) -> None:
    play(tmp_path_factory.mktemp("office"), keys, asks, risk)


def play(office: Path, keys: tuple[Path, dict[str, str]], asks: list[Ask], risk: str) -> None:
    """Ask for everything in turn, and look after each request at whether it may have had the effect that it had."""
    folder, lines = keys
    people = [
        {"person": name, "roles": sorted(roles), "key": lines[name] if name in KEYED else None}
        for name, roles in LISTED.items()
    ]
    policy = policy_of(people=people, override_roles=["risk_officer"])
    clock = HandClock()
    log = log_at(office, clock)
    decision = decide(log, policy, risk=risk, owner=OWNER)
    honest: list[tuple[ApprovalRequest, Outcome]] = []
    last: ApprovalRequest | None = None
    before = "pending_approval"
    for ask in asks:
        clock.now += timedelta(days=ask.wait)
        until = clock.now.date() + timedelta(days=ask.ends_in)
        base = request_for(
            log,
            decision["decision_id"],
            ask.action,
            ask.person,
            ask.role,
            clock.now,
            ask.word,
            ask.waived,
            until,
            "why",
        )
        replayed = ask.trick == "replay" and last is not None
        request = last if replayed and last is not None else made(ask, base, folder)
        outcome = submit(request, log, policy, clock.now)
        if outcome.accepted:
            assert not replayed
            assert is_honest(ask, request), (ask, outcome)
            assert request.action in {"approve", "reject"} or request.role == "risk_officer"
            honest.append((request, outcome))
        last = request
        if outcome.state is None:
            continue
        if outcome.state.state != before:
            assert outcome.accepted
            check_settled(outcome, honest, risk)
        before = outcome.state.state
    assert log.verify().ok
    assert len(list(log.entries())) == 1 + len(asks)


def check_settled(outcome: Outcome, honest: list[tuple[ApprovalRequest, Outcome]], risk: str) -> None:
    """A decision holds: then enough of those who may have said so."""
    assert outcome.state is not None
    state, word = outcome.state.state, outcome.state.effective_decision
    requests = [request for request, _ in honest]
    if state == "rejected":
        assert requests[-1].action == "reject"
        return
    assert state in {"approved", "overridden"}
    if state == "overridden":
        assert any(request.action == "override" and request.word == word for request in requests)
    needed = NEEDED[risk] if word in {"scale", "start"} else set()
    agreed = [request for request in requests if request.action in {"approve", "override"}]
    lifted = [request for request in requests if request.action == "waive"]
    roles = {request.role for request in agreed} | {request.waived_role for request in lifted}
    assert needed <= roles
    if risk == "high" and needed:
        assert len({request.person for request in [*agreed, *lifted]}) >= 2
    assert all(request.person != OWNER for request in [*agreed, *lifted])


@pytest.mark.parametrize("people", list(itertools.combinations(["nobody_much", "piet", "olga", "eve"], 2)))
def test_no_two_of_those_who_may_not_can_do_it_together(tmp_path: Path, people: tuple[str, str]) -> None:
    policy = policy_of()
    clock = HandClock()
    log = log_at(tmp_path, clock)
    decision = decide(log, policy, risk="high", owner=OWNER)
    roles = sorted(set().union(*LISTED.values()))
    for person, role, action in itertools.product(people, roles, ["approve", "override", "waive"]):
        waived = "vp_sales" if action == "waive" else None
        word = "retire" if action == "override" else None
        request = request_for(
            log, decision["decision_id"], action, person, role, clock.now, word, waived, date(2026, 12, 31), "why"
        )
        outcome = submit(request, log, policy, clock.now)
        assert not outcome.accepted
        assert outcome.state is not None
        assert outcome.state.state == "pending_approval"
