"""Stage *reports*: pages for people, rendered from tables and from nothing else."""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.contracts.decisions import Decisions
from eaas_assets.contracts.experiments import ExperimentRegistry
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.contracts.reports import EvaluationReport, ExperimentReport, PortfolioReport
from eaas_assets.defs.partitions import agent_versions_partitions
from eaas_assets.defs.tables import OWNERS, asset_options, table_result
from eaas_assets.defs.world import World
from eaas_assets.reporting.evaluation.report import EvaluationReportTables, render_evaluation_report
from eaas_assets.reporting.index.entries import experiment_entries, index_entries, portfolio_entry
from eaas_assets.reporting.index.report import render_index
from eaas_assets.storage.files import digest, write_atomically

GROUP = "reports"


RUN_TABLES = {
    "executed": "executed_evaluations",
    "calls": "agent_calls",
    "scores": "evaluation_scores",
    "field_scores": "evaluation_field_scores",
    "performance": "agent_performance_summary",
    "summary": "evaluation_summary",
    "validation": "validation_results",
    "workflow_health": "workflow_health",
    "baseline": "baseline_comparison",
    "regression": "regression_analysis",
    "trend": "trend_analysis",
}
"""Part of the report → the run table that it is made from."""


@dg.asset(
    deps=["journey_scenarios", "specialist_agents", "suite_audit", *RUN_TABLES.values()],
    partitions_def=agent_versions_partitions,
    **asset_options(EvaluationReport, GROUP, frozenset({"html", "markdown"})),
)
def evaluation_report(
    context: dg.AssetExecutionContext, world: World, evaluation_plan: pd.DataFrame
) -> Iterator[dg.MaterializeResult[Any]]:
    """One page for a decision maker and the detail below it: verdict first, what changed, why, what to do next."""
    key = VersionKey.parse(context.partition_key)
    plan = evaluation_plan.iloc[0]
    tables = world.tables
    of_run = {part: tables.read_run(table, str(key), plan["run_id"]) for part, table in RUN_TABLES.items()}
    snapshot = {
        name: tables.read(tables.snapshot_path(name))
        for name in ("journey_scenarios", "specialist_agents", "suite_audit")
    }
    metrics = tables.read_newest("run_metrics", key.agent)
    assert metrics is not None  # noqa: S101 (trend_analysis, upstream, was made from them)
    own = {name: frame[frame["suite"] == plan["suite"]] for name, frame in snapshot.items()}
    report = render_evaluation_report(
        EvaluationReportTables(
            plan=evaluation_plan,
            **of_run,
            audit=snapshot["suite_audit"][snapshot["suite_audit"]["suite"].isin([plan["suite"], "history"])],
            run_metrics=metrics,
            scenarios=own["journey_scenarios"],
            specialists=own["specialist_agents"],
            evaluation_policy=world.files.evaluation_policy,
            release_policy=world.files.release_policy,
            data_versions={
                "agent definition": plan["agent_digest"],
                "suite inputs": plan["suite_digest"],
                "plan": plan["plan_digest"],
                "eaas-assets": installed_version("eaas-assets"),
            },
        )
    )
    rows = []
    for format_, content in {"html": report.html, "md": report.markdown}.items():
        path = world.locations.reports / str(key) / f"{plan['run_id']}.{format_}"
        write_atomically(path, content.encode())
        rows.append(
            {
                "run_id": plan["run_id"],
                "agent": key.agent,
                "version": key.version,
                "format": format_,
                "path": str(path.relative_to(world.locations.output)),
                "digest": digest(content),
                "verdict": report.verdict,
                "written_at": datetime.now(UTC),
            }
        )
    yield table_result(
        EvaluationReport,
        rows,
        metadata={
            "verdict": report.verdict,
            "report": dg.MetadataValue.path(world.locations.reports / str(key) / f"{plan['run_id']}.html"),
            "summary": dg.MetadataValue.md(report.markdown[:4000]),
        },
    )


@dg.asset(
    deps=[evaluation_report, "experiment_report", "portfolio_report"],
    group_name=GROUP,
    kinds={"html"},
    owners=OWNERS,
    code_version="2",
)
def report_index(world: World) -> dg.MaterializeResult[None]:
    """The page that leads to everything: the portfolio, every experiment, the latest report of every agent version."""
    found = (
        world.tables.read_newest(table) for table in ("evaluation_report", "evaluation_summary", "evaluation_runs")
    )
    versions = [table for table in found if table is not None]
    decisions = world.snapshot(Decisions)
    page = render_index(
        index_entries(versions[0], versions[1], versions[2], decisions) if len(versions) == 3 else [],
        experiment_entries(world.snapshot(ExperimentReport), world.snapshot(ExperimentRegistry), decisions),
        portfolio_entry(world.snapshot(PortfolioReport)),
    )
    path = world.locations.reports / "index.html"
    write_atomically(path, page.html.encode())
    write_atomically(path.with_suffix(".md"), page.markdown.encode())
    return dg.MaterializeResult(metadata={"page": dg.MetadataValue.path(path), "verdict": page.verdict})
