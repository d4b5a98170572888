"""Experiments and decisions: jobs, the nightly schedule, and sensors for what people and evaluations have changed.

Each sensor asks for a run by a hash of what it has seen, so the same state is worked on once, however often it looks.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from eaas_assets.contracts.experiments import ExperimentRegistry
from eaas_assets.contracts.observations import AgentRuns
from eaas_assets.decisions.approvals.states import KIND_OF_ACTION
from eaas_assets.defs.world import World, WorldFiles
from eaas_assets.experiments.folders import folder_of
from eaas_assets.experiments.registry import RegisteredExperiment
from eaas_assets.storage.files import canonical_json, digest
from eaas_assets.storage.tables import TableStore

SCHEDULED_AT = "0 4 * * *"
NOT_BEGUN = [dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING]
DECIDING = ("refresh_decisions", "refresh_experiments")
_DECISIONS = dg.AssetSelection.groups("decisions") - dg.AssetSelection.assets("policy_backtest")
_PAGES = dg.AssetSelection.assets("experiment_report", "portfolio_report", "report_index")

refresh_experiments = dg.define_asset_job(
    "refresh_experiments",
    selection=dg.AssetSelection.groups("experiments") | _DECISIONS | _PAGES,
    description="Check, watch and estimate every experiment; decide; rank the portfolio; write the pages.",
)

refresh_decisions = dg.define_asset_job(
    "refresh_decisions",
    selection=_DECISIONS | _PAGES,
    description="Decide on the evidence that there is; take approvals into account; write the pages.",
)

replay_policy = dg.define_asset_job(
    "replay_policy",
    selection=dg.AssetSelection.assets("policy_backtest"),
    description="Decide every past decision anew under a changed policy; nothing is decided by it.",
)


@dg.schedule(
    job=refresh_experiments,
    cron_schedule=SCHEDULED_AT,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def nightly_experiments(context: dg.ScheduleEvaluationContext, world: World) -> dg.RunRequest | dg.SkipReason:
    """Every night, look at all experiments and decide, after the agent versions were evaluated."""
    if not WorldFiles(world.locations).decides():
        return dg.SkipReason("no decision policy in the data folder")
    return dg.RunRequest(run_key=f"experiments:{context.scheduled_execution_time:%Y-%m-%d}")


@dg.sensor(
    job=refresh_experiments,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def changed_experiments(context: dg.SensorEvaluationContext, world: World) -> dg.RunRequest | dg.SkipReason:
    """Watch the experiments folder: a new or changed document or file of observations asks for one run.

    A malformed document is told about in the sensor's log and stops nothing else.
    """
    files = WorldFiles(world.locations)
    catalogue = files.experiments
    if not files.decides() or not (catalogue.experiments or catalogue.broken):
        return dg.SkipReason("no experiments, or no decision policy in the data folder")
    seen = {name: _seen(world.locations.data, entry) for name, entry in catalogue.experiments.items()}
    faults = [str(problem) for file in catalogue.files for problem in file.problems]
    state = digest(canonical_json([seen, faults]))
    if state == context.cursor:
        return dg.SkipReason(f"nothing new: {len(seen)} experiments, {len(faults)} known faults")
    for fault in faults:
        context.log.warning(fault)
    context.update_cursor(state)
    return dg.RunRequest(run_key=f"experiments:{state[:16]}")


@dg.sensor(
    job=refresh_decisions,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def due_decisions(context: dg.SensorEvaluationContext, world: World) -> dg.RunRequest | dg.SkipReason:
    """Watch approvals, sealed evaluation runs and the policies: whatever is new asks for one run that decides."""
    files = WorldFiles(world.locations)
    if not files.decides():
        return dg.SkipReason("no decision policy in the data folder")
    if not world.has_snapshot(ExperimentRegistry):
        return dg.SkipReason("experiments were not looked at yet; that run decides too")
    requests = {entry.seq for entry in world.audit.entries() if entry.kind in KIND_OF_ACTION.values()}
    policies = {name: digest(canonical_json(policy.model_dump(mode="json"))) for name, policy in files.policies.items()}
    state = digest(canonical_json([max(requests, default=0), _latest_runs(world.tables), policies]))
    if state == context.cursor:
        return dg.SkipReason(f"nothing new: {len(requests)} approvals and overrides")
    if any(context.instance.get_runs(dg.RunsFilter(job_name=job, statuses=NOT_BEGUN), limit=1) for job in DECIDING):
        return dg.SkipReason("a run that decides has not begun yet: it comes first")
    context.update_cursor(state)
    return dg.RunRequest(run_key=f"decisions:{state[:16]}")


def _seen(root: Path, registered: RegisteredExperiment) -> list[Any]:
    """What a change of an experiment shows in: its document, and size and time of its observations."""
    declared = registered.document.observations
    if declared is None or isinstance(declared, AgentRuns):
        return [registered.digest]
    file = root / folder_of(registered.document.experiment) / declared.file
    try:
        status = file.stat()
    except OSError:
        return [registered.digest, None]
    return [registered.digest, status.st_size, status.st_mtime_ns]


def _latest_runs(tables: TableStore) -> Mapping[str, str]:
    """Agent version → its latest run that was compared with its baseline."""
    runs = {key: tables.run_ids("baseline_comparison", key) for key in tables.partitions("baseline_comparison")}
    return {key: found[-1] for key, found in runs.items() if found}
