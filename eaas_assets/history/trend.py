"""Where the agent's runs are heading: one point per run, a robust slope, and one word for it.

Belongs here: the series of each metric and the row of TrendAnalysis. The slope and its interval are ``stats.trend``'s.
"""

from __future__ import annotations

from typing import Any

import pandas as pd

from eaas_assets.contracts.history import TrendAnalysis
from eaas_assets.contracts.policies import MetricRule, ReleasePolicy
from eaas_assets.contracts.tables import build
from eaas_assets.history.measures import FIELD_SUFFIX, is_rate
from eaas_assets.history.record import Run, RunRecord, earlier_runs, read_run, run_measures
from eaas_assets.history.rules import rule_for
from eaas_assets.history.wording import amount, title
from eaas_assets.stats.trend import Direction, Trend, direction, theil_sen
from eaas_assets.wording import count, points

FOLLOWED = ("pass_rate", "average_response_time_ms", "p95_response_time_ms")
"""Metrics with a trend, besides the accuracy of every field."""

MOST_RUNS = 500
"""Latest runs of the series; a year of nightly runs. All pairs of them are looked at."""


def analyse_trend(run_id: str, history: RunRecord, policy: ReleasePolicy, scoring: str | None = None) -> pd.DataFrame:
    """TrendAnalysis of an agent as at one run.

    The series holds the agent's full runs on the same suite, imported and executed, in the order of their time, up to
    this run. Each run is one point, whatever its version and however often it was scored. A direction is stated where
    the interval of the slope excludes 0; ``stable`` where it shows that the whole series moved by less than the change
    that counts; otherwise it is ``undetermined``.

    Args:
        run_id: The run up to which the series goes; a partial run is no point of it.
        history: The one history, with this run in it.
        policy: The release policy.
        scoring: Hash of the evaluation policy under which results count; None: of each run the last one.
    """
    run = read_run(history, run_id, scoring)
    runs = earlier_runs(history, run)
    if run.scope == "full":
        runs = pd.concat([runs, history.runs[history.runs["run_id"] == run_id]])
    runs = runs.sort_values(["run_timestamp", "run_id"]).tail(MOST_RUNS)
    series = run_measures(history, runs["run_id"].tolist(), scoring or run.policy_hash)
    rows = [_row(metric, run, runs, series.get(metric, {}), policy) for metric in _followed(series)]
    return build(TrendAnalysis, rows)


def _followed(series: dict[str, dict[str, float]]) -> list[str]:
    return [*FOLLOWED, *sorted(metric for metric in series if metric.endswith(FIELD_SUFFIX))]


def _row(metric: str, run: Run, runs: pd.DataFrame, values: dict[str, float], policy: ReleasePolicy) -> dict[str, Any]:
    points_in_time = runs[runs["run_id"].isin(values)]
    y = [values[run_id] for run_id in points_in_time["run_id"]]
    rule = rule_for(metric, policy.metrics)
    enough = len(y) >= policy.trend.minimum_runs
    trend = theil_sen(y, level=policy.trend.level)
    called = _direction(trend, rule, metric) if enough else Direction("undetermined", "too few runs")
    imported = int((points_in_time["source"] == "historical").sum())
    return {
        "run_id": run.run_id,
        "agent": run.agent,
        "metric": metric,
        "direction": called.call,
        "runs": len(y),
        "first_run_at": points_in_time["run_timestamp"].iloc[0] if y else None,
        "last_run_at": points_in_time["run_timestamp"].iloc[-1] if y else None,
        "slope_per_run": trend.slope if enough else None,
        "slope_low": trend.interval.low if enough else None,
        "slope_high": trend.interval.high if enough else None,
        "p_value": trend.p_value if enough else None,
        "statement": _statement(metric, trend, called, imported, policy),
        "policy_hash": policy.digest,
    }


def _direction(trend: Trend, rule: MetricRule | None, metric: str) -> Direction:
    """The direction by the policy's rule; without one, times are better lower, and stable means no trend shown."""
    if rule is None:
        return direction(trend.interval, "lower" if metric.endswith("_ms") else "higher", p_value=trend.p_value)
    return direction(trend.interval, rule.better, p_value=trend.p_value, tolerance=rule.by / (trend.n - 1))


def _statement(metric: str, trend: Trend, called: Direction, imported: int, policy: ReleasePolicy) -> str:
    name = title(metric).capitalize()
    series = count(trend.n, "run") + (f" ({imported} imported)" if imported else "")
    if trend.n < policy.trend.minimum_runs:
        return f"{name}: {series}; a direction is told from {policy.trend.minimum_runs} runs on."
    slope = f"{_per_run(metric, trend.slope)} per run over {series}"
    low, high, level = trend.interval
    if low != low:
        return f"{name}: {slope}, without an interval ({trend.reason}): undetermined."
    within = f"{level:.0%} interval {_per_run(metric, low)} to {_per_run(metric, high)}".replace("%", " %")
    return f"{name}: {slope} ({within}): {called.call}."


def _per_run(metric: str, value: float) -> str:
    sign = "+" if value > 0 else ""
    return sign + (points(value) if is_rate(metric) else amount(metric, value))
