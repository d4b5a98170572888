from __future__ import annotations

import csv
import io
import json
import unicodedata
from pathlib import Path

import pytest

from eaas_assets.contracts.decisions import AuditLog as AuditLogTable
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets.decisions.audit.entries import Entry
from eaas_assets.decisions.audit.events import log_evaluation_run, log_policy
from eaas_assets.decisions.audit.export import export_log
from eaas_assets.decisions.audit.rows import audit_rows
from eaas_assets.decisions.audit.visible import inert, visible
from eaas_assets.errors import StorageError
from eaas_assets_tests.decisions.logs_by_hand import filled_log, log_at

FORMULAS = [
    "=1+1", "+1", "-1+cmd|' /C calc'!A0", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1", "\u00a0=1",
    "\u3000＝1", "＝1", "＋1", "－1", "＠x",
       "=HYPERLINK(\"http://example.com\")", "\u200b=1", "\ufeff=1", "|x", "%x",
]  # fmt: skip


@pytest.mark.parametrize("formula", FORMULAS)
def test_no_cell_begins_like_a_formula(formula: str) -> None:
    cell = inert(formula)
    assert cell.lstrip()[0] not in "=+-@|%＝＋－＠"
    assert visible(formula) in cell


@pytest.mark.parametrize("harmless", ["", "Scale it.", "a=b", "E-mail", "(1)", "'quoted", "ü", "日本語", "1 − 2"])
def test_other_text_stays_as_it_is(harmless: str) -> None:
    assert inert(harmless) == visible(harmless) == harmless


def test_hidden_characters_become_visible() -> None:
    assert visible("a\u202eb\x1b[31mc\u200dd\u2028e\x00\ud800") == (
        "a⟨U+202E⟩b⟨U+001B⟩[31mc⟨U+200D⟩d⟨U+2028⟩e⟨U+0000⟩⟨U+D800⟩"
    )


def hidden_in(text: str) -> list[str]:
    return [char for char in text if unicodedata.category(char)[0] == "C" or unicodedata.category(char) in {"Zl", "Zp"}]


def hostile_log(folder: Path):
    log = log_at(folder)
    payload = {f"=key{n}": text for n, text in enumerate(FORMULAS)} | {"list": ["=1", {"x": "\u202e"}], "number": -1.5}
    log.append(Entry("refusal", "=cmd", '+1\u202e\x1b]0;x\x07, "quoted"\nsecond line', payload, "@subject"))
    log.append(Entry("decision", "policy", "Scale it.", {"long": "=" + "x" * 1_000_000}, "E1"))
    return log


def test_a_csv_export_has_a_line_per_entry_and_nothing_live_or_hidden(tmp_path: Path) -> None:
    log = hostile_log(tmp_path)
    assert export_log(log.entries(), tmp_path / "out" / "log.csv", "csv") == 2
    text = (tmp_path / "out" / "log.csv").read_text()
    assert text.count("\n") == 3
    assert not any(hidden_in(line) for line in text.split("\n"))
    limit = csv.field_size_limit(10_000_000)  # of the whole process: other tests rely on it
    try:
        rows = list(csv.reader(io.StringIO(text)))
    finally:
        csv.field_size_limit(limit)
    header, first, _ = rows
    assert not [cell for row in rows for cell in row if cell[:1] in {"=", "+", "-", "@"}]
    row = dict(zip(header, first, strict=True))
    assert row["actor"] == "'=cmd"
    assert json.loads(row["payload"]) == next(log.entries()).payload  # escaped, but the same value


def test_a_json_export_is_an_array_in_which_every_text_is_inert(tmp_path: Path) -> None:
    log = hostile_log(tmp_path)
    assert export_log(log.entries(), tmp_path / "log.json", "json") == 2
    text = (tmp_path / "log.json").read_text()
    assert not any(hidden_in(line) for line in text.split("\n"))
    first, second = json.loads(text)
    assert (first["seq"], first["subject"], first["payload"]["number"]) == (1, "'@subject", -1.5)
    assert first["payload"]["list"] == ["'=1", {"x": "⟨U+202E⟩"}]
    assert "'=key0" in first["payload"]
    assert second["entry_hash"] == log.head()[1]


def test_an_empty_log_is_exported_as_no_entries(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    export_log(log.entries(), tmp_path / "log.json", "json")
    export_log(log.entries(), tmp_path / "log.csv", "csv")
    assert json.loads((tmp_path / "log.json").read_text()) == []
    assert (tmp_path / "log.csv").read_text().count("\n") == 1


def test_a_damaged_log_is_not_exported_in_part(tmp_path: Path) -> None:
    log = filled_log(tmp_path, 3)
    log.path.write_bytes(log.path.read_bytes()[:-200] + b"\n")
    with pytest.raises(StorageError, match="damaged"):
        export_log(log.entries(), tmp_path / "log.csv", "csv")
    assert not list(tmp_path.glob("*log.csv*"))


def test_rows_meet_the_contract_of_the_table(tmp_path: Path) -> None:
    log = hostile_log(tmp_path)
    log_policy(log, "approvals", "ab" * 32, {"policy": "approvals"})
    log_evaluation_run(log, "run-1", "agent@v1", {"manifest": "cd" * 32}, {"evaluations": 10})
    table = build(AuditLogTable, audit_rows(log.entries()))
    assert contract_problems(AuditLogTable, table) == []
    assert list(table["kind"]) == ["refusal", "decision", "policy_change", "evaluation_run"]
    assert not any(hidden_in(text) for column in ("summary", "payload_json", "actor") for text in table[column])


def test_a_policy_is_logged_when_it_changes_and_when_it_changes_back(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    one, two = "a" * 64, "b" * 64
    new = [log_policy(log, "release", digest, {"policy": "release"}).new for digest in (one, one, two, two, one, one)]
    assert new == [True, False, True, False, True, False]
    assert [entry.payload["before"] for entry in log.entries("policy_change")] == [None, one, two]


def test_a_run_is_logged_once(tmp_path: Path) -> None:
    log = log_at(tmp_path)
    assert log_evaluation_run(log, "r1", "a@v1", {}, {"passed": 9}).new
    assert not log_evaluation_run(log, "r1", "a@v1", {}, {"passed": 9}).new
