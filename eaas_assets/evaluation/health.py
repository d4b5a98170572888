"""How healthy each stage of a run was: units of work, failures, duration, and the time that failures cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

STAGES = ("read inputs", "plan", "execute", "score", "summarise")


def workflow_health_rows(
    run_id: str,
    validation: pd.DataFrame,
    executed: pd.DataFrame,
    scores: pd.DataFrame,
    performance: pd.DataFrame,
    durations: Mapping[str, float | None],
) -> list[dict[str, Any]]:
    """Rows of ``workflow_health`` (contract WorkflowHealth).

    Args:
        run_id: The run.
        validation: Its rows of ``validation_results``.
        executed: Its rows of ``executed_evaluations``.
        scores: Its rows of ``evaluation_scores``.
        performance: Its rows of ``agent_performance_summary``.
        durations: Seconds by stage; a stage that is absent or None was not measured in this orchestrator run.
    """
    asked = executed[executed["status"] != "not_run"]
    unfinished = asked[asked["status"] != "completed"]
    seconds = unfinished[["simulated_s", "reported_s", "measured_s"]].bfill(axis=1).iloc[:, 0]
    files = validation[validation["used_by_run"]]
    work = {
        "read inputs": (len(files), int((files["outcome"] != "ok").sum()), None, "input files"),
        "plan": (1, 0, None, "plan"),
        "execute": (len(asked), len(unfinished), float(seconds.sum()), "evaluations"),
        "score": (len(scores), 0, None, "evaluations"),
        "summarise": (len(performance), 0, None, "agents"),
    }
    return [_row(run_id, stage, *work[stage], durations.get(stage)) for stage in STAGES]


def _row(
    run_id: str, stage: str, units: int, failures: int, lost: float | None, unit: str, duration: float | None
) -> dict[str, Any]:
    status = "ok" if not failures else "failed" if failures == units else "degraded"
    statement = f"{units - failures:,} of {units:,} {unit} without failure"
    if failures and lost:
        statement += f"; {lost:.1f} s went to the {failures:,} that failed"
    return {
        "run_id": run_id,
        "stage": stage,
        "status": status,
        "units": units,
        "failures": failures,
        "duration_s": duration,
        "time_lost_s": lost,
        "statement": statement + ".",
    }
