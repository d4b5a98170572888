"""Stage *reports*: pages for people, rendered from tables and from nothing else."""

from datetime import UTC, datetime
from importlib.metadata import version as installed_version

import dagster as dg
import pandas as pd

from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.contracts.reports import EvaluationReport
from eaas_assets.defs.checks import contract_check
from eaas_assets.defs.partitions import agent_versions_partitions
from eaas_assets.defs.tables import OWNERS, table_options, table_result
from eaas_assets.defs.world import World
from eaas_assets.reporting.evaluation_report import EvaluationReportTables, render_evaluation_report
from eaas_assets.reporting.index import index_entries, render_index
from eaas_assets.storage.files import digest, write_atomically

GROUP = "reports"


@dg.asset(
    partitions_def=agent_versions_partitions,
    **table_options(EvaluationReport, GROUP, frozenset({"html", "markdown"})),
)
def evaluation_report(
    context: dg.AssetExecutionContext,
    world: World,
    journey_scenarios: pd.DataFrame,
    specialist_agents: pd.DataFrame,
    suite_audit: pd.DataFrame,
    evaluation_plan: pd.DataFrame,
    validation_results: pd.DataFrame,
    executed_evaluations: pd.DataFrame,
    agent_calls: pd.DataFrame,
    evaluation_scores: pd.DataFrame,
    evaluation_field_scores: pd.DataFrame,
    agent_performance_summary: pd.DataFrame,
    evaluation_summary: pd.DataFrame,
    workflow_health: pd.DataFrame,
    baseline_comparison: pd.DataFrame,
    regression_analysis: pd.DataFrame,
    trend_analysis: pd.DataFrame,
) -> dg.MaterializeResult[pd.DataFrame]:
    """One page for a decision maker and the detail below it: verdict first, what changed, why, what to do next."""
    key = VersionKey.parse(context.partition_key)
    plan = evaluation_plan.iloc[0]
    metrics = world.tables.read_newest("run_metrics", key.agent)
    assert metrics is not None  # noqa: S101 (trend_analysis, upstream, was made from them)
    report = render_evaluation_report(
        EvaluationReportTables(
            plan=evaluation_plan,
            executed=executed_evaluations,
            calls=agent_calls,
            scores=evaluation_scores,
            field_scores=evaluation_field_scores,
            performance=agent_performance_summary,
            summary=evaluation_summary,
            validation=validation_results,
            workflow_health=workflow_health,
            baseline=baseline_comparison,
            regression=regression_analysis,
            trend=trend_analysis,
            audit=suite_audit[suite_audit["suite"].isin([plan["suite"], "history"])],
            run_metrics=metrics,
            scenarios=journey_scenarios[journey_scenarios["suite"] == plan["suite"]],
            specialists=specialist_agents[specialist_agents["suite"] == plan["suite"]],
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
    return table_result(
        EvaluationReport,
        rows,
        verdict=report.verdict,
        report=dg.MetadataValue.path(world.locations.reports / str(key) / f"{plan['run_id']}.html"),
        summary=dg.MetadataValue.md(report.markdown[:4000]),
    )


@dg.asset(deps=[evaluation_report], group_name=GROUP, kinds={"html"}, owners=OWNERS, code_version="1")
def report_index(world: World) -> dg.MaterializeResult[None]:
    """The page that leads to the latest report of every agent version."""
    tables = {
        name: world.tables.read_newest(name) for name in ("evaluation_report", "evaluation_summary", "evaluation_plan")
    }
    page = render_index(
        index_entries(tables["evaluation_report"], tables["evaluation_summary"], tables["evaluation_plan"])
    )
    path = world.locations.reports / "index.html"
    write_atomically(path, page.html.encode())
    write_atomically(path.with_suffix(".md"), page.markdown.encode())
    return dg.MaterializeResult(metadata={"page": dg.MetadataValue.path(path), "verdict": page.verdict})


report_contract_checks = [contract_check("evaluation_report", EvaluationReport, agent_versions_partitions)]
