"""What the numbers rest on: the audit of the suite, the input files, the stages of the run, its plan and its trace."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from eaas_assets.reporting import text, views
from eaas_assets.reporting.evaluation.tables import EvaluationReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.views import Column, Columns, Finding, Findings, TableView, TraceItem

_ROWS_SHOWN = 50
_FINDINGS_SHOWN = 20
_EVIDENCE_LIMIT = 800
_FOLD_FROM = 12


@dataclass(frozen=True)
class Audit:
    """What is wrong with the suite and with the recorded history: how much of what, and then each."""

    statement: str
    groups: tuple[Findings, ...]


def audit(tables: EvaluationReportTables) -> Audit:
    """Findings about the suite, then about the recorded history, then limits to know."""
    rows = tables.audit
    own, severity = rows["suite"] == tables.the_plan.suite, rows["severity"]
    about = [f"The suite: {_counts(severity[own])}."]
    about += [f"The recorded history: {_counts(severity[~own])}."] if len(rows[~own]) else []
    groups = (
        _findings("Errors in the suite", rows[own & (severity == "error")], folded=False),
        _findings("Warnings about the suite", rows[own & (severity == "warning")], folded=True),
        _findings("Errors in the recorded history", rows[~own & (severity == "error")], folded=True),
        _findings("Warnings about the recorded history", rows[~own & (severity == "warning")], folded=True),
        _findings("Limits to know", rows[severity == "info"], folded=True),
    )
    return Audit(
        statement=" ".join([*about, "Errors make numbers that rest on them wrong; warnings may mislead."]),
        groups=tuple(group for group in groups if group.shown),
    )


def _counts(severities: pd.Series) -> str:
    kinds = (("error", "error", None), ("warning", "warning", None), ("info", "limit to know", "limits to know"))
    return text.joined([text.counted(int((severities == name).sum()), one, many) for name, one, many in kinds])


def _findings(caption: str, rows: pd.DataFrame, *, folded: bool) -> Findings:
    shown = tuple(
        Finding(
            mark=views.status(row.severity),
            name=text.inline(row.finding.replace("_", " "), 120),
            subject=text.inline(row.subject),
            statement=text.inline(row.statement, 600),
            advice=text.inline(row.advice, 600),
            evidence=text.block(row.evidence_json, _EVIDENCE_LIMIT),
        )
        for row in records(rows.head(_FINDINGS_SHOWN))
    )
    return Findings(f"{caption} ({len(rows):,})", shown, views.remainder(len(rows) - len(shown), "suite_audit"), folded)


def inputs(tables: EvaluationReportTables) -> TableView:
    """The files that were read, those with problems first."""
    files = tables.validation
    order = files.assign(
        order=files["outcome"].map({"failed": 0, "partly": 1, "ok": 2}), unused=~files["used_by_run"]
    ).sort_values(["unused", "order", "file"])
    rows = [
        (views.code(row.file), views.words(row.kind), views.words("yes" if row.used_by_run else "no"),
         views.state(row.outcome), views.figure(text.number(row.rows_read, "nothing usable")),
         views.words(_problems(row.problem_count, row.problems_json)))
        for row in records(order.head(_ROWS_SHOWN))
    ]  # fmt: skip
    columns: Columns = ["File", "Kind", "Used", "Outcome", Column("Rows read", True), "Problems"]
    return views.table("Input files", columns, rows, "validation_results", total=len(order),
                       folded=len(order) > _FOLD_FROM)  # fmt: skip


def _problems(count: int, problems_json: str) -> str:
    """How many problems, and the first of them."""
    problems = text.parsed(problems_json)
    if not problems:
        return f"{count:,}"
    first = problems[0]
    place = [f"row {first['row']}"] if first.get("row") is not None else []
    place += [f"field {first['field']}"] if first.get("field") else []
    said = f"{', '.join([*place, 'found'])} {first['found']}; expected {first['expected']}"
    return f"{count:,}: {said}" if count == 1 else f"{count:,}, the first: {said}"


def workflow(tables: EvaluationReportTables) -> TableView:
    """How each stage of the run went."""
    rows = [
        (views.words(row.stage.replace("_", " ")), views.state(row.status), views.figure(f"{row.units:,}"),
         views.figure(f"{row.failures:,}"), views.figure(text.seconds(row.duration_s, "not measured")),
         views.figure(text.seconds(row.time_lost_s, "not measured")), views.words(row.statement))
        for row in records(tables.workflow_health.head(_ROWS_SHOWN))
    ]  # fmt: skip
    columns: Columns = ["Stage", "Status", Column("Units", True), Column("Failures", True), Column("Duration", True),
               Column("Time lost", True), "In words"]  # fmt: skip
    return views.table("Stages of the run", columns, rows, "workflow_health", total=len(tables.workflow_health))


def plan(tables: EvaluationReportTables) -> TableView:
    """What the run set out to do."""
    row = tables.the_plan
    scope = [f"scenario {row.scope_scenario_id}"] if text.known(row.scope_scenario_id) else []
    scope += [f"specialist {row.scope_target_agent_id}"] if text.known(row.scope_target_agent_id) else []
    criteria = text.parsed(row.success_criteria_json)
    named = [f"{text.label(str(name)).lower()} {value}" for name, value in criteria.items()] if isinstance(
        criteria, dict) else [text.json_shown(row.success_criteria_json)]  # fmt: skip
    lines = {
        "Goal": row.goal,
        "Kind of evaluation": str(row.evaluation_type).replace("_", " "),
        "Scope": ", ".join(scope) or "every scenario of the suite",
        "Planned": f"{text.counted(row.planned_evaluations, 'evaluation')}: {text.counted(row.scenarios, 'scenario')} "
        f"× {text.counted(row.trials, 'trial')}, {row.concurrency:,} at once",
        "Expected time": text.seconds(row.expected_seconds, "no earlier run to tell from"),
        "Success means": "; ".join(named),
        "Resumed": "yes: an unfinished plan was continued" if row.resumed else "no",
    }
    cells = [(views.words(name), views.words(text.inline(value, 600))) for name, value in lines.items()]
    return views.table("The plan, made before the run", ["", ""], cells, "evaluation_plan", folded=True)


def trace(tables: EvaluationReportTables) -> tuple[TraceItem, ...]:
    """Everything by which the page can be traced back to its inputs."""
    row, summary = tables.the_plan, tables.the_summary
    items = {
        "Run": row.run_id,
        "Made": text.moment(row.created_at),
        "Evaluation policy": summary.policy_hash,
        "Release policy": tables.the_comparison.policy_hash,
        "Plan": row.plan_digest,
        "Agent definition": row.agent_digest,
        "Suite": row.suite_digest,
    }
    others = sorted((name, version) for name, version in tables.data_versions.items() if version not in items.values())
    items |= {f"Version of {name}": version for name, version in others}
    return tuple(TraceItem(text.inline(name, 120), text.inline(value, 120)) for name, value in items.items())
