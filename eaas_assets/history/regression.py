"""A run against the run before it and against its baseline: by metric, by scenario, and in one plain statement.

Belongs here: the rows of RegressionAnalysis, and which of them make the gate red. Averages can be equal while six
scenarios were lost and six gained, so every scenario that changed sides has its own row.
"""

from __future__ import annotations

from typing import Any, Literal

import pandas as pd

from eaas_assets.contracts.history import RegressionAnalysis
from eaas_assets.contracts.policies import ReleasePolicy
from eaas_assets.contracts.tables import build
from eaas_assets.history.baseline import paired_sentences
from eaas_assets.history.comparable import Comparison, caveats, limits, put_side_by_side
from eaas_assets.history.finding import records
from eaas_assets.history.measures import UNKNOWN
from eaas_assets.history.pairing import COUNTS, Pairing
from eaas_assets.history.record import RunRecord, baseline_run_id, previous_run_id, read_run
from eaas_assets.history.rules import judge, rule_for, ruled_metrics
from eaas_assets.history.wording import joined, points

Against = Literal["previous_run", "baseline"]
MOST_NAMED = 20
"""Lost scenarios that one sentence of the gate names."""


def analyse_regression(
    run_id: str,
    baseline_version: str | None,
    history: RunRecord,
    policy: ReleasePolicy,
    scoring: str | None = None,
) -> pd.DataFrame:
    """RegressionAnalysis of one run.

    The previous run is a run with results, never a row of zeros: where there is none, the one statement says so. A
    metric is judged where the policy has a rule for it and at least one of the runs knows it.

    Args:
        run_id: The run in question.
        baseline_version: Declared baseline of its version; None for a first version.
        history: The one history, with this run in it.
        policy: The release policy.
        scoring: Hash of the evaluation policy under which results count; None: of each run the last one.
    """
    run = read_run(history, run_id, scoring)
    references: dict[Against, str | None] = {
        "previous_run": previous_run_id(history, run),
        "baseline": None if baseline_version is None else baseline_run_id(history, run, baseline_version),
    }
    compared: dict[str, pd.DataFrame] = {}
    parts = []
    for against, reference_id in references.items():
        if reference_id is None:
            parts.append(pd.DataFrame([_no_reference(against, baseline_version)]))
            continue
        if reference_id not in compared:
            reference = read_run(history, reference_id, scoring or run.policy_hash)
            rows = _compared(put_side_by_side(reference, run), policy)
            compared[reference_id] = rows.assign(reference_run_id=reference_id, reference_source=reference.source)
        parts.append(compared[reference_id].assign(against=against))
    table = pd.concat(parts, ignore_index=True)
    return build(RegressionAnalysis, table.assign(run_id=run_id, policy_hash=policy.digest))


def regression_found(analysis: pd.DataFrame, comparison: pd.DataFrame) -> list[str]:
    """What makes the regression gate red, one sentence each; empty for a green gate.

    An imported previous run is told about in the analysis and does not turn the gate red: nobody can look up its
    evaluations. A baseline does, wherever it comes from, because somebody declared it.

    Args:
        analysis: RegressionAnalysis of a run.
        comparison: BaselineComparison of the same run.
    """
    found = []
    for row in records(comparison):
        if row["regression_detected"] or row["verdict"] == "worse":
            fall = f"The pass rate is {points(abs(row['improvement']))} below the baseline {row['baseline_version']}"
            reason = "more than the policy allows" if row["regression_detected"] else "significant in the paired test"
            found.append(f"{fall} ({row['baseline_run_id']}): {reason}.")
    imported = (analysis["against"] == "previous_run") & (analysis["reference_source"] == "historical")
    analysis = analysis[~imported]
    references = analysis.drop_duplicates("against").set_index("against")["reference_run_id"].to_dict()
    if references.get("previous_run") == references.get("baseline"):  # say it once
        analysis = analysis[analysis["against"] == "baseline"]
    for (against, reference), rows in analysis.groupby(["against", "reference_run_id"], sort=True):
        words = f"Against {'the baseline run' if against == 'baseline' else 'the previous run'} {reference}:"
        regressions = rows[(rows["kind"] == "metric") & (rows["verdict"] == "regression")]
        found.extend(f"{words} {statement}" for statement in regressions["statement"])
        lost = rows.loc[(rows["kind"] == "scenario") & (rows["verdict"] == "lost"), "subject"].tolist()
        if lost:
            plural = "scenarios" if len(lost) > 1 else "scenario"
            found.append(f"{words} {len(lost):,} {plural} lost: {joined(lost, MOST_NAMED)}.")
    return found


def _no_reference(against: Against, baseline_version: str | None) -> dict[str, Any]:
    if against == "previous_run":
        told = "No earlier full run with results: there is nothing to compare with."
    elif baseline_version is None:
        told = "No baseline is declared: this is a first version."
    else:
        told = f"The baseline {baseline_version} has no full run with results: there is nothing to compare with."
    return {
        "against": against,
        "kind": "statement",
        "subject": "summary",
        "verdict": "undetermined",
        "statement": told,
    }


def _compared(comparison: Comparison, policy: ReleasePolicy) -> pd.DataFrame:
    """The rows of one reference: the statement, the metrics, the scenarios that changed."""
    metrics = _metric_rows(comparison, policy)
    return pd.concat(
        [pd.DataFrame([_statement(comparison, metrics, policy), *metrics]), _scenario_rows(comparison.pairing)],
        ignore_index=True,
    )


def _metric_rows(comparison: Comparison, policy: ReleasePolicy) -> list[dict[str, Any]]:
    rows = []
    for metric in ruled_metrics({**comparison.before, **comparison.after}, policy.metrics):
        before, now = comparison.before.get(metric, UNKNOWN), comparison.after.get(metric, UNKNOWN)
        rule = rule_for(metric, policy.metrics)
        if rule is None or not (before.known or now.known):
            continue
        change = judge(metric, before, now, rule)
        rows.append(
            {
                "kind": "metric",
                "subject": metric,
                "previous": before.value,
                "current": now.value,
                "change": change.difference,
                "threshold": rule.by,
                "verdict": change.verdict,
                "statement": change.statement,
            }
        )
    return rows


def _scenario_rows(pairing: Pairing) -> pd.DataFrame:
    """One row per scenario that changed sides, or whose share of passed trials changed at all."""
    verdicts = dict.fromkeys(pairing.lost, "lost") | dict.fromkeys(pairing.gained, "gained")
    verdicts |= dict.fromkeys(pairing.shifted, "undetermined")
    verdict = pairing.pairs["scenario_id"].map(verdicts).dropna()
    changed = pairing.pairs.loc[verdict.index]
    before = changed["before_passed"] / changed["before_trials"]
    now = changed["after_passed"] / changed["after_trials"]
    return pd.DataFrame(
        {
            "kind": "scenario",
            "subject": changed["scenario_id"],
            "previous": before,
            "current": now,
            "change": (now - before).round(12),
            "verdict": verdict,
            "statement": [
                _changed(*row) for row in zip(*(changed[name] for name in ("scenario_id", *COUNTS)), strict=True)
            ],
        }
    )


def _changed(scenario: str, trials_before: int, passed_before: int, trials_now: int, passed_now: int) -> str:
    if trials_before == trials_now == 1:
        return f"{scenario} {'failed before, passes now' if passed_now else 'passed before, fails now'}."
    return f"{scenario} passed {passed_now} of {trials_now} trials after {passed_before} of {trials_before}."


def _statement(comparison: Comparison, metrics: list[dict[str, Any]], policy: ReleasePolicy) -> dict[str, Any]:
    """The comparison in plain words, with what it cannot tell."""
    told = [f"Against {comparison.reference}:"]
    by_verdict = {
        verdict: [row["subject"] for row in metrics if row["verdict"] == verdict]
        for verdict in ("regression", "improvement", "undetermined")
    }
    words = {"regression": "worse", "improvement": "better", "undetermined": "not to be told"}
    named = [f"{words[verdict]} are {joined(subjects)}" for verdict, subjects in by_verdict.items() if subjects]
    if comparison.basis != "none":
        told.append(f"by metric, {'; '.join(named)}." if named else "by metric, nothing changed by as much as counts.")
    told.extend(paired_sentences(comparison))
    if comparison.pairing.lost and comparison.pairing.gained:
        told.append("Averages hide this: in them, losses and gains offset each other.")
    told.extend(caveats(comparison))
    rule = rule_for("pass_rate", policy.metrics)
    told.extend(limits(comparison, rule.by if rule else policy.baseline.regression_points))
    return {
        "kind": "statement",
        "subject": "summary",
        "verdict": _overall(comparison, by_verdict),
        "statement": " ".join(told),
    }


def _overall(comparison: Comparison, by_verdict: dict[str, list[str]]) -> str:
    if comparison.basis == "none":
        return "undetermined"
    if by_verdict["regression"] or comparison.pairing.lost:
        return "regression"
    if by_verdict["improvement"] or comparison.pairing.gained:
        return "improvement"
    return "undetermined" if by_verdict["undetermined"] else "unchanged"
