"""Evaluations: their jobs, the nightly schedule, and the sensor that makes one run of a new or changed agent file."""

import dagster as dg

from eaas_assets.agents.catalogue import AgentCatalogue, AgentVersionFile
from eaas_assets.defs.partitions import PARTITIONS_NAME, agent_versions_partitions
from eaas_assets.defs.world import World, WorldFiles
from eaas_assets.storage.files import canonical_json, digest

SCHEDULED_AT = "0 2 * * *"
MAX_RUNS_PER_TICK = 50
DEFINITION_TAG = "eaas/agent_definition"

refresh_inputs = dg.define_asset_job(
    "refresh_inputs",
    selection=dg.AssetSelection.groups("inputs"),
    description="Read and check what people wrote: suites, agent versions, rules, history; audit the suites.",
)

AFTER_INPUTS = dg.AssetSelection.groups("evaluation", "history") | dg.AssetSelection.assets(
    "evaluation_report", "report_index"
)
"""What an evaluation makes of one agent version; the inputs are the same for all."""

evaluate_agent_version = dg.define_asset_job(
    "evaluate_agent_version",
    selection=dg.AssetSelection.groups("inputs") | AFTER_INPUTS,
    description="Evaluate one agent version from its inputs to its report.",
)


def nightly_config() -> dict[str, object]:
    """Run configuration that says why a nightly run is made."""
    return {"ops": {"evaluation_plan": {"config": {"evaluation_type": "nightly"}}}}


@dg.schedule(
    job=evaluate_agent_version,
    cron_schedule=SCHEDULED_AT,
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
def nightly_evaluation(context: dg.ScheduleEvaluationContext, world: World) -> list[dg.RunRequest] | dg.SkipReason:
    """Every night, evaluate all live agent versions anew, baselines first."""
    catalogue = WorldFiles(world.locations).agents
    live = [str(key) for key, file in catalogue.versions.items() if file.version.live]
    if not live:
        return dg.SkipReason("no live agent version")
    context.instance.add_dynamic_partitions(PARTITIONS_NAME, live)
    night = context.scheduled_execution_time.strftime("%Y-%m-%d")
    return [dg.RunRequest(run_key=f"{key}:{night}", partition_key=key, run_config=nightly_config()) for key in live]


@dg.sensor(
    job=evaluate_agent_version,
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def new_agent_versions(context: dg.SensorEvaluationContext, world: World) -> dg.SensorResult | dg.SkipReason:
    """Watch the agents folder: a new or changed version becomes exactly one partition and one run.

    A malformed file is told about in the sensor's log and stops nothing else. The cursor is one hash, whatever the
    number of versions.
    """
    catalogue = WorldFiles(world.locations).agents
    faults = [str(problem) for file in catalogue.files for problem in file.problems]
    state = digest(canonical_json([[str(key), file.digest] for key, file in catalogue.versions.items()] + faults))
    if state == context.cursor:
        return dg.SkipReason(f"nothing new: {len(catalogue.versions)} agent versions, {len(faults)} known faults")
    for fault in faults:
        context.log.warning(fault)
    return _requests(catalogue, state, faults, context)


def definition_tag(key: object, file: AgentVersionFile) -> dict[str, str]:
    """A tag that says which definition of which version a Dagster run evaluates."""
    return {DEFINITION_TAG: f"{key}:{file.digest[:12]}"}


def _requests(
    catalogue: AgentCatalogue, state: str, faults: list[str], context: dg.SensorEvaluationContext
) -> dg.SensorResult | dg.SkipReason:
    """One request per definition that no Dagster run has evaluated yet, however that run was started."""
    tags = {key: definition_tag(key, file) for key, file in catalogue.versions.items()}
    wanted = [tag[DEFINITION_TAG] for tag in tags.values()]
    runs = context.instance.get_runs(dg.RunsFilter(tags={DEFINITION_TAG: wanted})) if wanted else []
    seen = {run.tags[DEFINITION_TAG] for run in runs}
    fresh = [
        dg.RunRequest(run_key=tag[DEFINITION_TAG], partition_key=str(key), tags=tag)
        for key, tag in tags.items()
        if tag[DEFINITION_TAG] not in seen
    ]
    if not fresh:
        context.update_cursor(state)
        return dg.SkipReason("; ".join(faults[:5]) or "no new agent version")
    known = set(context.instance.get_dynamic_partitions(PARTITIONS_NAME))
    added = [str(key) for key in catalogue.versions if str(key) not in known]
    return dg.SensorResult(
        run_requests=fresh[:MAX_RUNS_PER_TICK],
        dynamic_partitions_requests=[agent_versions_partitions.build_add_request(added)] if added else [],
        # Whatever did not fit into this tick is found again by the next one.
        cursor=state if len(fresh) <= MAX_RUNS_PER_TICK else context.cursor,
    )
