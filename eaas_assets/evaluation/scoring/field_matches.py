"""Expected against answered values, field by field, for a whole run. What the matches are worth is in `scoring`."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eaas_assets.contracts.policies import EvaluationPolicy
from eaas_assets.contracts.suite import FieldRule, Suite
from eaas_assets.errors import PolicyError, shown
from eaas_assets.evaluation.scoring.alignment import Codes, distinct
from eaas_assets.evaluation.scoring.answers import CHUNK, FieldTexts
from eaas_assets.evaluation.scoring.comparisons import Test, comparison, expectation_fault
from eaas_assets.storage.files import canonical_json

SHOWN = 60
"""Characters of one value in an issue."""


class Expectations(NamedTuple):
    """What the scenarios of a suite expect, under a policy.

    Attributes:
        rules: Comparison and weight of each field.
        texts: Field → the different expected values as JSON text.
        codes: Field → shape (scenarios,): index into ``texts``.
        faults: Scenario's position → why an expected value of it cannot be compared.
    """

    rules: dict[str, FieldRule]
    texts: dict[str, pd.Index]
    codes: dict[str, Codes]
    faults: dict[int, str]


class FieldMatches(NamedTuple):
    """One field over all evaluations.

    Attributes:
        matched: Shape (evaluations,).
        issue: Shape (evaluations,): index into ``issues``, 0 for none.
        issues: The different mismatches as JSON text; the first is empty.
    """

    matched: NDArray[np.bool_]
    issue: Codes
    issues: list[str]


def read_expectations(expected_json: list[str], suite: Suite, policy: EvaluationPolicy) -> Expectations:
    """Expected values with their rules.

    Args:
        expected_json: Column of `journey_scenarios`, the suite's own scenarios.
        suite: Declares the fields.
        policy: May replace the suite's comparisons and weights.

    Raises:
        PolicyError: The policy's rules do not fit the suite.
    """
    try:
        rules = policy.rules_for(suite)
    except ValueError as error:
        raise PolicyError(f"policies/evaluation.yaml, field_rules of {suite.suite}: expected {error}") from error
    records = [json.loads(text) for text in expected_json]
    texts: dict[str, pd.Index] = {}
    codes: dict[str, Codes] = {}
    faults: dict[int, str] = {}
    for name, rule in rules.items():
        values = pd.Series([canonical_json(record.get(name)) for record in records], dtype="str")
        codes[name], texts[name] = pd.factorize(values)
        fault_of = [expectation_fault(rule, json.loads(text)) for text in texts[name]]
        for scenario, code in enumerate(codes[name]):
            if (fault := fault_of[code]) is not None:
                found = shown(texts[name][code])
                faults.setdefault(scenario, f"{name} is compared as {rule.compare}: found {found}, expected {fault}")
    return Expectations(rules, texts, codes, faults)


def match_field(name: str, expectations: Expectations, scenario: Codes, answered: FieldTexts) -> FieldMatches:
    """Compare one field of every evaluation; each different pair of values is compared once.

    Args:
        name: The field.
        expectations: What the scenarios expect.
        scenario: Shape (evaluations,): position of each evaluation's scenario; one without faults.
        answered: The field's answered values, by evaluation.
    """
    rule = expectations.rules[name]
    wanted = expectations.codes[name][scenario]
    pairs = distinct(wanted, answered.code)
    issues: dict[str, int] = {"": 0}
    questions: dict[int, tuple[Test, Any]] = {}
    for code in pd.unique(wanted).tolist():
        expected = json.loads(expectations.texts[name][code])
        questions[code] = (comparison(rule, expected), expected)
    matched = np.zeros(len(pairs.first), dtype=np.bool_)
    issue: Codes = np.zeros(len(pairs.first), dtype=np.int64)
    for start in range(0, len(pairs.first), CHUNK):
        rows = pairs.first[start : start + CHUNK]
        texts = answered.of(rows)
        for index, (code, text) in enumerate(zip(wanted[rows].tolist(), texts, strict=True), start):
            test, expected = questions[code]
            actual = None if text is None else json.loads(text)
            if test(actual):
                matched[index] = True
            else:
                issue[index] = issues.setdefault(canonical_json(_mismatch(name, rule, expected, actual)), len(issues))
    return FieldMatches(matched[pairs.code], issue[pairs.code], list(issues))


def _mismatch(name: str, rule: FieldRule, expected: Any, actual: Any) -> str:
    """The issue in words: with both values where they are single ones, short and on one line."""
    plain = all(value is None or isinstance(value, str | int | float) for value in (expected, actual))
    if rule.compare not in {"exact", "number"} or not plain:
        return f"{name}_mismatch"
    return f"{name}_mismatch: {_short(actual)} != {_short(expected)}"


def _short(value: Any) -> str:
    text = value if isinstance(value, str) else "nothing" if value is None else canonical_json(value)
    return text if len(text) <= SHOWN and text.isprintable() else shown(text, SHOWN)[1:-1]
