"""Stage *decisions*: what was decided on every experiment and agent version, what would change it, and who agreed.

The audit log is the record; these tables are told from it. An approval that comes in between is seen by the next run.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.contracts import evaluation, history
from eaas_assets.contracts.decision_policy import ApprovalPolicy
from eaas_assets.contracts.decisions import Approvals, AuditLog, DecisionCounterfactuals, Decisions
from eaas_assets.contracts.experiments import (
    CausalImpact,
    DesignValidation,
    ExperimentMonitoring,
    ExperimentRegistry,
    MetricCalibration,
    SegmentImpact,
)
from eaas_assets.contracts.inputs import AgentVersions
from eaas_assets.contracts.tables import Table, build
from eaas_assets.decisions.approvals.requirements import held_by_nobody, required_of
from eaas_assets.decisions.approvals.rows import approval_rows
from eaas_assets.decisions.audit.events import log_policy
from eaas_assets.decisions.audit.rows import audit_rows
from eaas_assets.decisions.deciding import counterfactual_rows, decide
from eaas_assets.decisions.subjects import (
    ExperimentTables,
    ReleaseTables,
    SubjectEvidence,
    experiment_subjects,
    release_subjects,
)
from eaas_assets.defs.checks import gate_result
from eaas_assets.defs.tables import asset_options, contract_specs, table_options, table_result
from eaas_assets.defs.telling import tell, tell_red
from eaas_assets.defs.world import World
from eaas_assets.notifications.messages import decision_messages
from eaas_assets.storage.files import canonical_json, digest

GROUP = "decisions"
EXPERIMENT_EVIDENCE = (
    ExperimentRegistry,
    DesignValidation,
    ExperimentMonitoring,
    CausalImpact,
    SegmentImpact,
    MetricCalibration,
)
RELEASE_EVIDENCE: dict[str, type[Table]] = {
    "evaluation_runs": history.EvaluationRuns,
    "evaluation_plan": evaluation.EvaluationPlan,
    "evaluation_summary": evaluation.EvaluationSummary,
    "baseline_comparison": history.BaselineComparison,
    "segment_comparison": history.SegmentComparison,
    "gate_calibration": history.GateCalibration,
    "trend_analysis": history.TrendAnalysis,
    "run_metrics": history.RunMetrics,
}


def _out(contract: type[Table]) -> dg.AssetOut:
    return dg.AssetOut(description=contract.__doc__, **table_options(contract, GROUP))


@dg.multi_asset(
    name="decide_all",
    outs={"decisions": _out(Decisions), "decision_counterfactuals": _out(DecisionCounterfactuals)},
    check_specs=contract_specs(Decisions, DecisionCounterfactuals),
    deps=[
        "experiment_registry",
        "design_validation",
        "experiment_monitoring",
        "causal_impact",
        "segment_impact",
        "metric_calibration",
        "agent_versions",
        *RELEASE_EVIDENCE,
    ],
)
def decide_all(context: dg.AssetExecutionContext, world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """Decide on every experiment and agent version by the rules of `policies/decisions.yaml`; log what is new.

    The same evidence under the same policies is decided once. What needs approval stays pending until it has it.
    """
    now, policy = datetime.now(UTC), world.files.decision_policy
    subjects = _subjects(world, now)
    log = world.audit
    for name, document in world.files.policies.items():
        content = document.model_dump(mode="json")
        log_policy(log, name, digest(canonical_json(content)), content)
    rows = decide(subjects, policy, world.files.approval_policy, log, now, installed_version("eaas-assets"))
    decisions = build(Decisions, rows)
    current = decisions[decisions["current"]]
    checkpoint = log.checkpoint()
    counts = {f"decided {word}": int(count) for word, count in current["decision"].value_counts().items()}
    pending = current[current["state"] == "pending_approval"]
    context.log.info(f"{len(current):,} subjects decided, {len(pending):,} wait for approval")
    tell(world, lambda: decision_messages(decisions, world.snapshot(Decisions)), context.log.warning)
    yield table_result(
        Decisions,
        decisions,
        preview=["subject_id", "phase", "decision", "state", "rule", "rationale", "confidence", "at_stake_usd"],
        metadata={
            **counts,
            "pending approval": len(pending),
            **({} if checkpoint is None else {"audit checkpoint": checkpoint.text}),
        },
    )
    flips = counterfactual_rows(rows, subjects, policy)
    yield table_result(
        DecisionCounterfactuals,
        flips,
        preview=["subject_id", "decision", "becomes", "kind", "fact", "current_value", "flipped_value", "statement"],
    )


@dg.asset_check(
    asset="decisions",
    name="no_decision_waits",
    description="No decision waits for an approval. Who must agree: `policies/approvals.yaml`.",
)
def no_decision_waits(world: World, decisions: pd.DataFrame) -> dg.AssetCheckResult:
    """Red with every decision that waits, and for whom."""
    current, policy = decisions[decisions["current"]], world.files.approval_policy
    waiting = current[current["state"] == "pending_approval"]
    reasons = [
        f"{row.subject_id}: {row.decision} waits for {_awaited(str(row.missing_json), policy)}"
        for row in waiting.itertuples()
    ]
    return gate_result(reasons, "warn", f"None of {len(current):,} current decisions waits for an approval.")


def _awaited(missing_json: str, policy: ApprovalPolicy) -> str:
    missing = required_of(missing_json)
    nobody = held_by_nobody(missing, policy)
    return missing.statement + (f"; nobody in the approval policy is {', '.join(nobody)}" if nobody else "")


@dg.asset(deps=["decisions"], **asset_options(Approvals, GROUP))
def approvals(world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """Every approval, rejection, override and waiver that someone asked for, the refused ones too.

    They come in through the job `record_approval` or the command `eaas approve`.
    """
    rows = approval_rows(list(world.audit.entries()), world.files.approval_policy, datetime.now(UTC))
    yield table_result(
        Approvals, rows, preview=["subject_id", "action", "person", "role", "word", "valid", "refusal_reason"]
    )


@dg.asset(deps=["decisions", "approvals"], **asset_options(AuditLog, GROUP))
def audit_log(world: World) -> Iterator[dg.MaterializeResult[Any]]:
    """The audit log as a table: decisions, approvals, overrides, policy changes, refusals and evaluation runs."""
    entries = list(world.audit.entries())
    yield table_result(AuditLog, audit_rows(entries), preview=["seq", "at", "kind", "actor", "subject_id", "summary"])


@dg.asset_check(
    asset=audit_log,
    name="audit_log_is_intact",
    description="Every byte of the audit log is as it was written: against its chain, and against signed checkpoints.",
)
def audit_log_is_intact(world: World) -> dg.AssetCheckResult:
    """Red with everything that was changed, put in, left out, moved or cut; a warning where an older log is gone."""
    verification = world.audit.verify()
    reasons = [str(problem) for problem in verification.problems]
    tell_red(world, "audit log", [*reasons, *verification.gone], verification.statement)
    return gate_result(
        [*reasons, *verification.gone],
        "error" if reasons else "warn",
        verification.statement,
        entries=verification.entries,
        proven=verification.proven,
    )


def _subjects(world: World, now: datetime) -> list[SubjectEvidence]:
    """Every experiment and every agent version with a full run, with their evidence as the tables have it."""
    experiments = ExperimentTables(*map(world.snapshot, EXPERIMENT_EVIDENCE))
    releases = {name: _newest(world, name, contract) for name, contract in RELEASE_EVIDENCE.items()}
    return [
        *experiment_subjects(experiments, now.date()),
        *release_subjects(ReleaseTables(world.snapshot(AgentVersions), **releases)),
    ]


def _newest(world: World, table: str, contract: type[Table]) -> pd.DataFrame:
    found = world.tables.read_newest(table)
    return build(contract, []) if found is None else found
