"""The release gate put to the test on the suite's own results: how often it cries wolf, and what drop it can see.

Belongs here: the table GateCalibration, and whether the gate keeps its promise. The counting is done in
``gate_tallies``.

Where nothing changed between the two runs of a pair, a gate that fails cries wolf; the release policy promises that at
most 1 - ``comparison.level`` of such pairs do. Where the later run lost a known share of its passes, the share of pairs
that fail is the power of the gate. Both are estimated from replays, so both have Monte-Carlo intervals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from eaas_assets.contracts.history import GateCalibration
from eaas_assets.contracts.policies import ReleasePolicy
from eaas_assets.contracts.tables import build
from eaas_assets.history.finding import records
from eaas_assets.history.gate_tallies import WANTED_POWER, Calibration, Rule, Tally, calibrate, release_gate
from eaas_assets.history.measures import FIELD_SUFFIX, field_matches
from eaas_assets.history.outcomes import families_of, segment_labels
from eaas_assets.history.replays import ASSUMED, ESTIMATED, KNOWN, Recorded
from eaas_assets.storage.files import digest
from eaas_assets.wording import count, percent, points

MOST_SCENARIOS = 2000
"""Scenarios that are replayed at most, so that a suite of any size takes seconds."""


def calibrate_gate(
    run: pd.Series,
    rows: pd.DataFrame,
    reference: pd.DataFrame | None,
    policy: ReleasePolicy,
    scenarios: pd.DataFrame | None = None,
    rule: Rule | None = None,
) -> pd.DataFrame:
    """GateCalibration of one run; empty where no scenario of its comparison has a result.

    The random numbers follow from the run's identifier alone, so that the same run always gives the same rows.

    Args:
        run: Its row of EvaluationRuns.
        rows: Its ScenarioEvaluations, under one scoring.
        reference: Those of the baseline's run; None where there is no executed one: then the run is replayed against
            another one like itself.
        policy: The release policy.
        scenarios: JourneyScenarios, for families and segments; None: there are none.
        rule: The gate to try; by default the one that the policy declares.
    """
    simulated = pd.notna(run["simulated"]) and bool(run["simulated"])
    recorded = read_recorded(rows, reference, policy, scenarios, run["suite"], simulated)
    if recorded is None:
        return build(GateCalibration, [])
    seed = int(digest(run["run_id"])[:16], 16)
    rng = np.random.default_rng(seed)
    total = recorded.reference_trials.size
    if total > MOST_SCENARIOS:
        recorded = recorded.part(np.sort(rng.choice(total, MOST_SCENARIOS, replace=False)))
    found = calibrate(recorded, rule or release_gate(policy, simulated), rng)
    named = {name: run[name] for name in ("run_id", "agent", "version")}
    return calibration_table(named, recorded, found, policy, seed, total)


def read_recorded(
    rows: pd.DataFrame,
    reference: pd.DataFrame | None,
    policy: ReleasePolicy,
    scenarios: pd.DataFrame | None = None,
    suite: str | None = None,
    simulated: bool = False,
) -> Recorded | None:
    """What a run recorded, in the design of its comparison with the baseline.

    Args:
        rows: ScenarioEvaluations of the run, under one policy.
        reference: Those of the baseline's run; None where there is no executed one: then the run is replayed against
            another one like itself.
        policy: Says which metrics decide and what a family is.
        scenarios: JourneyScenarios, for families and segments; None: there are none.
        suite: Whose scenarios they are.
        simulated: Whether simulated agents answered, which repeat themselves.

    Returns:
        None where no scenario of the comparison has a known result.
    """
    known = rows[rows["passed"].notna()]
    trials = (known if reference is None else reference[reference["passed"].notna()]).groupby("scenario_id").size()
    trials = trials[trials.index.isin(known["scenario_id"])].sort_index()
    if trials.empty:
        return None
    known = known[known["scenario_id"].isin(trials.index)]
    segments = segment_labels(scenarios, suite, pd.Series(trials.index))
    values = {"average_score": known["overall_score"]} | {
        f"{name}{FIELD_SUFFIX}": matched for name, matched in field_matches(known["matches_json"]).items()
    }
    used = {*policy.comparison.metrics, *(name for name in values if name.endswith(FIELD_SUFFIX))}
    return Recorded(
        scenario=trials.index.get_indexer(pd.Index(known["scenario_id"])),
        passed=known["passed"].to_numpy(dtype=bool),
        metrics={
            name: column.to_numpy(dtype=np.float64, na_value=np.nan) for name, column in values.items() if name in used
        },
        reference_trials=np.asarray(trials, dtype=np.int64),
        families=families_of(segments, policy.comparison.cluster_by),
        segments=segments,
        repeats=simulated,
    )


def calibration_table(
    run: dict[str, Any], recorded: Recorded, found: Calibration, policy: ReleasePolicy, seed: int, total: int
) -> pd.DataFrame:
    """GateCalibration of one run.

    Args:
        run: Its ``run_id``, ``agent`` and ``version``.
        recorded: What it recorded.
        found: How the gate behaves on it.
        policy: The release policy.
        seed: Of the replays.
        total: Scenarios that the run has, of which ``recorded`` may be a part.
    """
    promised = policy.comparison.alpha
    shared = run | {
        "promised_rate": promised,
        "detected_drop": found.detected_drop,
        "detected_drop_reason": found.reason or None,
        "scenarios": recorded.reference_trials.size,
        "evaluations": recorded.scenario.size,
        "families": None if recorded.families is None else np.unique(recorded.families).size,
        "correlation": found.chances.correlation,
        "correlation_basis": found.chances.basis,
        "seed": str(seed),
        "policy_hash": policy.digest,
    }
    basis = _BASES[found.chances.basis]
    if total > recorded.reference_trials.size:
        basis += (
            f" Replayed are {recorded.reference_trials.size:,} scenarios, drawn from {total:,}: with all of them "
            "smaller drops show."
        )
    return build(GateCalibration, [shared | _row(tally, promised, basis) for tally in found.tallies])


def _row(tally: Tally, promised: float, basis: str) -> dict[str, Any]:
    failing, better = tally.failing, tally.saying("better")
    nothing_changed = tally.situation != "drop"
    return {
        "situation": tally.situation,
        "drop": tally.drop,
        "replays": tally.n,
        "failed": tally.failed,
        "fail_rate": tally.fail_rate,
        "fail_low": failing.low,
        "fail_high": failing.high,
        "worse_rate": tally.share("worse"),
        "better_rate": tally.share("better"),
        "better_low": better.low,
        "better_high": better.high,
        "not_worse_rate": tally.share("not_worse"),
        "inconclusive_rate": tally.share("inconclusive"),
        "keeps_promise": max(failing.low, better.low) <= promised if nothing_changed else None,
        "statement": _statement(tally, promised, basis),
    }


_BASES = {
    KNOWN: "A simulated agent answers the same every time, so there is no chance in it.",
    ESTIMATED: "How far trials of a scenario agree is estimated from its repeats.",
    ASSUMED: "With one trial per scenario, half of the variance is assumed to lie between scenarios.",
}


def _statement(tally: Tally, promised: float, basis: str) -> str:
    low, high = (percent(bound) for bound in tally.failing[:2])
    rate = f"{tally.failed:,} of {count(tally.n, 'replay')} ({percent(tally.fail_rate)}, 95 % interval {low} to {high})"
    if tally.situation == "drop":
        return f"A drop of {points(tally.drop)} makes the gate fail in {rate}."
    days = " and families of scenarios have good and bad days" if tally.situation == "same_agent_bad_days" else ""
    return (
        f"Where nothing changes{days}, the gate fails in {rate}; promised are at most {percent(promised)}. "
        f"It says better in {percent(tally.share('better'))} and inconclusive in "
        f"{percent(tally.share('inconclusive'))} of them. {basis}"
    )


def broken_promises(table: pd.DataFrame) -> list[str]:
    """Why the gate does not keep its promise, one sentence each; empty where it does.

    Args:
        table: GateCalibration of one run; an empty one says nothing in the gate's favour.
    """
    if table.empty:
        return ["No scenario has a result, so the gate could not be tried."]
    told = []
    for row in records(table[table["situation"] != "drop"]):
        when = "nothing changed" if row["situation"] == "same_agent" else "nothing changed but the days of families"
        for what, kind in (("fails", "fail"), ("says better", "better")):
            rate, low, promised = row[f"{kind}_rate"], row[f"{kind}_low"], row["promised_rate"]
            if low > promised:
                told.append(
                    f"The gate {what} in {percent(rate)} of {row['replays']:,} replays in which {when} (at least "
                    f"{percent(low)}); the policy promises at most {percent(promised)}."
                )
    return told


def ability(table: pd.DataFrame) -> str:
    """How the gate did, in a sentence or two: its false alarms and the drop that it can see."""
    if table.empty:
        return "The gate could not be tried: no scenario has a result."
    first = table.iloc[0]
    seen = (
        f"It detects a drop of {points(first['detected_drop'])} with {percent(WANTED_POWER)} power."
        if pd.notna(first["detected_drop"])
        else f"It detects no drop with {percent(WANTED_POWER)} power: {first['detected_drop_reason']}."
    )
    return f"{first['statement']} {seen}"
