"""Ten thousand spoilt input files: no exception but InputError, no hang, and every problem is told completely."""

from __future__ import annotations

import dataclasses
import json
import random
import time
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from eaas_assets.contracts.agent import AgentVersion
from eaas_assets.contracts.policies import EvaluationPolicy, ReleasePolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.errors import InputError, Problem
from eaas_assets.storage.files import canonical_json
from eaas_assets.suites.audit import suite_audit
from eaas_assets.suites.catalogue import read_decision_rules, read_specialists
from eaas_assets.suites.reading import SuiteReading, read_suite
from eaas_assets.suites.tables import context_table, decision_rules, journey_scenarios, specialist_agents
from eaas_assets_tests.fuzz.mutants import spoil_bytes, spoil_structure, to_csv, to_json, to_jsonl, to_yaml
from eaas_assets_tests.worlds import (
    SAMPLE_DATA,
    returns_accounts,
    returns_scenarios,
    returns_suite,
    shipped_policy,
    small_world,
)

SLOWEST = 5.0
SUITE = "suites/returns_desk"
AGENT: dict[str, Any] = {
    "agent": "desk_agent",
    "version": "v1",
    "suite": "returns_desk",
    "adapter": "rules",
    "settings": {"rules": [{"when": [{"field": "a.b", "operator": "above", "value": 0.5}], "answer": {"x": [1, "b"]}}]},
    "limits": {"timeout_s": 2.5, "concurrency": 4},
    "trials": 3,
}


class Kind(NamedTuple):
    """One kind of file: where it lies in the small world, what it holds, how it is written, and who reads it."""

    file: str
    content: Any
    write: Callable[[Any], bytes]
    read: Callable[[Path, str], Iterable[Problem]]


def _read_suite(root: Path, _: str) -> Iterable[Problem]:
    reading = read_suite(root, "returns_desk")
    _check_suite(reading)
    return [problem for file in reading.files for problem in file.problems]


def _check_suite(reading: SuiteReading) -> None:
    """What holds of every reading, however bad the files are."""
    for file in reading.files:
        assert file.outcome != "failed" or file.problems
        assert file.rows_read is None or file.rows_read > 0
    ids = [scenario.scenario_id for scenario in reading.scenarios]
    assert len(set(ids)) == len(ids)
    for scenario in reading.scenarios:
        canonical_json([scenario.context, scenario.expected, scenario.segments, scenario.message]).encode()
        assert reading.suite is not None
        assert list(scenario.expected) == [field.field for field in reading.suite.expected]


def _check_tables(reading: SuiteReading) -> None:
    assert len(journey_scenarios([reading])) == len(reading.scenarios)
    specialist_agents([reading])
    decision_rules([reading])
    for table in reading.context:
        context_table([reading], table)
    assert not suite_audit([reading]).empty


def _read_and_audit(root: Path, relative: str) -> Iterable[Problem]:
    problems = _read_suite(root, relative)
    _check_tables(read_suite(root, "returns_desk"))
    return problems


@lru_cache(maxsize=1)
def _support() -> SuiteReading:
    return read_suite(SAMPLE_DATA, "customer_support")


def _read_rules(root: Path, relative: str) -> Iterable[Problem]:
    rules, reading = read_decision_rules(root, relative)
    if rules is not None:
        _check_tables(dataclasses.replace(_support(), decision_rules=rules))
    return reading.problems


def _read_specialists(root: Path, relative: str) -> Iterable[Problem]:
    specialists, reading = read_specialists(root, relative)
    specialist_agents([dataclasses.replace(_support(), specialists=specialists)])
    return reading.problems


def _document(model: type[AgentVersion | EvaluationPolicy | ReleasePolicy]) -> Callable[[Path, str], Iterable[Problem]]:
    def read(root: Path, relative: str) -> Iterable[Problem]:
        document, _ = read_document(model, root, relative)
        canonical_json(document.model_dump(mode="json"))  # can be hashed and stored
        return []

    return read


def _sample(name: str) -> Any:
    path = SAMPLE_DATA / "suites" / "customer_support" / name
    return json.loads(path.read_text()) if path.suffix == ".json" else yaml.safe_load(path.read_text())


KINDS = {
    "suite": Kind(f"{SUITE}/suite.yaml", returns_suite(), to_yaml, _read_suite),
    "suite_audited": Kind(f"{SUITE}/suite.yaml", returns_suite(), to_yaml, _read_and_audit),
    "scenarios_json": Kind(f"{SUITE}/scenarios.json", returns_scenarios(), to_json, _read_suite),
    "scenarios_jsonl": Kind(f"{SUITE}/scenarios.jsonl", returns_scenarios(), to_jsonl, _read_suite),
    "scenarios_csv": Kind(f"{SUITE}/scenarios.csv", returns_scenarios(), to_csv, _read_suite),
    "scenarios_audited": Kind(f"{SUITE}/scenarios.jsonl", returns_scenarios(), to_jsonl, _read_and_audit),
    "context_csv": Kind(f"{SUITE}/accounts.csv", returns_accounts(), to_csv, _read_suite),
    "context_json": Kind(f"{SUITE}/accounts.json", returns_accounts(), to_json, _read_suite),
    "decision_rules": Kind("rules.yaml", _sample("decision_rules.yaml"), to_yaml, _read_rules),
    "specialists": Kind("specialists.json", _sample("specialist_agents.json"), to_json, _read_specialists),
    "agent": Kind("agents/desk_agent/v1.yaml", AGENT, to_yaml, _document(AgentVersion)),
    "evaluation_policy": Kind(
        "policies/evaluation.yaml", shipped_policy("evaluation"), to_yaml, _document(EvaluationPolicy)
    ),
    "release_policy": Kind("policies/release.yaml", shipped_policy("release"), to_yaml, _document(ReleasePolicy)),
}

AUDITED = {"suite_audited", "scenarios_audited", "decision_rules"}


def _world(root: Path, kind: Kind) -> Path:
    ending = Path(kind.file).suffix[1:]
    context = returns_suite()["context"]
    if kind.file.endswith("accounts.json"):
        context[0]["file"] = "accounts.json"
    return small_world(root, ending if "scenarios" in kind.file else "json", context=context)


def mutant(name: str, number: int) -> bytes:
    """The bytes of a mutant."""
    kind = KINDS[name]
    draw = random.Random(f"{name} {number}")  # noqa: S311 (test data)
    if number == 0:
        return kind.write(kind.content)
    if number % 2:
        return spoil_bytes(kind.write(kind.content), draw)
    spoilt = kind.write(spoil_structure(kind.content, draw))
    return spoil_bytes(spoilt, draw) if number % 10 == 0 else spoilt


def _check(name: str, numbers: range, root: Path) -> int:
    """Read mutants; returns for how many of them a problem was told."""
    kind = KINDS[name]
    path = _world(root, kind) / kind.file
    path.parent.mkdir(parents=True, exist_ok=True)
    told = 0
    for number in numbers:
        path.write_bytes(mutant(name, number))
        started = time.perf_counter()
        try:
            problems = list(kind.read(root, kind.file))
        except InputError as error:
            problems = list(error.problems)
            assert problems
        except Exception as error:  # noqa: BLE001 (whatever it is: it must not come out of a reader)
            pytest.fail(f"mutant('{name}', {number}) raised {error!r}")
        took = time.perf_counter() - started
        assert took < SLOWEST, f"mutant('{name}', {number}) took {took:.1f} s"
        for problem in problems:
            _check_problem(problem, f"mutant('{name}', {number})")
        told += bool(problems)
        if number == 0:
            assert problems == [], name
    return told


def _check_problem(problem: Problem, where: str) -> None:
    for text in (problem.file, problem.code, problem.found, problem.expected, problem.field or "-"):
        assert isinstance(text, str), where
        assert text.strip(), where
        assert len(text) < 2000, where
    assert problem.found.isprintable(), where
    assert problem.row is None or problem.row >= 1, where
    assert not Path(problem.file).is_absolute(), where
    canonical_json(problem.as_row()).encode()


@pytest.mark.parametrize("name", KINDS)
def test_spoilt_files_are_told_and_nothing_else_happens(name: str, tmp_path: Path) -> None:
    size = 24 if name in AUDITED else 56
    assert _check(name, range(size), tmp_path) > size // 3


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
@pytest.mark.parametrize("name", KINDS)
def test_ten_thousand_spoilt_files_are_told_and_nothing_else_happens(name: str, part: int, tmp_path: Path) -> None:
    size = 200
    assert _check(name, range(part * size, (part + 1) * size), tmp_path) > size // 3


def test_mutants_are_the_same_every_time() -> None:
    assert mutant("suite", 7) == mutant("suite", 7)
    assert len({mutant(name, number) for name in KINDS for number in range(4)}) > 30
