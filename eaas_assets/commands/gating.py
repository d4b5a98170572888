"""The release gate as one command of a CI pipeline: evaluate, judge, say it in the ways that CI systems read.

Belongs here: the order of the work, and what the outcome is. The verdict, the alarms and the sentences are made by the
same assets and checks as in the Dagster UI.

The outcome, by the first rule that holds:

1. *could not run*: the version, its baseline or an input cannot be read, a step or a blocking check of the run failed,
   or there is no run to judge;
2. *fail*: the verdict is ``worse``, or a gate of the release policy is red at severity ``error``;
3. *pass*: the verdict is ``better`` or ``not_worse``, or the version declares no baseline;
4. *inconclusive*: anything else.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import dagster as dg
import pandas as pd
import typer

from eaas_assets.commands.jobs import Jobs, failures, watching
from eaas_assets.commands.progress_bar import Stages, shown_progress
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.defs.world import WorldFiles
from eaas_assets.errors import EaasError
from eaas_assets.history.gate_calibration import ability
from eaas_assets.reporting.gate.junit import junit_xml
from eaas_assets.reporting.gate.summary import (
    GateReport,
    Outcome,
    could_not_run,
    gate_case,
    gate_report,
    properties,
    summary_lines,
    summary_markdown,
)
from eaas_assets.storage.files import write_atomically
from eaas_assets.storage.locations import Locations
from eaas_assets.storage.tables import TableStore


class ExitCode(IntEnum):
    """How ``eaas gate`` ends."""

    PASS = 0
    FAIL = 1
    INCONCLUSIVE = 2
    NOT_RUN = 3


_CODES: dict[Outcome, ExitCode] = {
    "pass": ExitCode.PASS,
    "fail": ExitCode.FAIL,
    "inconclusive": ExitCode.INCONCLUSIVE,
    "not_run": ExitCode.NOT_RUN,
}


MOST_OF_A_GATE = 5
"""Reasons of one gate that are told."""


class RedGate(NamedTuple):
    """A gate that is red.

    Attributes:
        check: Its name.
        reasons: Why, in sentences.
        stops: Whether it stops the release.
    """

    check: str
    reasons: tuple[str, ...]
    stops: bool


class Judged(NamedTuple):
    """A gate that was asked: the report, and the run's scenario results."""

    report: GateReport
    evaluations: pd.DataFrame | None = None
    run_at: pd.Timestamp | None = None


class _NotJudgedError(Exception):
    """Nothing could be judged; the arguments say why."""


def run_gate(
    locations: Locations,
    wanted: str,
    execute: bool = True,
    trials: int | None = None,
    junit: Path | None = None,
    summary: Path | None = None,
) -> ExitCode:
    """Ask the release gate about one version, print what it says and write it where CI systems look.

    Args:
        locations: Where inputs and outputs are.
        wanted: ``agent@version``.
        execute: Evaluate the version now, and its baseline first if that was never evaluated. Otherwise the latest
            full run is judged by the policies of today, and nothing is executed.
        trials: Of each scenario, for what is evaluated now; None for as many as each version declares.
        junit: Where to write JUnit XML; None: nowhere.
        summary: Where to write the Markdown summary.
    """
    try:
        with shown_progress() as stages:
            judged = _judge(locations, wanted, execute, trials, stages)
    except (EaasError, _NotJudgedError) as error:
        judged = Judged(could_not_run(wanted, [line for part in error.args for line in str(part).splitlines()]))
    except KeyboardInterrupt:
        judged = Judged(could_not_run(wanted, ["Stopped; what was finished is kept, and the next call continues it."]))
    for line in summary_lines(judged.report):
        typer.echo(line)
    written = {junit: _junit(judged), summary: summary_markdown(judged.report).encode()}
    for path, content in written.items():
        try:
            if path is not None:
                write_atomically(path, content)
        except OSError as error:
            typer.echo(f"{path} cannot be written: {error.strerror}", err=True)
            return ExitCode.NOT_RUN
    return _CODES[judged.report.outcome]


def decide(verdict: str, baseline: object, red: Iterable[RedGate]) -> Outcome:
    """The outcome, by the rules of this module; what could not run never gets here.

    Args:
        verdict: Of BaselineComparison.
        baseline: Which the version declares; null for none.
        red: The gates that are red.
    """
    if verdict == "worse" or any(gate.stops for gate in red):
        return "fail"
    if verdict in {"better", "not_worse"} or pd.isna(baseline):  # type: ignore[call-overload]
        return "pass"
    return "inconclusive"


def _judge(locations: Locations, wanted: str, execute: bool, trials: int | None, stages: Stages) -> Judged:
    key = VersionKey.parse(wanted)
    files, tables = WorldFiles(locations), TableStore(locations.tables)
    baseline = files.version(key).version.baseline
    _ = files.release_policy, files.evaluation_policy  # without them no asset would get far
    run_id = None if execute else latest_full_run(tables, key)
    if not execute and run_id is None:
        raise _NotJudgedError(f"{key} has no full run to judge; leave --no-run out to make one")
    with Jobs.opened(files) as jobs:
        stages.begin("reading inputs")
        inputs = _succeeded(jobs.refresh_inputs(), "the inputs")
        if run_id is None:
            before = None if baseline is None else VersionKey(key.agent, baseline)
            if before in files.agents.versions and latest_full_run(tables, before) is None:
                with watching(stages, f"{before} (baseline)"):
                    _succeeded(jobs.evaluate(before, trials), str(before))
            with watching(stages, str(key)):
                result = _succeeded(jobs.evaluate(key, trials), str(key))
            run_id = jobs.evaluation_run(result)
        else:
            stages.begin(f"judging {run_id}")
            result = _succeeded(jobs.judge(key, run_id), str(key))
    return _report(tables, key, run_id, [*red_gates(inputs), *red_gates(result)])


def latest_full_run(tables: TableStore, key: VersionKey) -> str | None:
    """The latest run of a version that was executed to the end and over all scenarios; None where there is none."""
    for run_id in reversed(tables.run_ids("executed_evaluations", str(key))):
        plan = tables.read_run("evaluation_plan", str(key), run_id).iloc[-1]
        if pd.isna(plan["scope_scenario_id"]) and pd.isna(plan["scope_target_agent_id"]):
            return run_id
    return None


def red_gates(result: dg.ExecuteInProcessResult) -> list[RedGate]:
    """The gates of the release policy that are red in a Dagster run."""
    red = []
    for check in result.get_asset_check_evaluations():
        if check.passed or check.blocking:
            continue
        explanation = check.metadata.get("explanation")
        told = str(explanation.value).splitlines() if explanation is not None else [check.description or "red"]
        reasons = tuple(reason.removeprefix("* ") for reason in told)
        red.append(RedGate(check.check_name, reasons, check.severity == dg.AssetCheckSeverity.ERROR))
    return red


def reasons_of(red: Iterable[RedGate], stops: bool) -> list[str]:
    """The reasons of the gates that stop the release, or of the others: of each gate the first ones."""
    told = []
    for gate in red:
        if gate.stops == stops:
            told += [f"{gate.check}: {reason}" for reason in gate.reasons[:MOST_OF_A_GATE]]
            more = len(gate.reasons) - MOST_OF_A_GATE
            if more > 0:
                told.append(f"{gate.check}: and {more:,} more; they stand in the report")
    return told


def _succeeded(result: dg.ExecuteInProcessResult, what: str) -> dg.ExecuteInProcessResult:
    if not result.success:
        raise _NotJudgedError(f"{what} could not be evaluated", *failures(result))
    return result


def _report(tables: TableStore, key: VersionKey, run_id: str, red: list[RedGate]) -> Judged:
    summary, comparison, calibration, runs = (
        tables.read_run(table, str(key), run_id)
        for table in ("evaluation_summary", "baseline_comparison", "gate_calibration", "evaluation_runs")
    )
    evaluations = tables.read_run("scenario_evaluations", str(key), run_id)
    if not int(summary["total_evaluations"].iloc[-1]):
        raise _NotJudgedError(f"{run_id} has no result that could be scored")
    compared = comparison.iloc[-1]
    report = gate_report(
        decide(str(compared["verdict"]), compared["baseline_version"], red),
        summary.iloc[-1],
        compared,
        ability(calibration),
        reasons_of(red, stops=True),
        reasons_of(red, stops=False),
    )
    return Judged(report, evaluations, runs["run_timestamp"].iloc[-1])


def _junit(judged: Judged) -> bytes:
    report = judged.report
    return junit_xml(report.title, judged.evaluations, gate_case(report), properties(report), judged.run_at)
