"""Doubt the recorded history: numbers that cannot be, cannot be confirmed, or contradict each other.

Belongs here: what is wrong with the summaries of imported runs. Findings about their single rows are in
``audit_rows``; those about suites are the suite audit's; rows that are not even well-formed never get here.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pandas as pd

from eaas_assets.contracts.conditions import exact
from eaas_assets.history.audit_rows import Row, World, audit_rows, known_world, scenario_rows
from eaas_assets.history.columns import FIELDS, PASSED, RATES, all_matched
from eaas_assets.history.counts import neighbours, possible_counts, written_decimals
from eaas_assets.history.finding import HistoryFinding, records
from eaas_assets.history.imports import HistoryReading
from eaas_assets.wording import count, joined


def audit_history(
    history: HistoryReading, scenarios: pd.DataFrame | None = None, decision_rules: pd.DataFrame | None = None
) -> list[dict[str, str]]:
    """Findings about the imported runs, as rows of SuiteAudit with the suite ``history``.

    Args:
        history: What was imported.
        scenarios: JourneyScenarios of the suites of today. Without them, nothing is said of unknown scenarios,
            changed expectations, unknown values and risks.
        decision_rules: DecisionRules, for the values that rules can yield.
    """
    world = known_world(scenarios, decision_rules)
    rows = scenario_rows(history.scenarios)
    rows_of: dict[str, list[Row]] = {}
    for row in rows:
        row[PASSED] = all_matched([row[f"{field}_match"] for field in FIELDS])
        rows_of.setdefault(row["run_id"], []).append(row)
    summaries = {row["run_id"]: row for row in records(history.metrics)}
    decimals = {rate.column: written_decimals(history.metrics[rate.column].tolist()) for rate in RATES}
    findings: list[HistoryFinding] = []
    for run in records(history.runs):
        run_rows = rows_of.get(run["run_id"], [])
        summary = summaries.get(run["run_id"])
        if summary is None:
            findings.append(_missing_summary(run, run_rows))
            continue
        findings.extend(_impossible_rates(run, summary, decimals))
        findings.extend(_contradictions(run, summary, run_rows, decimals, world))
        findings.extend(_unconfirmed(run, summary, run_rows))
    findings.extend(_pass_above_fields(summaries))
    findings.extend(audit_rows(rows, world))
    return [finding.as_row() for finding in findings]


def _missing_summary(run: Row, rows: list[Row]) -> HistoryFinding:
    return HistoryFinding(
        "missing_summary",
        "warning",
        run["run_id"],
        f"{run['run_id']} ran {run['scenario_count']} scenarios, but no metrics of it are recorded.",
        "It is left out of every comparison; import its metrics or delete it.",
        [_plain(run), *rows],
    )


def _impossible_rates(run: Row, summary: Row, decimals: dict[str, int]) -> Iterator[HistoryFinding]:
    n = run["scenario_count"]
    evidence = []
    for rate in RATES:
        value = summary[rate.column]
        if len(possible_counts(value, n, decimals[rate.column])) == 0:
            below, above = neighbours(value, n)
            evidence.append(
                {
                    "run_id": run["run_id"],
                    "metric": rate.column,
                    "value": value,
                    "scenario_count": n,
                    "nearest_below": f"{below}/{n}",
                    "nearest_above": f"{above}/{n}",
                }
            )
    if evidence:
        listed = [f"{e['metric']} {e['value']} (nearest: {e['nearest_below']}, {e['nearest_above']})" for e in evidence]
        yield HistoryFinding(
            "impossible_rate",
            "error",
            run["run_id"],
            f"{len(evidence)} of {len(RATES)} rates of {run['run_id']} cannot come from {n} scenarios: "
            f"{joined(listed)}.",
            "Find the evaluations behind the numbers, or treat them as quoted: they have no counts and no interval.",
            evidence,
        )


def _contradictions(
    run: Row, summary: Row, rows: list[Row], decimals: dict[str, int], world: World
) -> Iterator[HistoryFinding]:
    n, run_id = run["scenario_count"], run["run_id"]
    faults: list[tuple[str, list[Row]]] = []
    if len(rows) > n:
        faults.append((f"{count(len(rows), 'scenario row')} for {count(n, 'scenario')}", rows))
    else:
        for rate in RATES:
            faults.extend(_outside_rows(rate.column, rate.flag, summary, rows, n, decimals[rate.column]))
    failures = n - neighbours(summary["overall_pass_rate"], n)[0]
    if (risky := summary["high_risk_failures"]) > failures:
        told = f"{risky} high-risk failures are stated, but a pass rate of {summary['overall_pass_rate']} leaves at"
        faults.append((f"{told} most {failures} failures of {n}", []))
    failed_risky = [row for row in rows if row[PASSED] is False and world.risks.get(row["scenario_id"]) == {"high"}]
    if len(failed_risky) > risky:
        told = (
            f"{risky} high-risk failures are stated, but {count(len(failed_risky), 'row')} of high risk did not match"
        )
        faults.append((told, failed_risky))
    slowest = sum((Fraction(exact(row["latency_ms"])) for row in rows if row["latency_ms"] is not None), Fraction())
    if slowest > n * (Fraction(exact(summary["avg_latency_ms"])) + Fraction(1, 2)):
        told = (
            f"an average of {summary['avg_latency_ms']:g} ms is stated, but the rows alone took {float(slowest):g} ms"
        )
        faults.append((told, rows))
    for told, evidence in faults:
        yield HistoryFinding(
            "contradictory_summary",
            "error",
            run_id,
            f"The record of {run_id} contradicts itself: {told}.",
            "Correct the source that is wrong; do not use the run as a baseline before.",
            [_plain(summary), *evidence],
        )


def _outside_rows(
    column: str, flag: str, summary: Row, rows: list[Row], n: int, decimals: int
) -> Iterator[tuple[str, list[Row]]]:
    """Whether a stated rate lies outside what the surviving rows allow: a contradiction, with those rows."""
    true = [row for row in rows if row[flag] is True]
    false = [row for row in rows if row[flag] is False]
    value = Fraction(exact(summary[column]))
    half = Fraction(1, 2 * 10**decimals)
    if value + half < Fraction(len(true), n):
        yield f"{column} is {summary[column]}, but {len(true)} of {n} rows say: {flag}", true
    if value - half > Fraction(n - len(false), n):
        yield f"{column} is {summary[column]}, but {len(false)} of {n} rows say: not {flag}", false


def _unconfirmed(run: Row, summary: Row, rows: list[Row]) -> Iterator[HistoryFinding]:
    n = run["scenario_count"]
    if len(rows) >= n:
        return
    passed, failed = (sum(row[PASSED] is wanted for row in rows) for wanted in (True, False))
    survivors = [f"{row['scenario_id']}: {_outcome(row)}" for row in rows]
    told = f" ({joined(survivors)})" if rows else ""
    yield HistoryFinding(
        "unconfirmed_summary",
        "warning",
        run["run_id"],
        f"{run['run_id']} states a pass rate of {summary['overall_pass_rate']} over {n} scenarios, but {len(rows)} of "
        f"its {n} scenario rows {'is' if len(rows) == 1 else 'are'} left{told}. "
        f"That alone allows {passed} to {n - failed} passes.",
        "Keep the scenario rows of every run; use this run's rates as quoted, not as evidence.",
        [_plain(summary), *rows],
    )


def _outcome(row: Row) -> str:
    wrong = [field for field in FIELDS if row[f"{field}_match"] is False]
    if wrong:
        return f"{', '.join(wrong)} did not match"
    return "matched" if row[PASSED] else "not recorded whether it matched"


def _pass_above_fields(summaries: dict[str, Row]) -> Iterator[HistoryFinding]:
    """A pass rate above a field's accuracy: some passed scenario was wrong there, so passing meant something else."""
    columns = [rate.column for rate in RATES if rate.metric.endswith("_accuracy")]
    evidence = [
        {"run_id": run_id, "overall_pass_rate": row["overall_pass_rate"], "field": column, "accuracy": row[column]}
        for run_id, row in summaries.items()
        for column in columns
        if row["overall_pass_rate"] > row[column]
    ]
    if evidence:
        runs, fields = (sorted({str(row[name]) for row in evidence}) for name in ("run_id", "field"))
        yield HistoryFinding(
            "pass_rate_above_accuracy",
            "info",
            joined(runs),
            f"In {len(runs)} of {len(summaries)} runs the pass rate is higher than {joined(fields)}: scenarios passed "
            "although a field was wrong, by a rule that is not recorded.",
            "Do not read imported pass rates as if every field had to match; compare the fields instead.",
            evidence,
        )


def _plain(row: Row) -> dict[str, Any]:
    """A row that can be written as JSON."""
    return {name: value.isoformat() if isinstance(value, pd.Timestamp) else value for name, value in row.items()}
