"""Executed evaluations under a policy: scores, and comparisons field by field. Nothing is executed or summarised."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eaas_assets.contracts.evaluation import EvaluationFieldScores, EvaluationScores
from eaas_assets.contracts.policies import EvaluationPolicy
from eaas_assets.contracts.suite import FieldRule, Suite
from eaas_assets.contracts.tables import build
from eaas_assets.errors import StorageError
from eaas_assets.evaluation.scoring.alignment import Codes, distinct, positions
from eaas_assets.evaluation.scoring.answers import FieldTexts, field_texts
from eaas_assets.evaluation.scoring.field_matches import Expectations, FieldMatches, match_field, read_expectations
from eaas_assets.evaluation.scoring.output_quality import output_quality_scores
from eaas_assets.evaluation.scoring.overall import correctness_scores, overall_scores
from eaas_assets.evaluation.scoring.response_time import is_slow, response_time_scores, response_times
from eaas_assets.evaluation.scoring.specialists import align_calls, expected_specialists

FAILED = '"evaluation_failed"'
SLOW = '"slow_response_time"'
BLOCK = 65_536
IDENTITY = ("run_id", "evaluation_key", "scenario_id", "trial")


class Unscored(NamedTuple):
    """Evaluations of one scenario that cannot be scored.

    Attributes:
        run_id: Their run.
        scenario_id: Their scenario.
        evaluations: How many.
        code: ``scenario_removed``, ``inputs_changed``, ``unusable_expectation`` or ``not_run``.
        reason: In one sentence.
    """

    run_id: str
    scenario_id: str
    evaluations: int
    code: str
    reason: str


class Scored(NamedTuple):
    """What came of scoring.

    Attributes:
        scores: Table `evaluation_scores`.
        field_scores: Table `evaluation_field_scores`; all rows of one field stand together.
        unscored: What was left out and why. Rates over ``scores`` do not speak of these.
    """

    scores: pd.DataFrame
    field_scores: pd.DataFrame
    unscored: list[Unscored]


def score(
    executed: pd.DataFrame,
    calls: pd.DataFrame,
    scenarios: pd.DataFrame,
    suite: Suite,
    policy: EvaluationPolicy,
    scored_at: datetime,
    names: Mapping[str, str] | None = None,
) -> Scored:
    """Score evaluations; also old ones, under another policy or against mended labels.

    An answer can only be held against the question that was asked. Where the scenario is no longer in the suite, or the
    agent would be shown something else today (another ``inputs_digest``), the evaluation is left out and reported,
    as is one whose expected value its comparison cannot use: a fault of the suite and not of the agent.

    Args:
        executed: Table `executed_evaluations`, of one suite; of one run or several.
        calls: Table `agent_calls` of these evaluations.
        scenarios: Table `journey_scenarios`; those of other suites are ignored.
        suite: The suite.
        policy: The rules.
        scored_at: Stands on every row.
        names: Name of a specialist by name and identifier; see `specialists.specialist_names`.

    Raises:
        StorageError: The evaluations are of another suite, or one stands twice.
        PolicyError: The policy's rules do not fit the suite.
    """
    if other := set(executed["suite"].unique()) - {suite.suite}:
        raise StorageError(f"evaluations of suite {', '.join(sorted(other))} cannot be scored by {suite.suite}")
    judged = scenarios[scenarios["suite"] == suite.suite].reset_index(drop=True)
    expectations = read_expectations(judged["expected_json"].tolist(), suite, policy)
    scenario = positions(executed, judged, ["scenario_id"])
    usable, unscored = _usable(executed, judged, scenario, expectations)
    if not usable.all():  # a copy of a million rows is a gigabyte, and nearly never needed
        executed, scenario = executed[usable].reset_index(drop=True), scenario[usable]
    answered = dict(zip(expectations.rules, field_texts(executed["answer_json"], [*expectations.rules]), strict=True))
    for field in answered.values():
        field.code[executed["status"].to_numpy() != "completed"] = -1
    matches = {name: match_field(name, expectations, scenario, answered[name]) for name in expectations.rules}
    policy_hash = _constant(policy.digest_for(suite), len(executed))
    rows = _Rows(executed, judged, scenario, suite, policy, policy_hash)
    quality = _quality(rows, calls, names or {})
    scores = _score_table(rows, expectations.rules, matches, quality, scored_at)
    field_scores = _field_table(rows, expectations, matches, answered)
    return Scored(scores, field_scores, unscored)


class _Rows(NamedTuple):
    """The evaluations that are scored, with what they are scored by."""

    executed: pd.DataFrame
    judged: pd.DataFrame
    scenario: Codes
    suite: Suite
    policy: EvaluationPolicy
    policy_hash: pd.Series

    @property
    def completed(self) -> NDArray[np.bool_]:
        return self.executed["status"].to_numpy() == "completed"


def _usable(
    executed: pd.DataFrame, judged: pd.DataFrame, scenario: Codes, expectations: Expectations
) -> tuple[NDArray[np.bool_], list[Unscored]]:
    """Which evaluations can be scored, and why the others cannot."""
    reasons = {
        1: ("scenario_removed", "the scenario is no longer in the suite"),
        2: ("inputs_changed", "the scenario shows the agent something else than it was shown"),
        3: ("unusable_expectation", ""),
        4: ("not_run", "it was not run: the budget was spent before"),
    }
    known = scenario >= 0
    shown_now = judged["inputs_digest"].reindex(scenario).reset_index(drop=True)
    changed = (shown_now != executed["inputs_digest"].reset_index(drop=True)).to_numpy(dtype=np.bool_)
    faulty = np.isin(scenario, list(expectations.faults))
    not_run = executed["status"].to_numpy() == "not_run"
    code = np.select([not_run, ~known, changed, faulty], [4, 1, 2, 3], 0)
    left_out = np.flatnonzero(code)
    counts = Counter(
        zip(
            executed["run_id"].iloc[left_out].tolist(),
            executed["scenario_id"].iloc[left_out].tolist(),
            code[left_out].tolist(),
            scenario[left_out].tolist(),
            strict=True,
        )
    )
    unscored = [
        Unscored(run_id, scenario_id, count, reasons[kind][0], reasons[kind][1] or expectations.faults[at])
        for (run_id, scenario_id, kind, at), count in counts.items()
    ]
    return code == 0, unscored


def _quality(rows: _Rows, calls: pd.DataFrame, names: Mapping[str, str]) -> NDArray[np.float64]:
    """Output quality; nan throughout for a suite without a path, which does not say what should be called."""
    if rows.suite.path_field is None:
        return np.full(len(rows.executed), np.nan)
    expected = expected_specialists(rows.judged["expected_json"].tolist(), rows.suite)
    aligned = align_calls(rows.executed, calls, rows.scenario, expected, names)
    policy = rows.policy
    return output_quality_scores(len(rows.executed), aligned, calls, policy.output_quality, policy.rounding)


def _score_table(
    rows: _Rows,
    rules: dict[str, FieldRule],
    matches: dict[str, FieldMatches],
    quality: NDArray[np.float64],
    scored_at: datetime,
) -> pd.DataFrame:
    executed, policy, completed = rows.executed, rows.policy, rows.completed
    seconds, source = response_times(executed, policy.response_time)
    response = response_time_scores(seconds, policy.response_time)
    slow = is_slow(seconds, policy.response_time)
    matched = np.column_stack([matches[name].matched & completed for name in rules])
    correctness = correctness_scores(matched, rules, policy.rounding)
    for part in (correctness, response, quality):
        part[~completed] = 0.0  # a failed execution: known to be worth nothing
    overall, passed = overall_scores(correctness, response, quality, policy)
    columns = {name: executed[name] for name in (*IDENTITY, "status")} | {
        "risk": rows.judged["risk"].reindex(rows.scenario).array,
        "correctness_score": correctness,
        "response_time_s": seconds,
        "response_time_source": source,
        "response_time_score": response,
        "output_quality_score": quality,
        "overall_score": overall,
        "passed": passed & completed,
        "all_fields_match": np.logical_and.reduce(matched, axis=1),
        "issues_json": _issues(completed, [matches[name] for name in rules], slow),
        "policy_hash": rows.policy_hash,
        "scored_at": pd.Timestamp(scored_at).as_unit("us"),
    }
    return build(EvaluationScores, pd.DataFrame(columns))


def _issues(completed: NDArray[np.bool_], matches: list[FieldMatches], slow: NDArray[np.bool_]) -> pd.Series:
    """What was wrong with each evaluation, as a JSON list; each different list is written once."""
    kinds = distinct(*(field.issue * completed for field in matches), slow & completed, completed)
    texts = []
    for row in kinds.first:
        issues = [field.issues[field.issue[row]] for field in matches if field.issue[row]] + [SLOW] * bool(slow[row])
        texts.append(f"[{','.join(issues if completed[row] else [FAILED])}]")
    return pd.Series(texts, dtype="str").take(kinds.code).reset_index(drop=True)


def _field_table(
    rows: _Rows, expectations: Expectations, matches: dict[str, FieldMatches], answered: dict[str, FieldTexts]
) -> pd.DataFrame:
    """One table a field, below each other. Columns that do not differ by field are shared and not copied."""
    executed, size = rows.executed, len(rows.executed)
    parts = []
    for name, rule in expectations.rules.items():
        actual = pd.Series(answered[name].texts, dtype="str").reindex(answered[name].code)
        columns = {column: executed[column] for column in IDENTITY} | {
            "field": _constant(name, size),
            "compare": _constant(rule.compare, size),
            "weight": float(rule.weight),
            "expected_json": expectations.texts[name].take(expectations.codes[name][rows.scenario]).array,
            "actual_json": actual.array,
            "matched": matches[name].matched & rows.completed,
            "policy_hash": rows.policy_hash,
        }
        parts.append(pd.DataFrame(columns))
    return build(EvaluationFieldScores, pd.concat(parts, ignore_index=True))


def _constant(text: str, size: int) -> pd.Series:
    """A column of one text. Its blocks are one block in memory: a hash a row would be 70 MB a million rows."""
    block = pd.Series([text], dtype="str").take(np.zeros(min(size, BLOCK), dtype=np.int64))
    whole, rest = divmod(size, BLOCK)
    return pd.concat([block] * whole + [block.iloc[:rest]], ignore_index=True)
