"""One version's part of the one history: what was imported, and what a run of this system adds.

Belongs here: bringing both kinds of run into the same three tables. Nothing is judged or compared.
"""

from __future__ import annotations

import json
from typing import Any

import pandas as pd

from eaas_assets.contracts.history import EvaluationRuns, RunMetrics, ScenarioEvaluations
from eaas_assets.contracts.tables import build
from eaas_assets.errors import StorageError
from eaas_assets.history.audit_rows import scenario_rows
from eaas_assets.history.columns import FIELDS, RATES, TIMES, all_matched
from eaas_assets.history.counts import count_of, written_decimals
from eaas_assets.history.finding import records
from eaas_assets.history.imports import HistoryReading
from eaas_assets.history.measures import UNKNOWN, Measure, mean, rate, scenario_measures, total
from eaas_assets.history.record import RunRecord
from eaas_assets.stats.intervals import wilson
from eaas_assets.storage.files import canonical_json

MILLISECONDS = 1000


def historical_runs(history: HistoryReading, agent: str, version: str) -> RunRecord:
    """The imported runs of one version.

    Their rates keep the stated value. A count, and with it an interval, they have only where the rate can be that of a
    whole number of the stated scenarios. Imported runs count as full: nothing else is recorded.
    """
    runs = [
        row for row in records(history.runs) if row["target_orchestrator"] == agent and row["target_version"] == version
    ]
    own = {row["run_id"]: row for row in runs}
    decimals = {known.column: written_decimals(history.metrics[known.column].tolist()) for known in RATES}
    metrics: list[dict[str, Any]] = []
    for summary in records(history.metrics[history.metrics["run_id"].isin(own)]):
        run = own[summary["run_id"]]
        metrics.extend(_metric_rows(_run_row(run), _stated(summary, run["scenario_count"], decimals), None))
    scenarios = scenario_rows(history.scenarios[history.scenarios["run_id"].isin(own)])
    return RunRecord(
        build(EvaluationRuns, [_run_row(run) for run in runs]),
        build(RunMetrics, metrics),
        build(ScenarioEvaluations, [_scenario_row(row, agent, version) for row in scenarios]),
    )


def _run_row(run: dict[str, Any]) -> dict[str, Any]:
    return {
        "run_id": run["run_id"],
        "run_timestamp": run["run_timestamp"],
        "agent": run["target_orchestrator"],
        "version": run["target_version"],
        "suite": None,
        "evaluation_type": run["evaluation_type"],
        "scenario_count": run["scenario_count"],
        "evaluation_count": run["scenario_count"],
        "source": "historical",
        "scope": "full",
        "simulated": None,
        "notes": run["notes"],
    }


def _stated(summary: dict[str, Any], n: int, decimals: dict[str, int]) -> dict[str, Measure]:
    measures = {}
    for known in RATES:
        value = summary[known.column]
        hits = count_of(value, n, decimals[known.column])
        measures[known.metric] = (
            Measure(value, None, n) if hits is None else Measure(value, hits, n, *wilson(hits, n)[:2])
        )
    failures = summary["high_risk_failures"]
    measures["high_risk_failures"] = Measure(float(failures), failures)
    return measures | {metric: Measure(summary[column]) for column, metric in TIMES.items()}


def _scenario_row(row: dict[str, Any], agent: str, version: str) -> dict[str, Any]:
    matches = {field: row[f"{field}_match"] for field in FIELDS}
    return {
        "run_id": row["run_id"],
        "agent": agent,
        "version": version,
        "source": "historical",
        "scenario_id": row["scenario_id"],
        "trial": 1,
        "risk": None,
        "status": None,
        "passed": all_matched(list(matches.values())),
        "overall_score": None,
        "matches_json": canonical_json(matches),
        "actual_json": canonical_json({field: row[f"actual_{field}"] for field in FIELDS}),
        "expected_json": canonical_json({field: row[f"expected_{field}"] for field in FIELDS}),
        "response_time_ms": row["latency_ms"],
        "cost_usd": None,
        "confidence": row["confidence_score"],
        "requires_human_review": row["requires_human_review"],
        "failure_reason": row["failure_reason"],
        "policy_hash": None,
    }


def executed_run(
    plan: pd.DataFrame, executed: pd.DataFrame, scores: pd.DataFrame, field_scores: pd.DataFrame, policy_hash: str
) -> RunRecord:
    """A run of this system, under one scoring.

    An evaluation that was executed but could not be scored has a row without a result: it is in no rate.

    Args:
        plan: EvaluationPlan, the one row of the run.
        executed: ExecutedEvaluations; rows of other runs are ignored, here and below.
        scores: EvaluationScores; rows of other policies are ignored, here and below.
        field_scores: EvaluationFieldScores.
        policy_hash: The scoring.

    Raises:
        StorageError: ``plan`` is not one row, or scores belong to no executed evaluation.
    """
    if len(plan) != 1:
        raise StorageError(f"evaluation_plan: {len(plan)} rows for a run; expected 1")
    planned = records(plan)[0]
    run_id = planned["run_id"]
    executed = executed[executed["run_id"] == run_id].reset_index(drop=True)
    scores, field_scores = (
        frame[(frame["run_id"] == run_id) & (frame["policy_hash"] == policy_hash)] for frame in (scores, field_scores)
    )
    if (pd.Index(executed["evaluation_key"]).get_indexer(pd.Index(scores["evaluation_key"])) < 0).any():
        raise StorageError(f"evaluation_scores: scores of evaluations that {run_id} did not execute")
    chosen = planned["scope_scenario_id"] is not None or planned["scope_target_agent_id"] is not None
    asked = executed[executed["status"] != "not_run"]
    partial = chosen or len(asked) < len(executed)
    run = {
        "run_id": run_id,
        "run_timestamp": planned["created_at"],
        "agent": planned["agent"],
        "version": planned["version"],
        "suite": planned["suite"],
        "evaluation_type": planned["evaluation_type"],
        "scenario_count": planned["scenarios"],
        "evaluation_count": planned["planned_evaluations"],
        "source": "executed",
        "scope": "partial" if partial else "full",
        "simulated": bool(executed["simulated_s"].notna().any()),
        "notes": planned["goal"],
    }
    rows = _scenario_table(executed, scores, field_scores, policy_hash)
    measures = scenario_measures(rows) | _execution_measures(asked, scores)
    return RunRecord(build(EvaluationRuns, [run]), build(RunMetrics, _metric_rows(run, measures, policy_hash)), rows)


def _metric_rows(run: dict[str, Any], measures: dict[str, Measure], policy_hash: str | None) -> list[dict[str, Any]]:
    shared = {name: run[name] for name in ("run_id", "run_timestamp", "agent", "version", "source")}
    return [
        shared | {"metric": metric, **measure._asdict(), "policy_hash": policy_hash}
        for metric, measure in measures.items()
    ]


def _execution_measures(executed: pd.DataFrame, scores: pd.DataFrame) -> dict[str, Measure]:
    """What scenario rows do not tell: failures while executing, failures of high risk, cost and tokens."""
    failed = (executed["status"] != "completed").astype("boolean")
    measures = {
        "high_risk_failures": _high_risk_failures(scores),
        "execution_failure_rate": rate(failed, pd.factorize(executed["scenario_id"])[0]),
    }
    for column in ("input_tokens", "output_tokens", "cost_usd"):
        measures[f"average_{column}"] = mean(executed[column])
    return measures | {"total_cost_usd": total(executed["cost_usd"])}


def _high_risk_failures(scores: pd.DataFrame) -> Measure:
    """Failed evaluations of high risk, out of those of high risk; unknown where no scenario has a risk."""
    if scores["risk"].isna().all():
        return UNKNOWN
    risky = scores["risk"] == "high"
    failures = int((risky & ~scores["passed"]).sum())
    return Measure(float(failures), failures, int(risky.sum()))


def _scenario_table(
    executed: pd.DataFrame, scores: pd.DataFrame, field_scores: pd.DataFrame, policy_hash: str
) -> pd.DataFrame:
    scored = scores.set_index("evaluation_key").reindex(executed["evaluation_key"])
    keys = pd.Index(executed["evaluation_key"])
    fields = {str(field): rows.set_index("evaluation_key") for field, rows in field_scores.groupby("field", sort=True)}
    flags = {field: rows["matched"].map({True: "true", False: "false"}).reindex(keys) for field, rows in fields.items()}
    table = executed[["run_id", "agent", "version", "scenario_id", "trial", "status", "cost_usd", "confidence"]].assign(
        source="executed",
        risk=scored["risk"].to_numpy(),
        passed=scored["passed"].to_numpy(),
        overall_score=scored["overall_score"].to_numpy(),
        matches_json=_objects(flags, len(keys)),
        actual_json=_objects({field: rows["actual_json"].reindex(keys) for field, rows in fields.items()}, len(keys)),
        expected_json=_objects(
            {field: rows["expected_json"].reindex(keys) for field, rows in fields.items()}, len(keys)
        ),
        response_time_ms=(scored["response_time_s"] * MILLISECONDS).round(6).to_numpy(),
        requires_human_review=executed["needs_human_review"],
        failure_reason=_reasons(executed, scored),
        policy_hash=policy_hash,
    )
    return build(ScenarioEvaluations, table)


def _objects(values: dict[str, pd.Series], n: int) -> pd.Series:
    """JSON objects from the JSON texts of their fields, joined as text: nothing is parsed."""
    text = pd.Series("{", index=range(n), dtype="str")
    for position, (field, texts) in enumerate(sorted(values.items())):
        name = ("," if position else "") + json.dumps(field, ensure_ascii=False) + ":"
        text = text + name + texts.fillna("null").set_axis(text.index)
    return text + "}"


def _reasons(executed: pd.DataFrame, scored: pd.DataFrame) -> pd.Series:
    """Why an evaluation did not pass: its error, else its issues; null where it passed."""
    texts = scored["issues_json"].tolist()
    reasons = {text: "; ".join(json.loads(text)) or "below the threshold" for text in {*texts} if isinstance(text, str)}
    issues = pd.Series([reasons.get(text, "not scored") for text in texts], index=executed.index, dtype="str")
    passed = pd.Series(scored["passed"].to_numpy(dtype=object) == True, index=executed.index)  # noqa: E712 (unscored: nan)
    return executed["error"].where(executed["error"].notna(), issues).mask(passed)
