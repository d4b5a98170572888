"""The page of one experiment: the decision first, then what would change it, why, and everything below that."""

from __future__ import annotations

from typing import Any

from eaas_assets.decisions.wording import name_text
from eaas_assets.reporting import ruling, sections, text, views
from eaas_assets.reporting.experiment import ground
from eaas_assets.reporting.experiment.design import design
from eaas_assets.reporting.experiment.effects import effects
from eaas_assets.reporting.experiment.figures import key_figures
from eaas_assets.reporting.experiment.monitoring import monitoring
from eaas_assets.reporting.experiment.pictures import pictures
from eaas_assets.reporting.experiment.tables import ExperimentReportTables
from eaas_assets.reporting.narrative.facts import Facts, Told
from eaas_assets.reporting.pages import RenderedReport, render
from eaas_assets.reporting.records import records
from eaas_assets.reporting.sections import Section, SectionedPage
from eaas_assets.reporting.views import Link, Status


def render_experiment_report(tables: ExperimentReportTables, told: Told | None = None) -> RenderedReport:
    """The page of one experiment, as HTML and Markdown. The same tables give the same bytes.

    Args:
        tables: Its rows.
        told: The finding as a narrator told it; None: the deterministic text stands.
    """
    page = experiment_page(tables, told)
    return render("sectioned", f"{page.decision.word}: {page.verdict}", page=page)


def experiment_page(tables: ExperimentReportTables, told: Told | None = None) -> SectionedPage:
    """The page, ready to be laid out."""
    row, decision = tables.row, tables.decision
    facts = experiment_facts(tables)
    parts = (
        _changes(tables), effects(tables), pictures(tables), monitoring(tables), design(tables),
        ground.assumptions(tables), ground.registered(tables), ground.history(tables),
    )  # fmt: skip
    about = [part for part in (row.type, row.status, row.domain) if text.known(part)]
    owner = f"owner {text.inline(row.owner, 64)}" if text.known(row.owner) else "no owner declared"
    return SectionedPage(
        title=tables.title,
        trail=(Link("All reports", "../index.html"), Link("Portfolio", "../portfolio.html")),
        subtitle=text.inline("; ".join([*(str(part).replace("_", " ") for part in about), owner]), 300),
        decision=ruling.decision_status(decision),
        marks=_marks(decision),
        verdict=_sentence(tables),
        remarks=_remarks(tables),
        summary=told.text if told is not None else text.inline(" ".join(facts.statements[1:]), 1500),
        summary_source=told.source if told is not None else "",
        figures=key_figures(tables),
        sections=tuple(part for part in parts if part is not None),
        trace=ground.trace(tables),
    )


def experiment_facts(tables: ExperimentReportTables) -> Facts:
    """The finding in finished sentences: what a narrator may put in other words, and what stands without one."""
    decision = tables.decision
    effect = [text.inline(statement, 500) for statement in
              tables.impact.loc[tables.impact["role"] == "primary", "statement"].head(2)]  # fmt: skip
    harmed = [
        text.inline(row.statement, 300)
        for row in records(tables.segments[tables.segments["harmed"].fillna(False).astype(bool)].head(2))
    ]
    word = "" if decision is None else decision.effective_decision if decision.state == "overridden" else (
        decision.decision)  # fmt: skip
    return Facts(tables.title, str(word or ""), (_sentence(tables), *effect, *harmed))


def _marks(decision: Any) -> tuple[Status, ...]:
    if decision is None:
        return ()
    return (ruling.state_status(decision), views.status("confidence", f"{decision.confidence} confidence"),
            views.status("risk", f"{decision.risk} risk"))  # fmt: skip


def _sentence(tables: ExperimentReportTables) -> str:
    if tables.decision is not None:
        return text.inline(tables.decision.rationale, 700)
    problems = ground.problems(tables.row)
    if problems:
        return f"{ruling.UNDECIDED} Its files cannot be used: {ground.problem_told(problems[0])}"
    return ruling.UNDECIDED


def _remarks(tables: ExperimentReportTables) -> tuple[str, ...]:
    decision = tables.decision
    if decision is None:
        return ()
    return tuple(remark for remark in (ruling.agreement(decision), ruling.cap(decision)) if remark)


def _changes(tables: ExperimentReportTables) -> Section | None:
    """What would change the recommendation, and when it is looked at again."""
    decision = tables.decision
    if decision is None:
        return None
    triggers = text.parsed(decision.reversal_triggers_json)
    missing = text.parsed(decision.missing_facts_json)
    unknown = (
        f"Not known when it was decided: {text.listed(map(name_text, missing), 12, 80)}."
        if isinstance(missing, list) and missing
        else ""
    )
    nearest = tables.counterfactuals.sort_values("rank", kind="stable")
    statements = list(nearest["statement"])
    return sections.section(
        "change",
        "What would change this recommendation",
        [
            sections.points(statements, cap=6, source="decision_counterfactuals", steps=True),
            sections.prose("" if statements else "No single change of a fact or a threshold would change it."),
            sections.table(ruling.counterfactual_table(nearest, tables.decisions)),
            sections.heading("What would reverse it"),
            sections.points(triggers if isinstance(triggers, list) else []),
            sections.prose(unknown),
            sections.prose(f"It is looked at again on {text.day(decision.next_review_on)}."),
        ],
    )
