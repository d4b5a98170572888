"""Evaluated runs of two versions of one agent as a paired experiment: a scenario is a unit, its trials are averaged."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.experiments.observations.access import Integrity
from eaas_assets.experiments.observations.paired import PairedRows, Replayed
from eaas_assets.storage.files import canonical_json, digest

if TYPE_CHECKING:
    import pandas as pd

    from eaas_assets.contracts.experiment import Experiment
    from eaas_assets.contracts.observations import AgentRuns

METRICS = ("passed", "overall_score", "response_time_ms", "cost_usd")


@dataclass(frozen=True, eq=False)
class AgentRunTables:
    """What has been evaluated.

    Attributes:
        scenario_evaluations: Table of that name, of all agents or of those that experiments ask about.
        evaluation_runs: Table of that name.
        families: Scenario → its family, whose scenarios fail together; a scenario without one stands alone.
        segments: Dimension → scenario → value.
    """

    scenario_evaluations: pd.DataFrame
    evaluation_runs: pd.DataFrame
    families: Mapping[str, str] = field(default_factory=dict)
    segments: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


class AgentRunsRead(NamedTuple):
    """The latest full runs of every arm's version, and when they were made."""

    paired: PairedRows
    data_digest: str
    times: tuple[datetime, datetime]


def read_agent_runs(
    runs: AgentRunTables, experiment: Experiment, declared: AgentRuns, file: str
) -> AgentRunsRead | None:
    """The latest full executed run of each arm's version; None while an arm has none.

    Raises:
        InputError: An arm has no version, or a metric is none of the scores.
    """
    _refuse_unknown(experiment, file)
    arms: dict[str, dict[str, Replayed]] = {}
    hashed: list[Any] = []
    times = []
    made_at: list[list[datetime]] = []
    rows = 0
    for variant in experiment.variants:
        full = _full_runs(runs.evaluation_runs, declared.agent, str(variant.version))
        if not full:
            return None
        made_at.append([made for made, _ in full])
        made, run_id = full[-1]
        table = runs.scenario_evaluations
        own = table[table["run_id"] == run_id]
        rows += len(own)
        arms[variant.name] = _by_scenario(own, experiment, runs)
        times.append(made)
        hashed.append([variant.name, run_id, _plain(arms[variant.name])])
    names = set().union(*(replayed.keys() for replayed in arms.values()))
    integrity = Integrity(rows=rows, units=len(names), null_values=_nulls(experiment, arms))
    repetition = _repetition(made_at)
    hashed.append(repetition)
    paired = PairedRows(experiment, arms, integrity, repetition)
    return AgentRunsRead(paired, digest(canonical_json(hashed)), (min(times), max(times)))


def _refuse_unknown(experiment: Experiment, file: str) -> None:
    problems = [
        Problem(
            file,
            "missing_version",
            "no version",
            "the version that the arm evaluates",
            field=f"variants.{index}.version",
        )
        for index, variant in enumerate(experiment.variants)
        if variant.version is None
    ]
    problems += [
        Problem(
            file,
            "unknown_metric",
            shown(metric.source),
            f"one of {', '.join(METRICS)}",
            field=f"metrics.{index}.column",
        )
        for index, metric in enumerate(experiment.metrics)
        if metric.source not in METRICS
    ]
    if problems:
        raise InputError(problems)


def _full_runs(table: pd.DataFrame, agent: str, version: str) -> list[tuple[datetime, str]]:
    """Full executed runs of a version, in order of time."""
    fits = (table["agent"] == agent) & (table["version"] == version)
    fits &= (table["source"] == "executed") & (table["scope"] == "full")
    found = sorted(zip(table.loc[fits, "run_timestamp"].tolist(), table.loc[fits, "run_id"].tolist(), strict=True))
    return [(made.to_pydatetime(), str(run_id)) for made, run_id in found]


def _repetition(made_at: list[list[datetime]]) -> int:
    """How often all versions could be compared: once when the last of them had its first run, and after each since."""
    complete = max(times[0] for times in made_at)
    return 1 + sum(made > complete for times in made_at for made in times)


def _by_scenario(rows: pd.DataFrame, experiment: Experiment, runs: AgentRunTables) -> dict[str, Replayed]:
    trials: dict[str, dict[str, list[float]]] = {}
    questions: dict[str, str] = {}
    wanted = {metric.name: metric.source for metric in experiment.metrics}
    columns = {source: rows[source].tolist() for source in set(wanted.values())}
    for index, (scenario, expected) in enumerate(
        zip(rows["scenario_id"].tolist(), rows["expected_json"].tolist(), strict=True)
    ):
        questions.setdefault(str(scenario), str(expected))
        own = trials.setdefault(str(scenario), {name: [] for name in wanted})
        for name, source in wanted.items():
            value = columns[source][index]
            if isinstance(value, bool | int | float) and not math.isnan(value):
                own[name].append(float(value))
    return {
        scenario: Replayed(
            {name: math.fsum(values) / len(values) if values else math.nan for name, values in own.items()},
            runs.families.get(scenario),
            {name: by[scenario] for name, by in runs.segments.items() if scenario in by},
            questions[scenario],
        )
        for scenario, own in sorted(trials.items())
    }


def _plain(replayed: Mapping[str, Replayed]) -> dict[str, Any]:
    return {
        unit: [
            {name: None if math.isnan(value) else value for name, value in one.values.items()},
            one.cluster,
            one.question,
            dict(one.segments),
        ]
        for unit, one in replayed.items()
    }


def _nulls(experiment: Experiment, arms: Mapping[str, Mapping[str, Replayed]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for metric in experiment.metrics:
        for arm, replayed in arms.items():
            missing = sum(math.isnan(one.values[metric.name]) for one in replayed.values())
            if missing:
                found.setdefault(metric.name, {})[arm] = missing
    return found
