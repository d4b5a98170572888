"""Turns a complete ledger into the run's two immutable tables: executed evaluations and the calls within them."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
import pyarrow as pa

from eaas_assets.contracts.agent import AgentVersion
from eaas_assets.contracts.evaluation import AgentCalls, ExecutedEvaluations
from eaas_assets.contracts.tables import Table, column_types
from eaas_assets.errors import StorageError
from eaas_assets.evaluation.execution.outcomes import from_records
from eaas_assets.evaluation.execution.plan import Plan, PlannedEvaluation, PlannedScenario
from eaas_assets.storage.files import canonical_json
from eaas_assets.storage.ledger import Ledger
from eaas_assets.storage.tables import ROW_GROUP_ROWS, ParquetFile

NOT_RUN = canonical_json(
    {"status": "not_run", "error_code": "budget_spent", "error": "the run's budget was spent before", "attempts": 0}
)

_NOTHING: dict[str, Any] = {}


def seal_tables(
    plan: Plan, run_id: str, ledger: Ledger, executed_path: Path, calls_path: Path, *, rest_not_run: bool = False
) -> tuple[int, int]:
    """Write both tables in the order of the plan, in bounded memory.

    Args:
        plan: What was asked.
        run_id: The run.
        ledger: What became of it.
        executed_path: File of `executed_evaluations`.
        calls_path: File of `agent_calls`.
        rest_not_run: The run was stopped by its budget: what is missing is written down as not run.

    Returns:
        Rows of the executed evaluations and of the calls.

    Raises:
        StorageError: The ledger lacks planned evaluations: an incomplete run is never sealed.
    """
    missing = len(plan.evaluations) - ledger.count()
    if missing and not rest_not_run:
        raise StorageError(f"{run_id}: {missing} of {len(plan.evaluations)} planned evaluations are missing")
    executed_schema, calls_schema = arrow_schema(ExecutedEvaluations), arrow_schema(AgentCalls)
    with ParquetFile(executed_path, executed_schema) as executed, ParquetFile(calls_path, calls_schema) as calls:
        records = _with_not_run(plan, ledger) if missing else ledger.records()
        while chunk := list(islice(records, ROW_GROUP_ROWS)):
            part = _Part(
                run_id,
                [plan.evaluations[position] for position, _ in chunk],
                [plan.scenarios[plan.evaluations[position].scenario] for position, _ in chunk],
                from_records(record for _, record in chunk),
            )
            executed.append(pa.Table.from_pydict(_executed_columns(plan.version, part), executed_schema))
            calls.append(pa.Table.from_pylist(list(_call_rows(part)), calls_schema))
        return executed.rows, calls.rows


def _with_not_run(plan: Plan, ledger: Ledger) -> Iterator[tuple[int, str]]:
    stored = dict(ledger.records())
    for evaluation in plan.evaluations:
        yield evaluation.position, stored.get(evaluation.position, NOT_RUN)


@cache
def arrow_schema(contract: type[Table]) -> pa.Schema:
    """The Parquet schema of a contract, so that files of all runs fit together, also where a column is all null."""
    # As `build` shapes an empty table, without converting each column: half of the time, and every run waits for it.
    empty = pd.DataFrame({name: pd.array([], dtype=kind) for name, kind in column_types(contract).items()})
    return pa.Schema.from_pandas(empty, preserve_index=False)


class _Part(NamedTuple):
    """Evaluations that stand next to each other in the plan, and what became of them."""

    run_id: str
    evaluations: list[PlannedEvaluation]
    scenarios: list[PlannedScenario]
    records: list[dict[str, Any]]


def _executed_columns(version: AgentVersion, part: _Part) -> dict[str, list[Any]]:
    """The columns of `executed_evaluations`; column by column, since a dict a row takes four times as long."""
    rows, records = len(part.records), part.records
    responses = [record.get("response", _NOTHING) for record in records]
    usages = [record.get("response", record).get("usage", _NOTHING) for record in records]
    return {
        "run_id": [part.run_id] * rows,
        "evaluation_key": [evaluation.key.hex() for evaluation in part.evaluations],
        "scenario_id": [scenario.scenario_id for scenario in part.scenarios],
        "trial": [evaluation.trial for evaluation in part.evaluations],
        "agent": [version.agent] * rows,
        "version": [version.version] * rows,
        "suite": [version.suite] * rows,
        "inputs_digest": [scenario.inputs_digest for scenario in part.scenarios],
        "status": [record["status"] for record in records],
        "error_code": [record.get("error_code") for record in records],
        "error": [record.get("error") for record in records],
        "answer_json": [canonical_json(response["answer"]) if response else None for response in responses],
        "message": [response.get("message") for response in responses],
        "confidence": [response.get("confidence") for response in responses],
        "needs_human_review": [response.get("needs_human_review") for response in responses],
        "simulated_s": [record.get("simulated_s") for record in records],
        "reported_s": [response.get("response_time_s") for response in responses],
        "measured_s": [record.get("measured_s") for record in records],
        "loop_lag_s": [record.get("loop_lag_s") for record in records],
        "attempts": [record.get("attempts", 1) for record in records],
        "input_tokens": [usage.get("input_tokens") for usage in usages],
        "output_tokens": [usage.get("output_tokens") for usage in usages],
        "cost_usd": [usage.get("cost_usd") for usage in usages],
    }


def _call_rows(part: _Part) -> Iterator[dict[str, Any]]:
    for evaluation, scenario, record in zip(part.evaluations, part.scenarios, part.records, strict=True):
        for number, step in enumerate(record.get("response", _NOTHING).get("steps", ()), start=1):
            yield {
                "run_id": part.run_id,
                "evaluation_key": evaluation.key.hex(),
                "scenario_id": scenario.scenario_id,
                "trial": evaluation.trial,
                "step": number,
                "agent_id": step["agent"],
                "action": step["action"],
                "output_json": canonical_json(step["output"]),
                "response_time_s": step["response_time_s"],
            }
