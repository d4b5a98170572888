from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from eaas_assets.contracts.decision_policy import ApprovalPolicy
from eaas_assets.contracts.decisions import Approvals as ApprovalsTable
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.decisions.approvals.requests import ApprovalRequest, read_request, sign, signed, signing_text
from eaas_assets.decisions.approvals.requirements import Required
from eaas_assets.decisions.approvals.rows import approval_rows
from eaas_assets.decisions.approvals.signatures import Signature, fingerprint
from eaas_assets.decisions.approvals.states import State, approvals_by_decision, state_of
from eaas_assets.decisions.approvals.submitting import Outcome, request_for, submit
from eaas_assets.decisions.audit.entries import Entry, encode_line
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.errors import InputError, StorageError
from eaas_assets_tests.decisions.logs_by_hand import DAY, NOON, HandClock, decide, log_at, make_key, policy_of

END = date(2026, 3, 4)


class Office:
    """A log, a policy, a clock and people who ask for things."""

    def __init__(self, folder: Path, policy: ApprovalPolicy | None = None, **decision: Any) -> None:
        self.folder = folder
        self.policy = policy or policy_of()
        self.clock = HandClock()
        self.log = log_at(folder, self.clock)
        self.decision = decide(self.log, self.policy, **decision)

    def request(self, person: str, role: str, action: Any = "approve", **fields: Any) -> ApprovalRequest:
        identity = fields.pop("decision_id", self.decision["decision_id"])
        return request_for(self.log, identity, action, person, role, self.clock.now, **fields)

    def ask(self, person: str, role: str, action: Any = "approve", key: str | None = None, **fields: Any) -> Outcome:
        request = self.request(person, role, action, **fields)
        if key:
            request = signed(request, sign(request, self.folder / key))
        return submit(request, self.log, self.policy, self.clock.now)

    def send(self, request: ApprovalRequest) -> Outcome:
        return submit(request, self.log, self.policy, self.clock.now)

    def state(self) -> State:
        approvals = approvals_by_decision(self.log.entries()).get(self.decision["decision_id"], [])
        return state_of(self.decision, approvals, self.policy, self.clock.now)

    def wait(self, time: timedelta) -> None:
        self.clock.now += time


def without(policy: ApprovalPolicy, *names: str) -> list[dict[str, Any]]:
    """The people of a policy, but for some."""
    return [person for person in policy.model_dump(mode="json")["people"] if person["person"] not in names]


def keyed_office(folder: Path, **decision: Any) -> Office:
    """Vera and Rosa have keys; high risk counts signed approvals only."""
    keys = {name: make_key(folder / name) for name in ("vera", "rosa", "strange")}
    plain = policy_of().model_dump()
    people = [person | {"key": keys.get(person["person"])} for person in plain["people"]]
    rules = [rule | {"signed": rule["people"] == 2} for rule in plain["requirements"]]
    return Office(folder, policy_of(people=people, requirements=rules), **decision)


def assert_refused(office: Office, outcome: Outcome, code: str) -> None:
    """Refused with this code, said in words, logged, and without any effect."""
    assert (outcome.accepted, outcome.code) == (False, code)
    assert outcome.reason
    entry = list(office.log.entries())[-1]
    assert (entry.kind, entry.seq, entry.payload["code"]) == ("refusal", outcome.receipt.seq, code)
    assert office.state().state == "pending_approval"
    assert office.state().effective_decision is None


# -- who may --------------------------------------------------------------------------------------------------------


def test_an_approval_by_the_owner_of_the_decision_makes_it_hold_and_is_followed_by_a_checkpoint(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert office.state() == State("pending_approval", None, Required(("vp_sales",), 1, False))
    outcome = office.ask("vera", "vp_sales")
    assert outcome.accepted
    assert outcome.state == office.state() == State("approved", "scale", Required(), None, NOON)
    assert outcome.checkpoint is not None
    assert outcome.checkpoint.size == outcome.receipt.seq == 2
    (entry,) = office.log.entries("approval")
    assert (entry.actor, entry.subject, entry.inputs["policy"]) == ("vera", "E100", office.policy.digest)
    assert office.log.verify().proven == 2


def test_a_decision_that_needs_nobody_is_made(tmp_path: Path) -> None:
    office = Office(tmp_path, decision="pause")
    assert office.state() == State("made", "pause", Required())
    assert office.ask("vera", "vp_sales").code in {"already_settled", "wrong_role"}
    assert office.ask("rosa", "risk_officer", "reject", reason="No.").code == "already_settled"


@pytest.mark.parametrize(
    ("person", "role", "code"),
    [
        ("eve", "vp_sales", "unknown_person"),
        ("rosa", "vp_sales", "wrong_role"),
        ("rosa", "risk_officer", "wrong_role"),
        ("nobody_much", "guest", "wrong_role"),
        ("olga", "vp_sales", "own_experiment"),
        ("vera", "Vp_Sales", "wrong_role"),
        ("Vera", "vp_sales", "unknown_person"),
    ],
)
def test_who_has_no_part_in_it_is_refused(tmp_path: Path, person: str, role: str, code: str) -> None:
    office = Office(tmp_path)
    assert_refused(office, office.ask(person, role), code)


def test_an_owner_that_is_a_role_bars_everyone_who_holds_it(tmp_path: Path) -> None:
    office = Office(tmp_path, owner="VP_Sales")
    assert_refused(office, office.ask("vera", "vp_sales"), "own_experiment")


def test_a_policy_may_let_owners_approve(tmp_path: Path) -> None:
    assert Office(tmp_path, policy_of(owner_may_approve=True)).ask("olga", "vp_sales").accepted


# -- four eyes ------------------------------------------------------------------------------------------------------


def test_four_eyes_need_two_people_whatever_roles_one_of_them_holds(tmp_path: Path) -> None:
    office = Office(tmp_path, risk="high", owner="piet")
    assert office.ask("olga", "vp_sales").state == State("pending_approval", None, Required(("risk_officer",), 1))
    assert office.ask("olga", "risk_officer").state == State("pending_approval", None, Required((), 1))
    assert_refused(office, office.ask("olga", "risk_officer"), "already_given")
    assert office.ask("rosa", "risk_officer").state == State("approved", "scale", Required(), None, NOON)


def test_two_people_of_one_role_are_not_two_roles(tmp_path: Path) -> None:
    office = Office(tmp_path, risk="high")
    office.ask("vera", "vp_sales")
    assert office.ask("viktor", "vp_sales").state == State("pending_approval", None, Required(("risk_officer",), 0))


def test_a_rejection_is_final_for_that_decision(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert_refused(office, office.ask("vera", "vp_sales", "reject"), "no_reason")
    assert_refused(office, office.ask("vera", "vp_sales", "reject", reason="  "), "no_reason")
    assert office.ask("vera", "vp_sales", "reject", reason="Too early.").state == State(
        "rejected", None, Required(), None, NOON
    )
    assert office.ask("viktor", "vp_sales").code == "already_settled"
    assert office.state().state == "rejected"


# -- time -----------------------------------------------------------------------------------------------------------


def test_an_approval_that_led_to_nothing_expires(tmp_path: Path) -> None:
    office = Office(tmp_path, risk="high")
    office.ask("vera", "vp_sales")
    office.wait(10 * DAY - timedelta(seconds=1))
    assert office.state().missing == Required(("risk_officer",), 1)
    office.wait(timedelta(seconds=1))
    assert office.state().missing == Required(("vp_sales", "risk_officer"), 2)
    assert office.ask("rosa", "risk_officer").state.state == "pending_approval"
    assert office.ask("vera", "vp_sales").state.state == "approved"


def test_what_was_approved_stays_approved(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.ask("vera", "vp_sales")
    office.wait(1000 * DAY)
    assert office.state().state == "approved"


def test_a_request_of_long_ago_and_one_from_the_future_are_refused(tmp_path: Path) -> None:
    office = Office(tmp_path)
    old = office.request("vera", "vp_sales")
    office.wait(10 * DAY)
    assert_refused(office, office.send(old), "expired")
    soon = replace(old, requested_at=office.clock.now + timedelta(minutes=6))
    assert_refused(office, office.send(soon), "from_the_future")


# -- which decision -------------------------------------------------------------------------------------------------


def test_a_decision_that_the_log_does_not_know_is_refused(tmp_path: Path) -> None:
    office = Office(tmp_path)
    stranger = replace(office.request("vera", "vp_sales"), decision_id="0" * 32)
    assert_refused(office, office.send(stranger), "unknown_decision")
    with pytest.raises(InputError, match="unknown_decision"):
        office.request("vera", "vp_sales", decision_id="0" * 32)


def test_only_the_latest_decision_on_a_subject_can_be_approved(tmp_path: Path) -> None:
    office = Office(tmp_path)
    request = office.request("vera", "vp_sales")
    decide(office.log, office.policy, subject_id="E200")
    decide(office.log, office.policy, evidence_id="new evidence")
    assert_refused(office, office.send(request), "not_current")


@pytest.mark.parametrize(
    "change",
    [
        {"facts_json": '{"primary.benefit":0.9}'}, {"rationale": "Because."}, {"at_stake_usd": 1.0}, {"owner": "piet"},
        {"required_json": "{}"}, {"title": "Another"}, {"policy_hash": "q" * 64}, {"decision": "retire"},
    ],
)  # fmt: skip
def test_a_decision_that_was_edited_after_it_was_signed_is_refused(tmp_path: Path, change: dict[str, Any]) -> None:
    office = keyed_office(tmp_path)
    request = office.request("vera", "vp_sales")
    request = signed(request, sign(request, tmp_path / "vera"))
    edited = office.decision | change
    line, _ = encode_line(Entry("decision", "policy", "Scale it.", edited, "E100"), 1, "0" * 64, None, NOON)
    office.log.path.write_bytes(line)  # an insider who chains anew
    office.log = log_at(tmp_path, office.clock)
    outcome = office.send(request)
    assert outcome.code == "decision_edited"
    assert not outcome.accepted


def test_an_approval_does_not_count_for_a_decision_that_was_edited_after_it(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.ask("vera", "vp_sales")
    office.decision = office.decision | {"facts_json": '{"primary.benefit":0.9}'}
    assert office.state().state == "pending_approval"


# -- signatures -----------------------------------------------------------------------------------------------------


def test_signed_four_eyes(tmp_path: Path) -> None:
    office = keyed_office(tmp_path, risk="high")
    assert_refused(office, office.ask("vera", "vp_sales"), "unsigned")
    assert office.ask("vera", "vp_sales", key="vera").accepted
    assert office.ask("rosa", "risk_officer", key="rosa").state.state == "approved"
    approvals = list(office.log.entries("approval"))
    assert approvals[0].payload["key_fingerprint"] == fingerprint(office.policy.people[0].key or "")


def test_whoever_has_a_key_signs_also_where_the_requirement_does_not_ask_for_it(tmp_path: Path) -> None:
    office = keyed_office(tmp_path)
    assert_refused(office, office.ask("vera", "vp_sales"), "unsigned")
    assert office.ask("viktor", "vp_sales").accepted


def test_a_person_without_a_key_cannot_sign_and_does_not_count_where_signatures_do(tmp_path: Path) -> None:
    office = keyed_office(tmp_path, risk="high")
    assert_refused(office, office.ask("viktor", "vp_sales"), "unsigned")
    assert_refused(office, office.ask("viktor", "vp_sales", key="strange"), "no_key")


def test_a_forged_signature_is_refused(tmp_path: Path) -> None:
    office = keyed_office(tmp_path)
    assert_refused(office, office.ask("vera", "vp_sales", key="strange"), "forged_signature")
    assert_refused(office, office.ask("vera", "vp_sales", key="rosa"), "forged_signature")
    nonsense = signed(office.request("vera", "vp_sales"), Signature("trust me"))
    assert_refused(office, office.send(nonsense), "forged_signature")


@pytest.mark.parametrize(
    "change",
    [
        {"action": "reject", "reason": "No."}, {"role": "risk_officer"}, {"requested_at": NOON + timedelta(seconds=1)},
        {"reason": "another"}, {"word": "scale"},
    ],
)  # fmt: skip
def test_a_signature_is_over_every_field_of_the_request(tmp_path: Path, change: dict[str, Any]) -> None:
    office = keyed_office(tmp_path)
    request = office.request("vera", "vp_sales")
    outcome = office.send(replace(signed(request, sign(request, tmp_path / "vera")), **change))
    assert outcome.code in {"forged_signature", "wrong_role"}
    assert office.state().state == "pending_approval"


def test_a_signature_is_good_for_one_decision_and_for_one_time(tmp_path: Path) -> None:
    office = keyed_office(tmp_path, risk="high")
    other = decide(office.log, office.policy, subject_id="E200", risk="high")
    request = office.request("vera", "vp_sales")
    request = signed(request, sign(request, tmp_path / "vera"))
    elsewhere = signed(office.request("vera", "vp_sales", decision_id=other["decision_id"]), request.signature)
    assert_refused(office, office.send(elsewhere), "forged_signature")  # not used yet, and not over that decision
    assert office.send(request).accepted
    assert_refused(office, office.send(request), "replayed_signature")
    assert_refused(office, office.send(elsewhere), "replayed_signature")
    wrapped = Signature("\n" + request.signature.text.replace("\n", "\r\n"))
    assert_refused(office, office.send(signed(request, wrapped)), "replayed_signature")


def test_the_text_to_sign_is_one_line_of_canonical_json_and_the_same_for_the_same_request(tmp_path: Path) -> None:
    office = Office(tmp_path)
    request = office.request("vera", "vp_sales", reason="ü\n")
    text = signing_text(request)
    assert text == signing_text(replace(request, signature=Signature("x")))
    assert text.startswith(b'{"action":"approve","decision":"scale","decision_digest":"')
    assert text.count(b"\n") == 1
    assert text.endswith(b"\n")


def test_a_request_can_be_signed_elsewhere_and_come_back(tmp_path: Path) -> None:
    office = keyed_office(tmp_path)
    request = office.request("vera", "vp_sales", "waive", waived_role="vp_sales", until=END, reason="ü")
    assert read_request(signing_text(request)) == request


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")
def test_what_openssh_signs_is_taken(tmp_path: Path) -> None:
    office = keyed_office(tmp_path)
    (tmp_path / "request").write_bytes(signing_text(office.request("vera", "vp_sales")))
    command = ["ssh-keygen", "-Y", "sign", "-n", "eaas", "-f", str(tmp_path / "vera"), str(tmp_path / "request")]
    subprocess.run(command, check=True, capture_output=True)
    request = read_request((tmp_path / "request").read_bytes())
    outcome = office.send(signed(request, Signature((tmp_path / "request.sig").read_text())))
    assert outcome.state == State("approved", "scale", Required(), None, NOON)


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"", lambda text: b"[]\n", lambda text: b"7\n", lambda text: b"\xff\n", lambda text: text + b"\n",
        lambda text: text[:-1],
        lambda text: text.replace(b"approval 1", b"approval 2"), lambda text: text.replace(b",", b", ", 1),
        lambda text: text.replace(b'"approve"', b'"agree"'), lambda text: text.replace(b'"word":null', b'"words":null'),
        lambda text: text.replace(b'"vera"', b"7"), lambda text: text.replace(b"2026-", b"20260"),
    ],
)  # fmt: skip
def test_other_text_is_no_request(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    text = signing_text(Office(tmp_path).request("vera", "vp_sales"))
    with pytest.raises(InputError, match="not_a_request"):
        read_request(change(text))


# -- overrides ------------------------------------------------------------------------------------------------------


def test_an_override_needs_a_role_and_a_reason_and_is_told_as_one(tmp_path: Path) -> None:
    office = Office(tmp_path)
    assert_refused(office, office.ask("rosa", "risk_officer", "override", word="retire"), "no_reason")
    assert_refused(office, office.ask("vera", "vp_sales", "override", word="retire", reason="Because."), "wrong_role")
    assert_refused(office, office.ask("rosa", "risk_officer", "override", reason="Because."), "no_word")
    assert_refused(office, office.ask("rosa", "risk_officer", "override", word="scale", reason="Because."), "same_word")
    assert_refused(
        office, office.ask("rosa", "risk_officer", "override", word="start", reason="Because."), "unknown_word"
    )
    assert_refused(
        office, office.ask("olga", "risk_officer", "override", word="retire", reason="Mine."), "own_experiment"
    )
    outcome = office.ask("rosa", "risk_officer", "override", word="retire", reason="The market is gone.")
    assert outcome.state == State("overridden", "retire", Required(), None, NOON)


def test_an_override_needs_whatever_its_own_word_would_have_needed(tmp_path: Path) -> None:
    office = Office(tmp_path, phase="proposal", decision="do_not_start", risk="high")
    assert office.state().state == "made"
    outcome = office.ask("rosa", "risk_officer", "override", word="start", reason="We must know.")
    assert outcome.state == State("made", "do_not_start", Required(("vp_sales",), 1), "start")
    assert office.ask("vera", "vp_sales", word=None).code == "other_word"
    assert office.ask("vera", "vp_sales", word="start").state == State("overridden", "start", Required(), None, NOON)


def test_a_rejected_override_leaves_what_held_before(tmp_path: Path) -> None:
    office = Office(tmp_path, phase="proposal", decision="do_not_start", risk="high")
    office.ask("rosa", "risk_officer", "override", word="start", reason="We must know.")
    outcome = office.ask("vera", "vp_sales", "reject", word="start", reason="No.")
    assert outcome.state == State("made", "do_not_start", Required())


def test_an_approval_of_the_rules_word_does_not_count_for_the_override(tmp_path: Path) -> None:
    office = Office(tmp_path, phase="proposal", decision="start", risk="medium")
    office.ask("rosa", "risk_officer", "override", word="do_not_start", reason="Harmful.")
    assert office.state() == State("overridden", "do_not_start", Required(), None, NOON)
    assert office.ask("vera", "vp_sales").code == "already_settled"


# -- waivers --------------------------------------------------------------------------------------------------------


def test_a_waiver_lifts_a_role_until_its_last_day_and_its_author_is_one_of_the_four_eyes(tmp_path: Path) -> None:
    office = Office(tmp_path, risk="high")
    waived = {"waived_role": "vp_sales", "until": END, "reason": "On leave."}
    assert office.ask("rosa", "risk_officer", "waive", **waived).state.missing == Required(("risk_officer",), 1)
    office.wait(2 * DAY)
    assert office.state().missing == Required(("risk_officer",), 1)
    office.wait(DAY)
    assert office.state().missing == Required(("vp_sales", "risk_officer"), 2)
    office.wait(-DAY)
    assert office.ask("rosa", "risk_officer").state.missing == Required((), 1)  # still one person alone


@pytest.mark.parametrize(
    ("person", "role", "fields", "code"),
    [
        ("vera", "vp_sales", {}, "wrong_role"),
        ("olga", "risk_officer", {}, "own_experiment"),
        ("rosa", "risk_officer", {"reason": None}, "no_reason"),
        ("rosa", "risk_officer", {"until": None}, "incomplete_waiver"),
        ("rosa", "risk_officer", {"waived_role": None}, "incomplete_waiver"),
        ("rosa", "risk_officer", {"until": date(2026, 3, 1)}, "waiver_ended"),
        ("rosa", "risk_officer", {"waived_role": "platform_lead"}, "not_required"),
    ],
)
def test_other_waivers_are_refused(tmp_path: Path, person: str, role: str, fields: dict[str, Any], code: str) -> None:
    office = Office(tmp_path)
    waived = {"waived_role": "vp_sales", "until": END, "reason": "On leave."} | fields
    assert_refused(office, office.ask(person, role, "waive", **waived), code)


class PolicyWaiver(NamedTuple):
    by: str
    until: str
    counts: bool


@pytest.mark.parametrize(
    "waiver",
    [
        PolicyWaiver("rosa", "2026-03-02", True),
        PolicyWaiver("rosa", "2026-03-01", False),
        PolicyWaiver("vera", "2026-12-31", False),
        PolicyWaiver("olga", "2026-12-31", False),
        PolicyWaiver("eve", "2026-12-31", False),
    ],
)
def test_a_waiver_of_the_policy_counts_until_its_end_if_its_author_may_lift(
    tmp_path: Path, waiver: PolicyWaiver
) -> None:
    listed = {"subject": "E100", "role": "vp_sales", "by": waiver.by, "until": waiver.until, "reason": "On leave."}
    office = Office(tmp_path, policy_of(waivers=[listed]))
    assert office.state().state == ("approved" if waiver.counts else "pending_approval")
    office.wait(DAY)
    assert office.state().state == "pending_approval"


# -- what else comes in ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"action": "approved"}, {"person": "ve\x00ra"}, {"person": "=cmd|' /C calc'!A0"}, {"person": ["vera"]},
        {"role": ""},
        {"decision_id": "../../etc/passwd"}, {"decision_id": 7}, {"subject_id": "E1\u202e"}, {"decision_digest": "x"},
        {"reason": "x" * 1_000_000}, {"reason": "\ud800"}, {"reason": 5}, {"requested_at": datetime(2026, 3, 2)},  # noqa: DTZ001
        {"requested_at": "now"}, {"until": "2026-03-04"}, {"word": "sc ale"}, {"signature": Signature("x" * 1_000_000)},
        {"signature": Signature("\ud800")}, {"decision": "<script>"},
    ],
)  # fmt: skip
def test_a_malformed_request_is_refused_and_logged_small_and_visible(tmp_path: Path, change: dict[str, Any]) -> None:
    office = Office(tmp_path)
    outcome = office.send(replace(office.request("vera", "vp_sales"), **change))
    assert_refused(office, outcome, "malformed")
    line = office.log.path.read_bytes().splitlines()[-1]
    assert len(line) < 10_000
    text = line.decode()
    assert "\u202e" not in text
    assert "\\u0000" not in text
    assert office.log.verify().ok


def test_entries_that_someone_wrote_into_the_log_by_hand_count_for_nothing(tmp_path: Path) -> None:
    office = keyed_office(tmp_path, risk="high")
    request = office.request("vera", "vp_sales")
    honest = signed(request, sign(request, tmp_path / "vera"))
    from eaas_assets.decisions.approvals.requests import content_of

    good = {"request": content_of(honest), "signature": honest.signature.text, "policy_hash": office.policy.digest}
    for payload in (
        good | {"signature": None},
        good | {"signature": sign(replace(request, role="guest"), tmp_path / "vera").text},
        good | {"signature": sign(request, tmp_path / "strange").text},
        good | {"request": good["request"] | {"person": "rosa", "role": "risk_officer"}},
        good | {"request": good["request"] | {"person": "eve"}},
        good | {"request": good["request"] | {"role": "risk_officer"}},
        good | {"request": {**good["request"], "extra": "field"}},
        {"request": {"decision_id": office.decision["decision_id"]}, "signature": None},
        {"request": None},
        {},
    ):
        office.log.append(Entry("approval", "vera", "Approved.", payload, "E100"))
    office.log.append(Entry("override", "vera", "Approved.", good, "E100"))
    assert office.state() == State("pending_approval", None, Required(("vp_sales", "risk_officer"), 2, True))
    office.log.append(Entry("approval", "vera", "Approved.", good, "E100"))
    assert office.state().missing == Required(("risk_officer",), 1, True)


def test_nothing_is_taken_on_a_damaged_log(tmp_path: Path) -> None:
    office = Office(tmp_path)
    request = office.request("vera", "vp_sales")
    office.log.path.write_bytes(office.log.path.read_bytes().replace(b"medium", b"lowest"))
    with pytest.raises(StorageError, match="damaged"):
        submit(request, AuditLog(office.log.path, office.log.keys), office.policy, NOON)


def test_what_counted_under_an_older_policy_still_counts_for_a_decision_that_asked_for_others(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.ask("vera", "vp_sales")
    office.policy = policy_of(people=without(office.policy, "vera"), requirements=[])
    assert office.state().state == "approved"


def test_whoever_is_taken_out_of_the_policy_takes_their_approvals_along(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.ask("vera", "vp_sales")
    office.policy = policy_of(people=without(office.policy, "vera"))
    assert office.state().state == "pending_approval"


def test_someone_who_has_left_keeps_what_was_approved_and_approves_nothing_more(tmp_path: Path) -> None:
    office = Office(tmp_path)
    office.ask("vera", "vp_sales")
    left = {"person": "vera", "roles": ["vp_sales"], "until": NOON.date().isoformat()}
    office.policy = policy_of(people=[*without(office.policy, "vera"), left])
    assert office.state().state == "approved"
    later = Office(tmp_path / "later", office.policy)
    later.wait(DAY)
    assert_refused(later, later.ask("vera", "vp_sales"), "has_left")


def test_someone_who_slips_into_the_policy_for_a_moment_approves_nothing(tmp_path: Path) -> None:
    honest = policy_of()
    office = Office(tmp_path, policy_of(people=[*without(honest, "eve"), {"person": "eve", "roles": ["vp_sales"]}]))
    assert office.ask("eve", "vp_sales").accepted
    office.policy = honest
    assert office.state().state == "pending_approval"


NAMES = ("vera", "viktor", "rosa", "olga", "piet")


@settings(max_examples=25)
@example(asked={"vera", "viktor"}, kept={"viktor"}, risk="medium")
@given(
    asked=st.sets(st.sampled_from(NAMES)),
    kept=st.sets(st.sampled_from(NAMES)),
    risk=st.sampled_from(["medium", "high"]),
)
def test_a_decision_holds_by_those_approvers_alone_who_stand_in_the_policy_now(
    tmp_path_factory: pytest.TempPathFactory, asked: set[str], kept: set[str], risk: str
) -> None:
    office = Office(tmp_path_factory.mktemp("office"), risk=risk)
    roles = {
        "vera": "vp_sales",
        "viktor": "vp_sales",
        "rosa": "risk_officer",
        "olga": "vp_sales",
        "piet": "platform_lead",
    }
    # Olga runs the experiment, and whoever comes when nothing waits any more is not asked.
    heard = {name for name in sorted(asked) if office.ask(name, roles[name]).accepted}
    assert "olga" not in heard
    stand_ins = [{"person": f"other_{role}", "roles": [role]} for role in ("vp_sales", "risk_officer", "platform_lead")]
    office.policy = policy_of(people=[*without(office.policy, *(set(NAMES) - kept)), *stand_ins])
    still = {roles[name] for name in heard & kept}
    needed = {"vp_sales"} if risk == "medium" else {"vp_sales", "risk_officer"}
    assert (office.state().state == "approved") == (needed <= still)


def test_the_same_request_from_two_places_counts_once(tmp_path: Path) -> None:
    office = Office(tmp_path, risk="high")
    request = office.request("vera", "vp_sales")
    assert office.send(request).accepted
    assert_refused(office, office.send(request), "already_given")


def test_rows_of_requests_meet_the_contract_and_tell_what_counts(tmp_path: Path) -> None:
    office = keyed_office(tmp_path, risk="high")
    office.ask("vera", "vp_sales", key="vera")
    office.ask("viktor", "vp_sales")
    office.ask("eve", "vp_sales")
    office.send(replace(office.request("vera", "vp_sales"), action="approved"))
    office.ask(
        "rosa", "risk_officer", "waive", key="rosa", waived_role="vp_sales", until=END, reason="=HYPERLINK(1)\u202e"
    )
    office.wait(11 * DAY)
    rows = approval_rows(list(office.log.entries()), office.policy, office.clock.now)
    table = build(ApprovalsTable, rows)
    assert contract_problems(ApprovalsTable, table) == []
    assert list(table["person"]) == ["vera", "viktor", "eve", "rosa"]
    assert list(table["valid"]) == [False] * 4
    assert list(table["refusal_code"]) == ["expired", "unsigned", "unknown_person", "expired"]
    assert list(table["signed"]) == [True, False, False, True]
