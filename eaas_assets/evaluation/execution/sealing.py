"""Turns a complete ledger into the run's two immutable tables: executed evaluations and the calls within them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from eaas_assets.contracts.evaluation import AgentCalls, ExecutedEvaluations
from eaas_assets.contracts.tables import Table, build
from eaas_assets.errors import StorageError
from eaas_assets.evaluation.execution.outcomes import from_record
from eaas_assets.evaluation.execution.plan import Plan
from eaas_assets.storage.files import canonical_json
from eaas_assets.storage.ledger import Ledger
from eaas_assets.storage.tables import ROW_GROUP_ROWS, ParquetFile

NOT_RUN = canonical_json(
    {"status": "not_run", "error_code": "budget_spent", "error": "the run's budget was spent before", "attempts": 0}
)

_Columns = dict[str, list[Any]]


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
            executed_rows, call_rows = _empty(executed_schema), _empty(calls_schema)
            for position, record in chunk:
                _add(plan, run_id, position, from_record(record), executed_rows, call_rows)
            executed.append(pa.Table.from_pydict(executed_rows, executed_schema))
            calls.append(pa.Table.from_pydict(call_rows, calls_schema))
        return executed.rows, calls.rows


def _with_not_run(plan: Plan, ledger: Ledger) -> Iterator[tuple[int, str]]:
    stored = dict(ledger.records())
    for evaluation in plan.evaluations:
        yield evaluation.position, stored.get(evaluation.position, NOT_RUN)


def arrow_schema(contract: type[Table]) -> pa.Schema:
    """The Parquet schema of a contract, so that files of all runs fit together, also where a column is all null."""
    return pa.Schema.from_pandas(build(contract, []), preserve_index=False)


def _empty(schema: pa.Schema) -> _Columns:
    return {name: [] for name in schema.names}


def _add(plan: Plan, run_id: str, position: int, record: dict[str, Any], executed: _Columns, calls: _Columns) -> None:
    evaluation = plan.evaluations[position]
    scenario = plan.scenarios[evaluation.scenario]
    response = record.get("response") or {}
    usage = response.get("usage") or {}
    identity = {
        "run_id": run_id,
        "evaluation_key": evaluation.key.hex(),
        "scenario_id": scenario.scenario_id,
        "trial": evaluation.trial,
    }
    row = identity | {
        "agent": plan.version.agent,
        "version": plan.version.version,
        "suite": plan.version.suite,
        "inputs_digest": scenario.inputs_digest,
        "status": record["status"],
        "error_code": record.get("error_code"),
        "error": record.get("error"),
        "answer_json": canonical_json(response["answer"]) if response else None,
        "message": response.get("message"),
        "confidence": response.get("confidence"),
        "needs_human_review": response.get("needs_human_review"),
        "simulated_s": record.get("simulated_s"),
        "reported_s": response.get("response_time_s"),
        "measured_s": record.get("measured_s"),
        "loop_lag_s": record.get("loop_lag_s"),
        "attempts": record.get("attempts", 1),
        "input_tokens": usage.get("input_tokens"),
        "output_tokens": usage.get("output_tokens"),
        "cost_usd": usage.get("cost_usd"),
    }
    for name, column in executed.items():
        column.append(row[name])
    for call in _call_rows(identity, response.get("steps", ())):
        for name, column in calls.items():
            column.append(call[name])


def _call_rows(identity: dict[str, Any], steps: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, step in enumerate(steps, start=1):
        yield identity | {
            "step": number,
            "agent_id": step["agent"],
            "action": step["action"],
            "output_json": canonical_json(step["output"]),
            "response_time_s": step["response_time_s"],
        }
