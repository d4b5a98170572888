"""Stage *reports*, its other half: one page of each experiment, and one of the portfolio for executives."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Any

import dagster as dg

from eaas_assets.contracts.decisions import (
    Approvals,
    DecisionCounterfactuals,
    Decisions,
    ExperimentPortfolio,
    LearningSummaries,
    PortfolioSummary,
)
from eaas_assets.contracts.experiments import (
    CausalImpact,
    DesignValidation,
    ExperimentMonitoring,
    ExperimentRegistry,
    MetricCalibration,
    SegmentImpact,
)
from eaas_assets.contracts.reports import ExperimentReport, PortfolioReport
from eaas_assets.contracts.tables import Table
from eaas_assets.defs.page_rows import RowsByKey, known_pages, renderer
from eaas_assets.defs.tables import asset_options, table_result
from eaas_assets.defs.world import World
from eaas_assets.reporting.experiment.report import experiment_facts, render_experiment_report
from eaas_assets.reporting.experiment.tables import ExperimentReportTables
from eaas_assets.reporting.narrative.facts import OFF, Narrative
from eaas_assets.reporting.narrative.narrator import Narrator
from eaas_assets.reporting.pages import RenderedReport
from eaas_assets.reporting.portfolio.report import portfolio_facts, render_portfolio_report
from eaas_assets.reporting.portfolio.tables import PortfolioReportTables
from eaas_assets.storage.files import canonical_json, digest, write_atomically

GROUP = "reports"
PARTS: dict[str, tuple[type[Table], str]] = {
    "registry": (ExperimentRegistry, "experiment_id"),
    "design": (DesignValidation, "experiment_id"),
    "monitoring": (ExperimentMonitoring, "experiment_id"),
    "impact": (CausalImpact, "experiment_id"),
    "segments": (SegmentImpact, "experiment_id"),
    "calibration": (MetricCalibration, "experiment_id"),
    "portfolio": (ExperimentPortfolio, "experiment_id"),
    "decisions": (Decisions, "subject_id"),
    "counterfactuals": (DecisionCounterfactuals, "subject_id"),
    "approvals": (Approvals, "subject_id"),
}
"""Part of an experiment's page → the table that it is made from, and the column that names the experiment."""


@dg.asset(
    deps=[
        "experiment_registry", "design_validation", "experiment_monitoring", "causal_impact", "segment_impact",
        "metric_calibration", "experiment_portfolio", "decisions", "decision_counterfactuals", "approvals",
    ],
    **asset_options(ExperimentReport, GROUP, frozenset({"html", "markdown"})),
)  # fmt: skip
def experiment_report(context: dg.AssetExecutionContext, world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """One page of each experiment: the decision first, what would change it, why, and everything below that.

    A page is made anew only where a row that it shows has changed.
    """
    rows_of = {part: RowsByKey(world.snapshot(contract), key) for part, (contract, key) in PARTS.items()}
    before = known_pages(world.snapshot(ExperimentReport), world.locations.output)
    checkpoint = world.audit.checkpoint()
    versions = {"eaas-assets": installed_version("eaas-assets")}
    narrator, narrated_by = _narrator(world)
    rows: list[dict[str, Any]] = []
    made = 0
    for experiment in rows_of["registry"].keys:
        fingerprints = (part.fingerprint(experiment) for part in rows_of.values())
        inputs = digest(canonical_json([versions, renderer(), narrated_by, *fingerprints]))
        kept = before.get((experiment, inputs))
        if kept is not None and kept[0]["narrative"] != "unavailable":
            rows += kept
            continue
        tables = ExperimentReportTables(
            **{part: table.rows(experiment) for part, table in rows_of.items()},
            audit_head="" if checkpoint is None else checkpoint.text,
            data_versions=versions,
        )
        narrative = OFF if narrator is None else narrator.tell(experiment_facts(tables))
        if kept is not None and narrative.told is None:
            rows += [{**page, **_outcome(narrative)} for page in kept]
            continue
        decided = tables.decision
        shown = {
            "experiment_id": experiment,
            "evidence_id": tables.row.evidence_id,
            "decision_id": None if decided is None else decided.decision_id,
            "inputs_digest": inputs,
            "written_at": datetime.now(UTC),
            **_outcome(narrative),
        }
        pages = _written(world, Path("experiments") / experiment, render_experiment_report(tables, narrative.told))
        rows += [{**page, **shown} for page in pages]
        made += 1
    context.log.info(f"{len(rows_of['registry'].keys):,} experiments, {made:,} pages made anew")
    yield table_result(ExperimentReport, rows, preview=["experiment_id", "format", "path", "verdict"])


@dg.asset(
    deps=[
        "experiment_portfolio", "portfolio_summary", "learning_summaries", "decisions", "decision_counterfactuals",
        "approvals",
    ],
    **asset_options(PortfolioReport, GROUP, frozenset({"html", "markdown"})),
)  # fmt: skip
def portfolio_report(world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """The executives' page: what worked, what did not, why, what happens next, and what would change it."""
    now = datetime.now(UTC)
    portfolio = world.snapshot(ExperimentPortfolio)
    checkpoint = world.audit.checkpoint()
    tables = PortfolioReportTables(
        portfolio=portfolio,
        summary=world.snapshot(PortfolioSummary),
        learning=world.snapshot(LearningSummaries),
        decisions=world.snapshot(Decisions),
        counterfactuals=world.snapshot(DecisionCounterfactuals),
        approvals=world.snapshot(Approvals),
        as_of=now,
        pages={str(name): f"experiments/{name}.html" for name in portfolio["experiment_id"]},
        audit_head="" if checkpoint is None else checkpoint.text,
        data_versions={"eaas-assets": installed_version("eaas-assets")},
    )
    narrator, _ = _narrator(world)
    narrative = OFF if narrator is None else narrator.tell(portfolio_facts(tables))
    report = render_portfolio_report(tables, narrative.told)
    pages = _written(world, Path("portfolio"), report)
    yield table_result(
        PortfolioReport,
        [{**page, "experiments": len(portfolio), "written_at": now, **_outcome(narrative)} for page in pages],
        metadata={
            "verdict": report.verdict,
            "report": dg.MetadataValue.path(world.locations.reports / "portfolio.html"),
            "summary": dg.MetadataValue.md(report.markdown[:4000]),
        },
    )


def _narrator(world: World) -> tuple[Narrator | None, str]:
    """Who puts findings in other words, and the hash of who that is; nobody and no hash where it is off."""
    settings = world.files.narrative
    if settings is None:
        return None, ""
    return Narrator(settings), digest(canonical_json([settings.base_url, settings.model]))


def _outcome(narrative: Narrative) -> dict[str, Any]:
    """What the tables say of a narrative."""
    return {"narrative": narrative.outcome, "narrative_reason": narrative.reason}


def _written(world: World, place: Path, report: RenderedReport) -> list[dict[str, Any]]:
    """Both formats below the reports folder; a file that says the same already is left alone."""
    pages = []
    for format_, content in (("html", report.html), ("md", report.markdown)):
        path = world.locations.reports / place.with_name(f"{place.name}.{format_}")
        if not path.exists() or path.read_text(encoding="utf-8") != content:
            write_atomically(path, content.encode())
        pages.append(
            {
                "format": format_,
                "path": str(path.relative_to(world.locations.output)),
                "digest": digest(content),
                "verdict": report.verdict,
            }
        )
    return pages
