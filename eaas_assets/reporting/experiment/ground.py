"""What the page rests on: assumptions and refusals, what was registered, the history of decisions, and the trace."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from eaas_assets.reporting import quantities, ruling, sections, text, views
from eaas_assets.reporting.experiment.effects import name_of
from eaas_assets.reporting.experiment.tables import ExperimentReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.sections import Section
from eaas_assets.reporting.views import Columns, TableView, TraceItem

_ROWS = 30


def assumptions(tables: ExperimentReportTables) -> Section | None:
    """What must hold for the effects, and what was not answered."""
    held: dict[str, None] = {}
    for assumed in tables.impact["assumptions_json"]:
        parsed = text.parsed(assumed)
        held |= dict.fromkeys(map(str, parsed if isinstance(parsed, list) else [parsed] if parsed else []))
    methods = tables.impact["method"].drop_duplicates()
    return sections.section(
        "assumptions",
        "Assumptions and refusals",
        [
            sections.prose(f"Method: {text.listed(methods, 4, 160)}." if len(methods) else ""),
            sections.heading("What must hold"),
            sections.points(list(held), source="causal_impact"),
            sections.heading("What was not answered, and why"),
            sections.points(_refusals(tables), source="causal_impact"),
        ],
    )


def _refusals(tables: ExperimentReportTables) -> list[str]:
    told: dict[str, None] = {}
    for row in records(tables.impact):
        name = name_of(row, tables.impact)
        if text.known(row.refusal_code):
            told[f"{name}: {_because(row.refusal_code, row.refusal_reason)}"] = None
        others = text.parsed(row.refusals_json)
        for code, reason in others.items() if isinstance(others, Mapping) else []:
            if code != row.refusal_code:
                told[f"{name}: {_because(code, reason)}"] = None
        if text.known(row.value_reason):
            told[f"Value of {name}: {row.value_reason}"] = None
    for row in records(tables.segments[tables.segments["refusal_code"].notna()]):
        subject = f"{text.inline(row.metric, 48)}, {text.inline(row.dimension, 32)} = {text.inline(row.value, 32)}"
        told[f"{subject}: {_because(row.refusal_code, row.refusal_reason)}"] = None
    return list(told)


def _because(code: Any, reason: Any) -> str:
    told = text.inline(reason, 300) if text.known(reason) else "no reason given"
    return f"{told} ({text.inline(code, 48).replace('_', ' ')})."


def registered(tables: ExperimentReportTables) -> Section | None:
    """What was registered before, and what is wrong with the files."""
    row = tables.row
    lines = {
        "Hypothesis": _told(row.hypothesis),
        "Kind of hypothesis": _told(row.hypothesis_type),
        "Change": _told(row.type),
        "Comparison": _told(row.design),
        "Status": _told(row.status),
        "Population": _told(row.population),
        "Domain": _told(row.domain),
        "Owner": _told(row.owner),
        "Decides": _told(row.decision_owner),
        "Risk": _told(row.risk_tier),
        "Notes on the risk": _told(row.risk_notes, "none"),
        "Registered KPI": _told(row.registered_kpi),
        "Primary metric": _told(row.primary_metric),
        "Planned": f"{_day(row.planned_start)} to {_day(row.planned_end)}",
        "Observed": f"{_day(row.observed_from)} to {_day(row.observed_to)}",
        "Fixed cost": quantities.usd(row.fixed_cost_usd),
        "Cost of keeping the change, a year": quantities.usd(row.rollout_cost_per_year_usd),
        "Value that its owners declared, a year": quantities.usd(row.claimed_annual_value_usd, "none declared"),
        "Variants": _document(row.variants_json, 600),
        "Metrics": _document(row.metrics_json, 1200),
        "Segments": _document(row.segments_json, 600),
        "Conditions": _document(row.conditions_json, 600),
    }
    cells = [(views.words(name), views.Cell(value)) for name, value in lines.items()]
    return sections.section(
        "registered",
        "As registered",
        [
            sections.points(_problems(row), source="experiment_registry"),
            sections.table(
                views.table("The experiment's document", ["", ""], cells, "experiment_registry", folded=True)
            ),
        ],
    )


def _told(value: Any, reason: str = "not declared") -> str:
    return text.inline(value, 600) if text.known(value) and str(value).strip() else text.missing(reason)


def _document(value_json: Any, limit: int) -> str:
    return text.json_shown(value_json, limit) if text.parsed(value_json) else text.missing("none declared")


def _day(value: Any) -> str:
    return text.day(value) if text.known(value) else text.MISSING


def problems(row: Any) -> list[Mapping[str, Any]]:
    """What is wrong with the experiment's files."""
    found = text.parsed(row.problems_json)
    return [problem for problem in found if isinstance(problem, Mapping)] if isinstance(found, list) else []


def _problems(row: Any) -> list[str]:
    return [problem_told(problem) for problem in problems(row)]


def problem_told(problem: Mapping[str, Any]) -> str:
    """One problem of a file in a sentence."""
    place = [str(problem["file"])] if problem.get("file") else []
    place += [f"row {problem['row']}"] if problem.get("row") is not None else []
    place += [f"field {problem['field']}"] if problem.get("field") else []
    return (f"{text.inline(', '.join(place), 200)}: found {text.inline(problem.get('found'), 160)}; "
            f"expected {text.inline(problem.get('expected'), 160)}.")  # fmt: skip


def history(tables: ExperimentReportTables) -> Section | None:
    """Every decision on the experiment, and who asked for what."""
    return sections.section(
        "history",
        "History of decisions",
        [sections.table(_decisions(tables)), sections.table(ruling.approvals_table(tables.approvals, shown=_ROWS))],
    )


def _decisions(tables: ExperimentReportTables) -> TableView:
    columns: Columns = ["Decided", "Decision", "State", "Rule", "Confidence", "Why", "Evidence"]
    ordered = tables.decisions.sort_values("decided_at", ascending=False)
    lines = [
        (views.words(text.moment(row.decided_at)), views.state(row.decision, ruling.word(row.decision)),
         views.Cell(ruling.state_status(row).word, "status", ruling.state_status(row)), views.code(row.rule),
         views.words(row.confidence), views.words(row.rationale), views.code(row.evidence_id))
        for row in records(ordered.head(_ROWS))
    ]  # fmt: skip
    return views.table("Decisions, the latest first", columns, lines, "decisions", total=len(ordered))


def trace(tables: ExperimentReportTables) -> tuple[TraceItem, ...]:
    """Everything by which the page can be traced back to its inputs."""
    row, decision = tables.row, tables.decision
    items: dict[str, Any] = {
        "Experiment": row.experiment_id,
        "Evidence": row.evidence_id,
        "Document": row.definition_digest if text.known(row.definition_digest) else text.missing("cannot be read"),
        "Observations": row.data_digest if text.known(row.data_digest) else text.missing("none yet"),
        "Policy experiments": row.policy_hash,
    }
    if decision is not None:
        items |= {
            "Decision": decision.decision_id,
            "Policy decisions": decision.policy_hash,
            "Policy approvals": decision.approvals_policy_hash,
            "Decided in entry of the audit log": f"{decision.audit_seq:,}",
        }
        versions = text.parsed(decision.data_versions_json)
        named = versions if isinstance(versions, Mapping) else {}
        items |= {f"Version of {name}": value for name, value in named.items() if value not in items.values()}
    items["Head of the audit log"] = tables.audit_head or text.missing("there is no log")
    items |= {f"Version of {name}": value for name, value in tables.data_versions.items()}
    return tuple(TraceItem(text.inline(name, 120), text.inline(value, 400)) for name, value in list(items.items())[:40])
