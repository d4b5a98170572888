"""`eaas approve`, `submit`, `audit` and `policy` on a small world: what they do, what they refuse, and how they end."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from typer.testing import CliRunner

from eaas_assets.cli import app
from eaas_assets.decisions.approvals.policy import read_approval_policy
from eaas_assets.decisions.audit.keys import KEY_DIR_VARIABLE, KeyStore
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.decisions.deciding import decision_rows
from eaas_assets.storage.locations import DATA_DIR_VARIABLE, OUTPUT_DIR_VARIABLE
from eaas_assets_tests.defs.instances import Installation, errors, installation
from eaas_assets_tests.worlds import SAMPLE_DATA, shipped_policy, write_decision_policies, write_policies, write_yaml

PEOPLE = [
    {"person": "ada", "roles": ["vp_sales"]},
    {"person": "ben", "roles": ["risk_officer"]},
    {"person": "growth_team", "roles": ["vp_sales"]},
]


class Desk:
    """An installation with the experiment E001, decided once, and the command line in it."""

    def __init__(self, made: Installation, keys: Path) -> None:
        self.made = made
        self.environment = {
            DATA_DIR_VARIABLE: str(made.data),
            OUTPUT_DIR_VARIABLE: str(made.output),
            KEY_DIR_VARIABLE: str(keys),
        }

    def call(self, *arguments: str) -> Result:
        return CliRunner().invoke(app, list(arguments), env=self.environment)

    def approve(self, person: str, role: str, *options: str) -> Result:
        return self.call("approve", "E001", "--person", person, "--role", role, *options)

    def state(self) -> tuple[str, str | None]:
        """State of the decision on E001, and what holds, as the log tells it."""
        keys = KeyStore(Path(self.environment[KEY_DIR_VARIABLE]))
        entries = list(AuditLog(self.log, keys).entries())
        row = decision_rows(entries, read_approval_policy(self.made.data), datetime.now(UTC))[-1]
        return row["state"], row["effective_decision"]

    @property
    def log(self) -> Path:
        return self.made.output / "audit" / "log.jsonl"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key of someone, as ssh-keygen writes it."""
    private = Ed25519PrivateKey.generate()
    path = tmp_path / "ada_key"
    path.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()))
    path.chmod(0o600)
    path.with_suffix(".pub").write_bytes(private.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH))
    return path


def decided_world(root: Path, people: list[dict[str, object]]) -> Path:
    """Data, output and keys of an installation in which E001 was decided and waits for ``vp_sales``."""
    data = root / "data"
    write_policies(data)
    required = [{"decisions": ["scale"], "risk_tiers": ["low"], "roles": ["vp_sales"]}]
    approvals = {**shipped_policy("approvals"), "people": people, "requirements": required,
                 "override_roles": ["risk_officer"], "default_decision_owner": "vp_sales"}  # fmt: skip
    write_decision_policies(data, approvals=approvals)
    shutil.copytree(SAMPLE_DATA / "experiments" / "E001", data / "experiments" / "E001")
    with pytest.MonkeyPatch.context() as environment, installation(data, root / "output") as made:
        environment.setenv(KEY_DIR_VARIABLE, str(root / "keys"))
        result = made.run("refresh_experiments")
        assert result.success, errors(result)
    return root


@pytest.fixture(scope="module")
def decided(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a world, made once: every test works on a copy."""
    return decided_world(tmp_path_factory.mktemp("decided"), PEOPLE)


@pytest.fixture
def desk(decided: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    yield from opened(shutil.copytree(decided, tmp_path / "copy"), monkeypatch)


def opened(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setenv(KEY_DIR_VARIABLE, str(root / "keys"))
    with installation(root / "data", root / "output") as made:
        yield Desk(made, root / "keys")


def test_an_approval_in_the_right_role_makes_the_decision_hold(desk: Desk) -> None:
    assert desk.state() == ("pending_approval", None)
    result = desk.approve("ada", "vp_sales")
    assert result.exit_code == 0, result.output
    assert "approved" in result.output
    assert "Checkpoint: eaas-audit/" in result.output
    assert desk.state() == ("approved", "scale")


@pytest.mark.parametrize(
    ("person", "role", "code"),
    [
        ("ben", "vp_sales", "wrong_role"),
        ("mallory", "vp_sales", "unknown_person"),
        ("growth_team", "vp_sales", "own_experiment"),
    ],
)
def test_nobody_else_can_approve_and_the_refusal_is_logged(desk: Desk, person: str, role: str, code: str) -> None:
    result = desk.approve(person, role)
    assert result.exit_code == 1
    assert f"Refused ({code})" in result.output
    assert desk.state() == ("pending_approval", None)
    kinds = [json.loads(line)["entry"]["kind"] for line in desk.log.read_text(encoding="utf-8").splitlines()]
    assert kinds.count("refusal") == 1


def test_one_person_in_two_roles_is_told_that_another_one_is_missing(desk: Desk) -> None:
    file = desk.made.data / "policies" / "approvals.yaml"
    policy = yaml.safe_load(file.read_text(encoding="utf-8"))
    policy["requirements"][0] |= {"roles": ["vp_sales", "risk_officer"], "people": 2}
    policy["people"].append({"person": "zoe", "roles": ["vp_sales", "risk_officer"]})
    write_yaml(desk.made.data, "policies/approvals.yaml", policy)
    result = desk.made.run("refresh_decisions")
    assert result.success, errors(result)
    assert desk.state() == ("pending_approval", None)
    assert "Still missing: risk_officer." in desk.approve("zoe", "vp_sales").output
    assert "Still missing: someone who has not approved yet." in desk.approve("zoe", "risk_officer").output
    assert desk.state() == ("pending_approval", None)
    assert desk.approve("ben", "risk_officer").exit_code == 0
    assert desk.state() == ("approved", "scale")


def test_a_rejection_needs_a_reason(desk: Desk) -> None:
    assert desk.approve("ada", "vp_sales", "--reject").exit_code == 1
    assert desk.approve("ada", "vp_sales", "--reject", "--reason", "The margin is too thin.").exit_code == 0
    assert desk.state() == ("rejected", None)


def test_an_override_is_told_as_an_override(desk: Desk) -> None:
    result = desk.approve("ben", "risk_officer", "--override", "pivot", "--reason", "Legal wants other words first.")
    assert result.exit_code == 0, result.output
    assert desk.state() == ("overridden", "pivot")


def test_an_unknown_decision_and_a_wrong_call_are_not_possible(desk: Desk) -> None:
    result = desk.call("approve", "E404", "--person", "ada", "--role", "vp_sales")
    assert result.exit_code == 3
    assert "unknown_decision" in result.output
    both = desk.approve("ada", "vp_sales", "--reject", "--override", "pivot")
    assert both.exit_code == 2


def test_a_signed_approval_counts_and_the_same_one_twice_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: Path
) -> None:
    people = [{**PEOPLE[0], "key": key.with_suffix(".pub").read_text(encoding="utf-8")}, *PEOPLE[1:]]
    for desk in opened(decided_world(tmp_path / "signed", people), monkeypatch):
        assert "unsigned" in desk.approve("ada", "vp_sales").output
        printed = desk.approve("ada", "vp_sales", "--print-request")
        request = tmp_path / "request.json"
        request.write_text(printed.stdout, encoding="utf-8")
        if shutil.which("ssh-keygen") is None:
            pytest.skip("ssh-keygen is not installed")
        sign = ["ssh-keygen", "-Y", "sign", "-n", "eaas", "-f", str(key), str(request)]
        subprocess.run(sign, check=True, capture_output=True, env={**os.environ})
        first = desk.call("submit", str(request), f"{request}.sig")
        assert first.exit_code == 0, first.output
        assert desk.state() == ("approved", "scale")
        assert desk.call("submit", str(request), f"{request}.sig").exit_code == 1


def test_the_launchpad_form_approves_and_fails_where_it_is_refused(desk: Desk) -> None:
    def form(**fields: str) -> dict[str, object]:
        return {"ops": {"take_request": {"config": {"decision": "E001", "action": "approve", **fields}}}}

    refused = desk.made.run("record_approval", run_config=form(person="mallory", role="vp_sales"))
    assert not refused.success
    assert "unknown_person" in errors(refused)
    accepted = desk.made.run("record_approval", run_config=form(person="ada", role="vp_sales"))
    assert accepted.success, errors(accepted)
    assert desk.state() == ("approved", "scale")
    again = desk.made.run("refresh_decisions")
    assert again.success, errors(again)
    decisions = desk.made.tables.read(desk.made.tables.snapshot_path("decisions"))
    assert decisions["effective_decision"].tolist() == ["scale"]


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"decision": "E404"}, "unknown_decision"),
        ({"decision": "E001", "action": "waive", "until": "tomorrow"}, "no request could be made"),
        ({"signed_request": "{nonsense", "signature": "x"}, "not_a_request"),
        ({"signed_request": '{"request":"eaas approval 1"}', "signature": "x"}, "not_a_request"),
    ],
)
def test_a_form_of_which_no_request_can_be_made_fails_with_what_is_wrong_in_it(
    desk: Desk, fields: dict[str, str], told: str
) -> None:
    config = {"person": "ada", "role": "vp_sales", **fields}
    failed = desk.made.run("record_approval", run_config={"ops": {"take_request": {"config": config}}})
    assert not failed.success
    assert told in errors(failed)
    assert desk.state() == ("pending_approval", None)


def test_a_request_that_was_changed_after_it_was_printed_is_no_request(desk: Desk, tmp_path: Path) -> None:
    printed = desk.approve("ada", "vp_sales", "--print-request")
    request, signature = tmp_path / "request.json", tmp_path / "signature"
    request.write_text(json.dumps(json.loads(printed.stdout), indent=1), encoding="utf-8")
    signature.write_text("-----BEGIN SSH SIGNATURE-----", encoding="utf-8")
    result = desk.call("submit", str(request), str(signature))
    assert result.exit_code == 3
    assert "not_a_request" in result.output


def test_an_intact_log_is_verified_and_a_changed_byte_is_found(desk: Desk) -> None:
    intact = desk.call("audit", "verify")
    assert intact.exit_code == 0, intact.output
    assert "as it was written" in intact.output
    content = desk.log.read_bytes()
    desk.log.write_bytes(content.replace(b'"scale"', b'"pivot"', 1))
    damaged = desk.call("audit", "verify")
    assert damaged.exit_code == 1
    assert "NOT as it was written" in damaged.output
    check = desk.made.run("refresh_decisions")
    assert not check.success, "a damaged log is neither read nor written"


def test_a_cut_tail_is_found_by_the_checkpoint(desk: Desk) -> None:
    lines = desk.log.read_bytes().splitlines(keepends=True)
    desk.log.write_bytes(b"".join(lines[:-1]))
    assert desk.call("audit", "verify").exit_code == 1


def test_the_log_is_exported_as_csv_and_json(desk: Desk, tmp_path: Path) -> None:
    entries = len(desk.log.read_bytes().splitlines())
    assert desk.call("audit", "export", str(tmp_path / "log.json")).exit_code == 0
    assert len(json.loads((tmp_path / "log.json").read_text(encoding="utf-8"))) == entries
    assert desk.call("audit", "export", str(tmp_path / "log.csv")).exit_code == 0
    assert len((tmp_path / "log.csv").read_text(encoding="utf-8").splitlines()) == entries + 1
    assert desk.call("audit", "export", str(tmp_path / "log.xlsx")).exit_code == 2


def test_a_policy_is_replayed_and_says_what_would_differ(desk: Desk, tmp_path: Path) -> None:
    policy = shipped_policy("decisions")
    policy["rules"] = [
        rule | {"decision": "pivot"} if rule["rule"] == "clear_win" else rule for rule in policy["rules"]
    ]
    other = write_yaml(tmp_path, "other.yaml", policy)
    result = desk.call("policy", "replay", str(other), "--output", str(tmp_path / "rows.csv"))
    assert result.exit_code == 0, result.output
    assert "1 of 1 past decisions would differ" in result.output
    assert "E001" in (tmp_path / "rows.csv").read_text(encoding="utf-8")
    assert desk.call("policy", "replay", str(tmp_path / "none.yaml")).exit_code == 3
