"""Worlds (data folders) for tests: the sample world, a small one to break, a large one of another shape.

Every world is written into a folder that the caller owns, usually ``tmp_path``. The small world has six scenarios and
a path field; the large one has numbers and sets, no path, and as many scenarios as asked for.
"""

from __future__ import annotations

import csv
import json
import random
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

SAMPLE_DATA = Path(__file__).parents[1] / "data"

Row = dict[str, Any]


class _PlainDumper(yaml.SafeDumper):
    """YAML without aliases: the reader refuses them."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


# -- writing files ------------------------------------------------------------------------------------------------


def write_text(root: Path, relative: str, text: str | bytes) -> Path:
    """Write a file below ``root``, with its folders."""
    path = root / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def write_yaml(root: Path, relative: str, document: Any) -> Path:
    """Write a YAML document below ``root``."""
    return write_text(root, relative, yaml.dump(document, Dumper=_PlainDumper, sort_keys=False, allow_unicode=True))


def write_records(root: Path, relative: str, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows in the format that the file's ending names: .json, .jsonl, .csv or .parquet."""
    ending = Path(relative).suffix
    if ending == ".json":
        return write_text(root, relative, json.dumps(list(rows), indent=1))
    if ending == ".jsonl":
        return write_text(root, relative, "".join(json.dumps(row) + "\n" for row in rows))
    path = write_text(root, relative, "")
    if ending == ".parquet":
        pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
        return path
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)
    return path


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, list | dict) else value


def write_suite(
    root: Path,
    declaration: Mapping[str, Any],
    scenarios: Sequence[Mapping[str, Any]],
    context: Mapping[str, Sequence[Mapping[str, Any]]] | None = None,
) -> Path:
    """Write a suite: its declaration, its scenario file and its context tables (by table name)."""
    folder = f"suites/{declaration['suite']}"
    write_yaml(root, f"{folder}/suite.yaml", declaration)
    write_records(root, f"{folder}/{declaration['scenarios']['file']}", scenarios)
    files = {table["table"]: table["file"] for table in declaration.get("context", [])}
    for table, rows in (context or {}).items():
        write_records(root, f"{folder}/{files[table]}", rows)
    return root / folder


def write_agent(root: Path, agent: str = "desk_agent", version: str = "v1", **fields: Any) -> Path:
    """Write an agent version; ``fields`` replace or add to a minimal one for the small world."""
    document = {"agent": agent, "version": version, "suite": "returns_desk", "adapter": "rules", **fields}
    return write_yaml(root, f"agents/{agent}/{version}.yaml", document)


def write_policies(root: Path, **changes: Mapping[str, Any]) -> None:
    """Write the shipped evaluation and release policies; ``changes``: policy → the fields to replace."""
    for name in ("evaluation", "release"):
        write_yaml(root, f"policies/{name}.yaml", {**shipped_policy(name), **changes.get(name, {})})


def write_decision_policies(root: Path, **changes: Mapping[str, Any]) -> None:
    """Write the shipped policies of experiments and decisions; ``changes``: policy → the fields to replace."""
    for name in ("experiments", "decisions", "approvals", "portfolio"):
        write_yaml(root, f"policies/{name}.yaml", {**shipped_policy(name), **changes.get(name, {})})


def shipped_policy(name: str) -> Row:
    """The fields of a policy as it is shipped."""
    policy: Row = yaml.safe_load((SAMPLE_DATA / "policies" / f"{name}.yaml").read_text(encoding="utf-8"))
    return policy


# -- worlds -------------------------------------------------------------------------------------------------------


def sample_world(root: Path) -> Path:
    """A copy of the shipped sample world."""
    shutil.copytree(SAMPLE_DATA, root, dirs_exist_ok=True)
    return root


def small_world(root: Path, ending: str = "json", **changes: Any) -> Path:
    """Suite ``returns_desk`` (six scenarios, two accounts, path field) with both policies, without agents.

    Args:
        root: Where to write.
        ending: Format of the scenario file: json, jsonl, csv or parquet.
        changes: Fields of the suite's declaration to replace.
    """
    declaration = {**returns_suite(ending), **changes}
    write_suite(root, declaration, returns_scenarios(), {"accounts": returns_accounts()})
    write_policies(root)
    return root


def returns_suite(ending: str = "json") -> Row:
    """The declaration of the small suite."""
    return {
        "suite": "returns_desk",
        "title": "Returns desk",
        "scenarios": {
            "file": f"scenarios.{ending}",
            "id": "scenario_id",
            "message": "text",
            "inputs": ["channel"],
            "risk": "risk",
            "severity": "severity",
            "segments": {"channel": "channel", "tier": "accounts.tier"},
        },
        "context": [
            {
                "table": "accounts",
                "file": "accounts.csv",
                "key": "account_id",
                "columns": {
                    "account_id": {"type": "string"},
                    "tier": {"type": "string", "one_of": ["basic", "plus"]},
                    "balance": {"type": "number", "min": 0},
                    "active": {"type": "boolean"},
                    "since": {"type": "date"},
                },
            }
        ],
        "expected": [
            {"field": "decision", "column": "want_decision", "compare": "exact", "weight": 0.5},
            {"field": "refund", "column": "want_refund", "compare": "number", "tolerance": 0.01, "weight": 0.2},
            {"field": "steps", "column": "want_steps", "compare": "sequence", "weight": 0.3, "role": "path"},
        ],
    }


def returns_scenarios() -> list[Row]:
    """The six scenarios of the small suite."""
    table = [
        ("D1", "A1", "chat", "The kettle leaks at the base.", "approve", 30.0, ["checker", "cashier"], "low", 3),
        ("D2", "A2", "mail", "I simply changed my mind about the lamp.", "decline", 0, ["checker"], "low", 4),
        ("D3", "A1", "mail", "Half of the plates came broken.", "approve", 12.5, ["checker", "cashier"], "medium", 2),
        ("D4", "A2", "chat", "My card was charged twice for one chair!", "approve", 80.0, ["cashier"], "high", 1),
        ("D5", "A1", "phone", "A stranger ordered this for me.", "escalate", 0, ["checker", "lead"], "high", 1),
        ("D6", "A2", "phone", "Can I still send back last year's coat?", "decline", 0, ["checker"], "low", 4),
    ]
    names = (
        "scenario_id", "account_id", "channel", "text",
        "want_decision", "want_refund", "want_steps", "risk", "severity",
    )  # fmt: skip
    return [dict(zip(names, row, strict=True)) for row in table]


def returns_accounts() -> list[Row]:
    """The two accounts of the small suite."""
    return [
        {"account_id": "A1", "tier": "plus", "balance": 12.5, "active": True, "since": "2021-04-01"},
        {"account_id": "A2", "tier": "basic", "balance": 0, "active": False, "since": "2024-11-30"},
    ]


_SUBJECTS = ("invoice", "contract", "delivery note", "credit note", "reminder", "quotation", "timesheet", "receipt")
_FAULTS = ("lists the wrong total", "has no date", "names another company", "was sent twice", "is missing a page",
           "shows an old address", "uses the wrong currency", "cannot be opened")  # fmt: skip
_WISHES = ("Please mend it before Friday.", "Who looks after this?", "Our auditor is waiting.", "There is no hurry.",
           "Call me first.", "I have sent this before.", "The supplier is upset.", "What should I do?")  # fmt: skip
_TAGS = ("money", "legal", "supplier", "duplicate", "formal")


def large_world(root: Path, scenarios: int = 5000, ending: str = "jsonl", seed: int = 7) -> Path:
    """Suite ``paper_desk``: other fields (exact, number, set), no path, one supplier per ten scenarios."""
    draw = random.Random(seed)  # noqa: S311 (test data)
    suppliers = [
        {"supplier_id": f"P{i:05d}", "country": draw.choice(["PT", "SE", "IE"]), "open_items": draw.randrange(40)}
        for i in range(max(1, scenarios // 10))
    ]
    rows = []
    for i in range(scenarios):
        supplier = draw.choice(suppliers)["supplier_id"]
        subject, fault = draw.choice(_SUBJECTS), draw.choice(_FAULTS)
        reference = f"{draw.randrange(16**6):06x}"
        rows.append(
            {
                "case": f"L{i:06d}",
                "supplier_id": supplier,
                "body": f"The {subject} {reference} of {draw.choice(_MONTHS)} {fault}. {draw.choice(_WISHES)}",
                "team": draw.choice(["payables", "receivables", "archive", "purchasing"]),
                "amount": round(draw.uniform(1, 5000), 2),
                "tags": sorted(draw.sample(_TAGS, draw.randrange(1, 4))),
                "risk": draw.choice(["low", "low", "medium", "high"]),
            }
        )
    write_suite(root, paper_suite(ending), rows, {"suppliers": suppliers})
    write_policies(root)
    return root


_MONTHS = ("January", "March", "May", "July", "August", "October")


def paper_suite(ending: str = "jsonl") -> Row:
    """The declaration of the large suite."""
    return {
        "suite": "paper_desk",
        "title": "Paperwork desk",
        "scenarios": {
            "file": f"cases.{ending}",
            "id": "case",
            "message": "body",
            "risk": "risk",
            "segments": {"country": "suppliers.country"},
        },
        "context": [
            {
                "table": "suppliers",
                "file": "suppliers.csv",
                "key": "supplier_id",
                "columns": {
                    "supplier_id": {"type": "string"},
                    "country": {"type": "string"},
                    "open_items": {"type": "integer", "min": 0},
                },
            }
        ],
        "expected": [
            {"field": "team", "column": "team", "compare": "exact", "weight": 0.5},
            {"field": "amount", "column": "amount", "compare": "number", "tolerance": 0.005, "weight": 0.3},
            {"field": "tags", "column": "tags", "compare": "set", "weight": 0.2},
        ],
    }
