"""A run against the run before it and against its baseline: by metric, by scenario, and in one plain statement.

Belongs here: the rows of RegressionAnalysis, and which of them make the gate red. Averages can be equal while six
scenarios were lost and six gained, so every scenario that changed sides has its own row.
"""

from __future__ import annotations

import json
import math
from typing import Any, Literal

import pandas as pd

from eaas_assets.contracts.history import RegressionAnalysis
from eaas_assets.contracts.policies import ReleasePolicy
from eaas_assets.contracts.tables import build
from eaas_assets.history.comparable import Comparison, caveats, limits, put_side_by_side
from eaas_assets.history.explanation import paired_sentences
from eaas_assets.history.finding import records
from eaas_assets.history.gate import counts
from eaas_assets.history.measures import UNKNOWN
from eaas_assets.history.pairing import COUNTS
from eaas_assets.history.record import RunRecord, baseline_run_id, previous_run_id, read_run
from eaas_assets.history.rules import judge_change, rule_for, ruled_metrics
from eaas_assets.wording import joined, points

Against = Literal["previous_run", "baseline"]
MOST_NAMED = 20
"""Lost scenarios that one sentence of the gate names."""


def analyse_regression(
    run_id: str,
    baseline_version: str | None,
    history: RunRecord,
    policy: ReleasePolicy,
    scoring: str | None = None,
    scenarios: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """RegressionAnalysis of one run.

    The previous run is a run with results, never a row of zeros: where there is none, the one statement says so. A
    metric is judged where the policy has a rule for it and at least one of the runs knows it. ``alarm`` marks the rows
    that make the gate red: changes that count by a rule and that chance does not explain.

    An imported previous run is told about and does not turn the gate red: nobody can look up its evaluations. A
    baseline does, wherever it comes from, because somebody declared it.

    Args:
        run_id: The run in question.
        baseline_version: Declared baseline of its version; None for a first version.
        history: The one history, with this run in it.
        policy: The release policy.
        scoring: Hash of the evaluation policy under which results count; None: of each run the last one.
        scenarios: JourneyScenarios, for families and segments; None: there are none.
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
            rows = _compared(put_side_by_side(reference, run, policy, scenarios), policy)
            compared[reference_id] = rows.assign(reference_run_id=reference_id, reference_source=reference.source)
        rows = compared[reference_id].assign(against=against)
        if against == "previous_run" and (rows["reference_source"] == "historical").all():
            rows["alarm"] = False
        parts.append(rows)
    table = pd.concat(parts, ignore_index=True)
    return build(RegressionAnalysis, table.assign(run_id=run_id, policy_hash=policy.digest))


def regression_found(analysis: pd.DataFrame, comparison: pd.DataFrame) -> list[str]:
    """What makes the regression gate red, one sentence each; empty for a green gate.

    Args:
        analysis: RegressionAnalysis of a run.
        comparison: BaselineComparison of the same run.
    """
    found = [told for row in records(comparison) for told in _against_baseline(row, json.loads(row["alarms_json"]))]
    analysis = analysis[analysis["alarm"]]
    references = analysis.drop_duplicates("against").set_index("against")["reference_run_id"].to_dict()
    if references.get("previous_run") == references.get("baseline"):  # say it once
        analysis = analysis[analysis["against"] == "baseline"]
    for (against, reference), rows in analysis.groupby(["against", "reference_run_id"], sort=True):
        words = f"Against {'the baseline run' if against == 'baseline' else 'the previous run'} {reference}:"
        metrics = rows[rows["kind"] == "metric"]
        found.extend(f"{words} {statement}" for statement in metrics["statement"])
        lost = rows.loc[rows["kind"] == "scenario", "subject"].tolist()
        if lost:
            plural = "scenarios" if len(lost) > 1 else "scenario"
            found.append(f"{words} {len(lost):,} {plural} lost: {joined(lost, MOST_NAMED)}.")
    return found


def _against_baseline(row: dict[str, Any], alarms: list[str]) -> list[str]:
    """What the one row of the baseline comparison contributes; metrics and scenarios have rows of their own."""
    fall = f"The pass rate is {points(abs(row['improvement'] or 0))} below the baseline {row['baseline_version']}"
    told = []
    if "worse" in alarms:
        told.append(f"Worse than the baseline {row['baseline_version']} ({row['baseline_run_id']}) by the paired test.")
    if "points_rules" in alarms and row["regression_detected"]:
        told.append(f"{fall} ({row['baseline_run_id']}): more than the policy allows.")
    if "worse_segment" in alarms:
        segments = joined(json.loads(row["worst_segments_json"]))
        told.append(f"Worse than the baseline {row['baseline_version']} where {segments}.")
    return told


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
        "alarm": False,
        "statement": told,
    }


def _compared(comparison: Comparison, policy: ReleasePolicy) -> pd.DataFrame:
    """The rows of one reference: the statement, the metrics, the scenarios that changed."""
    metrics = _metric_rows(comparison, policy)
    scenarios = _scenario_rows(comparison, policy)
    statement = _statement(comparison, metrics, bool(scenarios["alarm"].any()), policy)
    return pd.concat([pd.DataFrame([statement, *metrics]), scenarios], ignore_index=True)


def _metric_rows(comparison: Comparison, policy: ReleasePolicy) -> list[dict[str, Any]]:
    rows = []
    for metric in ruled_metrics({**comparison.before, **comparison.after}, policy.metrics):
        before, now = comparison.before.get(metric, UNKNOWN), comparison.after.get(metric, UNKNOWN)
        rule = rule_for(metric, policy.metrics)
        if rule is None or not (before.known or now.known):
            continue
        change = judge_change(metric, before, now, rule)
        chance = math.nan if comparison.chance is None else comparison.chance.metrics.get(metric, math.nan)
        counted = counts(comparison.chance, metric, policy.comparison.alpha)
        by_chance = change.verdict in {"regression", "improvement"} and not counted
        rows.append(
            {
                "kind": "metric",
                "subject": metric,
                "previous": before.value,
                "current": now.value,
                "change": change.difference,
                "threshold": rule.by,
                "p_value": chance,
                "verdict": change.verdict,
                "alarm": change.verdict == "regression"
                and counted
                and "points_rules" in policy.regression_gate.fail_on,
                "by_chance": by_chance,
                "statement": change.statement + (_by_chance(chance) if by_chance else ""),
            }
        )
    return rows


def _by_chance(p_value: float) -> str:
    if math.isnan(p_value):
        return " Whether chance explains it cannot be told."
    return f" Chance explains it (p = {p_value:.2g})."


def _scenario_rows(comparison: Comparison, policy: ReleasePolicy) -> pd.DataFrame:
    """One row per scenario that changed sides, or whose share of passed trials changed at all."""
    pairing = comparison.pairing
    verdicts = dict.fromkeys(pairing.lost, "lost") | dict.fromkeys(pairing.gained, "gained")
    verdicts |= dict.fromkeys(pairing.shifted, "undetermined")
    verdict = pairing.pairs["scenario_id"].map(verdicts).dropna()
    changed = pairing.pairs.loc[verdict.index]
    before = changed["before_passed"] / changed["before_trials"]
    now = changed["after_passed"] / changed["after_trials"]
    counted = comparison.lost_for_sure(policy) if "lost_scenarios" in policy.regression_gate.fail_on else []
    chances = None if comparison.chance is None else comparison.chance.lost[verdict.index]
    return pd.DataFrame(
        {
            "kind": "scenario",
            "subject": changed["scenario_id"],
            "previous": before,
            "current": now,
            "change": (now - before).round(12),
            "p_value": chances,
            "verdict": verdict,
            "alarm": changed["scenario_id"].isin(counted),
            "statement": [
                _changed(*row) for row in zip(*(changed[name] for name in ("scenario_id", *COUNTS)), strict=True)
            ],
        }
    )


def _changed(scenario: str, trials_before: int, passed_before: int, trials_now: int, passed_now: int) -> str:
    if trials_before == trials_now == 1:
        return f"{scenario} {'failed before, passes now' if passed_now else 'passed before, fails now'}."
    return f"{scenario} passed {passed_now} of {trials_now} trials after {passed_before} of {trials_before}."


def _statement(
    comparison: Comparison, metrics: list[dict[str, Any]], lost: bool, policy: ReleasePolicy
) -> dict[str, Any]:
    """The comparison in plain words, with what it cannot tell.

    Args:
        comparison: Two runs.
        metrics: Its rows about metrics.
        lost: Whether a lost scenario counts.
        policy: The release policy.
    """
    told = [f"Against {comparison.reference}:"]
    named = [f"{words} {joined(subjects)}" for words, subjects in _by_words(metrics).items() if subjects]
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
        "verdict": _overall(comparison, metrics, lost),
        "alarm": False,
        "statement": " ".join(told),
    }


def _by_words(metrics: list[dict[str, Any]]) -> dict[str, list[str]]:
    """Subjects of the metrics' rows under the words that introduce them."""
    words: dict[str, list[str]] = {
        "worse are": [],
        "better are": [],
        "changed by no more than chance explains:": [],
        "not to be told are": [],
    }
    for row in metrics:
        if row["by_chance"]:
            words["changed by no more than chance explains:"].append(row["subject"])
        elif row["verdict"] != "unchanged":
            key = {"regression": "worse are", "improvement": "better are", "undetermined": "not to be told are"}
            words[key[row["verdict"]]].append(row["subject"])
    return words


def _overall(comparison: Comparison, metrics: list[dict[str, Any]], lost: bool) -> str:
    if comparison.basis == "none":
        return "undetermined"
    words, pairing = _by_words(metrics), comparison.pairing
    certain = comparison.chance is None or comparison.chance.facts
    if words["worse are"] or lost:
        return "regression"
    if words["better are"] or (pairing.gained and certain):
        return "improvement"
    return "undetermined" if any(words.values()) or pairing.lost or pairing.gained else "unchanged"
