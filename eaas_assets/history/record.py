"""The one history: its three tables, one run out of them, and which earlier run a run is compared with.

Belongs here: finding and reading runs. Nothing is computed from them here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import NamedTuple

import pandas as pd

from eaas_assets.contracts.history import EvaluationRuns, RunMetrics, ScenarioEvaluations
from eaas_assets.contracts.tables import build
from eaas_assets.errors import StorageError
from eaas_assets.history.measures import UNKNOWN, Measure


class RunRecord(NamedTuple):
    """Runs with their metrics and scenario results; rows in the order in which they were made.

    Attributes:
        runs: EvaluationRuns.
        metrics: RunMetrics; a run that was scored anew has the rows of each policy.
        scenarios: ScenarioEvaluations; likewise.
    """

    runs: pd.DataFrame
    metrics: pd.DataFrame
    scenarios: pd.DataFrame


@dataclass(frozen=True)
class Run:
    """One run under one scoring.

    Attributes:
        suite: None where history does not say.
        simulated: Whether a simulated agent answered: the same every time.
        measures: Metrics by name.
        scenarios: Its rows of ScenarioEvaluations.
        policy_hash: Policy of the scores; None for historical runs.
    """

    run_id: str
    run_timestamp: datetime
    agent: str
    version: str
    suite: str | None
    source: str
    scope: str
    scenario_count: int
    evaluation_count: int
    simulated: bool
    measures: dict[str, Measure]
    scenarios: pd.DataFrame
    policy_hash: str | None

    @property
    def historical(self) -> bool:
        """Whether it was imported: scored by rules that nobody recorded."""
        return self.source == "historical"

    @property
    def complete(self) -> bool:
        """Whether every evaluation that it counts has its row."""
        return len(self.scenarios) == self.evaluation_count > 0

    def measure(self, metric: str) -> Measure:
        """A metric; unknown where the run does not have it."""
        return self.measures.get(metric, UNKNOWN)

    def __str__(self) -> str:
        return f"{self.run_id} ({self.version}{', imported' if self.historical else ''})"


@cache
def empty_record() -> RunRecord:
    """A history without runs."""
    return RunRecord(build(EvaluationRuns, []), build(RunMetrics, []), build(ScenarioEvaluations, []))


def combine(records: Iterable[RunRecord]) -> RunRecord:
    """Several records, each of which meets the contracts, as one history in the given order.

    An imported run that stands in several records, or twice in one, is taken once: as its last rows have it.
    """
    tables = [
        [frame for frame in frames if len(frame)] or [empty]
        for empty, *frames in zip(empty_record(), *records, strict=True)
    ]
    runs, metrics, scenarios = (pd.concat(filled, ignore_index=True) for filled in tables)
    return RunRecord(
        _imported_once(runs, ["run_id"]),
        _imported_once(metrics, ["run_id", "metric"]),
        _imported_once(scenarios, ["run_id", "scenario_id", "trial"]),
    )


def _imported_once(rows: pd.DataFrame, key: list[str]) -> pd.DataFrame:
    imported = rows[rows["source"] == "historical"]
    repeated = imported.index[imported.duplicated(key, keep="last")]
    return rows.drop(index=repeated).reset_index(drop=True) if len(repeated) else rows


def read_run(history: RunRecord, run_id: str, scoring: str | None = None) -> Run:
    """One run.

    Args:
        history: Where to look.
        run_id: Which run.
        scoring: Hash of the evaluation policy under which results are wanted. A run that was never scored under it is
            read under its last policy, that is the one in its last row.

    Raises:
        StorageError: The history does not have exactly one such run.
    """
    found = history.runs[history.runs["run_id"] == run_id]
    if len(found) != 1:
        raise StorageError(f"evaluation_runs: {len(found)} runs with the id '{run_id}'; expected 1")
    row = found.iloc[0]
    metrics = history.metrics[history.metrics["run_id"] == run_id]
    policy = _scoring_of(metrics, scoring)
    scenarios = history.scenarios[history.scenarios["run_id"] == run_id]
    return Run(
        run_id=run_id,
        run_timestamp=row["run_timestamp"].to_pydatetime(),
        agent=row["agent"],
        version=row["version"],
        suite=None if pd.isna(row["suite"]) else row["suite"],
        source=row["source"],
        scope=row["scope"],
        scenario_count=int(row["scenario_count"]),
        evaluation_count=int(row["evaluation_count"]),
        simulated=not pd.isna(row["simulated"]) and bool(row["simulated"]),
        measures=_measures(_under(metrics, policy)),
        scenarios=_under(scenarios, policy),
        policy_hash=policy,
    )


def earlier_runs(history: RunRecord, run: Run) -> pd.DataFrame:
    """Rows of the full runs before ``run`` that it can be compared with, ordered by time and then by identifier."""
    runs = _comparable(history, run)
    moment = pd.Timestamp(run.run_timestamp)
    same_moment = (runs["run_timestamp"] == moment) & (runs["run_id"] < run.run_id)
    return runs[(runs["run_timestamp"] < moment) | same_moment]


def previous_run_id(history: RunRecord, run: Run) -> str | None:
    """The full run to which ``run`` is the next one; None where there is none.

    The latest earlier executed run of the same version, which shows what changed under an unchanged name; for the first
    run of a version the latest earlier one of any version. Imported runs come after executed ones, in the same order.
    """
    earlier = earlier_runs(history, run)
    nearness = 2 * (earlier["source"] == "executed").astype(int) + (earlier["version"] == run.version).astype(int)
    return _latest(earlier[nearness == nearness.max()])


def baseline_run_id(history: RunRecord, run: Run, version: str) -> str | None:
    """The latest full run of the baseline ``version``, executed before imported; None where there is none."""
    runs = _comparable(history, run)
    runs = runs[runs["version"] == version]
    executed = runs[runs["source"] == "executed"]
    return _latest(executed if len(executed) else runs)


def run_measures(history: RunRecord, run_ids: list[str], scoring: str | None = None) -> dict[str, dict[str, float]]:
    """Metric → run → value, without the unknown ones; each run under the policy that :func:`read_run` would take."""
    metrics = history.metrics[history.metrics["run_id"].isin(run_ids) & history.metrics["value"].notna()]
    series: dict[str, dict[str, float]] = {}
    for run_id, rows in metrics.groupby("run_id", sort=False):
        chosen = _under(rows, _scoring_of(rows, scoring))
        for metric, value in zip(chosen["metric"], chosen["value"], strict=True):
            series.setdefault(metric, {})[str(run_id)] = value
    return series


def _comparable(history: RunRecord, run: Run) -> pd.DataFrame:
    """Other full runs of the agent on the same suite that have a pass rate: a run without results is no reference."""
    runs, metrics = history.runs, history.metrics
    scored = metrics.loc[(metrics["metric"] == "pass_rate") & metrics["value"].notna(), "run_id"]
    same_suite = runs["suite"].isna() | (runs["suite"] == run.suite) if run.suite else runs["run_id"].notna()
    return runs[
        (runs["agent"] == run.agent)
        & (runs["run_id"] != run.run_id)
        & (runs["scope"] == "full")
        & same_suite
        & runs["run_id"].isin(scored)
    ]


def _latest(runs: pd.DataFrame) -> str | None:
    if runs.empty:
        return None
    return str(runs.sort_values(["run_timestamp", "run_id"])["run_id"].iloc[-1])


def _scoring_of(metrics: pd.DataFrame, wanted: str | None) -> str | None:
    hashes = [None if pd.isna(text) else text for text in metrics["policy_hash"].tolist()]
    if not hashes:
        return None
    return wanted if wanted in hashes else hashes[-1]


def _under(rows: pd.DataFrame, policy: str | None) -> pd.DataFrame:
    return rows[rows["policy_hash"].isna() if policy is None else rows["policy_hash"] == policy]


def _measures(metrics: pd.DataFrame) -> dict[str, Measure]:
    columns = [metrics[name].tolist() for name in ("metric", "value", "numerator", "denominator", "low", "high")]
    return {
        metric: Measure(value, _count(numerator), _count(denominator), low, high)
        for metric, value, numerator, denominator, low, high in zip(*columns, strict=True)
    }


def _count(value: object) -> int | None:
    return None if pd.isna(value) else int(value)  # type: ignore[call-overload]
