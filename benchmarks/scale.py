"""From 1,000 to 1,000,000 evaluations through execute, score, summarise and report: `python benchmarks/scale.py`.

Shows that cost grows linearly. Ten trials of each scenario, an agent in memory that answers at once, 50 in flight;
every table is written to the disk as in a real run. Each size has a process of its own; its peaks are above what the
imports took, and never fall. Dagster is left out.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

TRIALS = 10
DATA = Path(__file__).resolve().parents[1] / "data"
STAGES = ("plan", "execute", "score", "summarise", "record and compare", "report")

Spent = dict[str, tuple[float, float, float]]
"""Stage → seconds, seconds of CPU, and MiB of the process's peak so far."""


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--sizes", default="1000,10000,100000,1000000", help="multiples of ten")
    parser.add_argument("--within", help=argparse.SUPPRESS)  # a process of one size
    options = parser.parse_args()
    sizes = [int(size) for size in options.sizes.split(",")]
    if options.within:
        print(json.dumps(through_all_stages(sizes[0], Path(options.within))))
        return
    print(f"Load when started: {', '.join(f'{load:.1f}' for load in os.getloadavg())}; {os.cpu_count()} CPUs.\n")
    heads = ["Evaluations", *(f"{stage}, s" for stage in STAGES), "execute to summary, s", "CPU of that, s"]
    heads += ["CPU, µs each", *(f"peak MiB, {until}" for until in ("execute", "to summary", "all")), "bytes each"]
    print(f"| {' | '.join(heads)} |\n|{' --- |' * len(heads)}", flush=True)
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, "--sizes", str(size), "--within", folder]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            left = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        print(_row(size, json.loads(done.stdout.splitlines()[-1]), left), flush=True)


def _row(size: int, spent: Spent, left: int) -> str:
    seconds = [spent[stage][0] for stage in STAGES]
    to_summary, cpu = (sum(spent[stage][kind] for stage in ("execute", "score", "summarise")) for kind in (0, 1))
    peaks = [spent[stage][2] - spent["import"][2] for stage in ("execute", "summarise", STAGES[-1])]
    cells = [f"{size:,}", *(f"{value:.2f}" for value in [*seconds, to_summary, cpu])]
    cells += [f"{1e6 * cpu / size:.0f}", *(f"{peak:,.0f}" for peak in peaks), f"{left / size:,.0f}"]
    return f"| {' | '.join(cells)} |"


def through_all_stages(size: int, folder: Path) -> Spent:
    """One run of ``size`` evaluations, stage by stage, as the assets call the same functions."""
    from workload import PARTITION, EchoAgent, plan, run_store, scenarios, suite

    from eaas_assets.contracts.evaluation import EvaluationPlan, ValidationResults, WorkflowHealth
    from eaas_assets.contracts.inputs import SpecialistAgents, SuiteAudit
    from eaas_assets.contracts.policies import EvaluationPolicy, ReleasePolicy
    from eaas_assets.contracts.readings import read_document_noted
    from eaas_assets.contracts.tables import build
    from eaas_assets.evaluation.execution.planning import plan_row
    from eaas_assets.evaluation.health import workflow_health_rows
    from eaas_assets.evaluation.performance import agent_performance
    from eaas_assets.evaluation.scoring.score import score
    from eaas_assets.evaluation.summary import summarise
    from eaas_assets.history.baseline import compare_with_baseline
    from eaas_assets.history.regression import analyse_regression
    from eaas_assets.history.runs import executed_run
    from eaas_assets.history.trend import analyse_trend
    from eaas_assets.reporting.evaluation.report import EvaluationReportTables, render_evaluation_report
    from eaas_assets.storage.files import write_atomically

    evaluation_policy, _ = read_document_noted(EvaluationPolicy, DATA, "policies/evaluation.yaml", "policy")
    release_policy, _ = read_document_noted(ReleasePolicy, DATA, "policies/release.yaml", "policy")
    assert evaluation_policy is not None
    assert release_policy is not None
    rules, store = suite(), run_store(folder)
    tables = store.tables
    spent: Spent = {"import": (0.0, 0.0, _peak_mib())}

    with _stage("plan", spent):
        asked = scenarios(size // TRIALS)
        planned = plan(asked, TRIALS)
        run = store.start(planned)
        run_id = run.run_id
        row = plan_row(run, datetime.now(UTC), None, evaluation_policy, release_policy, None)
        plan_table = build(EvaluationPlan, [row])

    def path(table: str) -> Path:
        return tables.run_path(table, PARTITION, run_id)

    with _stage("execute", spent):
        store.execute(run, EchoAgent(), lambda _: None)
        del planned, run  # each asset plans anew and lets go of it
    with _stage("score", spent):
        executed, calls = (tables.read(path(table)) for table in ("executed_evaluations", "agent_calls"))
        scored = score(executed, calls, asked, rules, evaluation_policy, datetime.now(UTC))
        tables.write(path("evaluation_scores"), scored.scores)
        tables.write(path("evaluation_field_scores"), scored.field_scores)
    with _stage("summarise", spent):
        performance = agent_performance(scored.scores, calls, asked, rules, evaluation_policy, agent="echo")
        summary = summarise(
            executed, scored.scores, performance, evaluation_policy, evaluation_policy.digest_for(rules)
        )
        tables.write(path("agent_performance_summary"), performance)
        tables.write(path("evaluation_summary"), summary)
    assert int(summary["total_evaluations"].iloc[0]) == size
    assert int(summary["total_passed"].iloc[0]) == size * 9 // 10
    with _stage("record and compare", spent):
        policy_hash = evaluation_policy.digest_for(rules)
        record = executed_run(plan_table, executed, scored.scores, scored.field_scores, policy_hash)
        for table, frame in zip(("evaluation_runs", "run_metrics", "scenario_evaluations"), record, strict=True):
            tables.write(path(table), frame)
        baseline = compare_with_baseline(run_id, None, record, release_policy, scenarios=asked)
        regression = analyse_regression(run_id, None, record, release_policy, scenarios=asked)
        trend = analyse_trend(run_id, record, release_policy)
    with _stage("report", spent):
        validation = build(ValidationResults, [])
        health = workflow_health_rows(run_id, validation, executed, scored.scores, performance, {})
        report = render_evaluation_report(
            EvaluationReportTables(
                plan=plan_table,
                executed=executed,
                calls=calls,
                scores=scored.scores,
                field_scores=scored.field_scores,
                performance=performance,
                summary=summary,
                validation=validation,
                workflow_health=build(WorkflowHealth, health),
                baseline=baseline,
                regression=regression,
                trend=trend,
                audit=build(SuiteAudit, []),
                run_metrics=record.metrics,
                scenarios=asked,
                specialists=build(SpecialistAgents, []),
                evaluation_policy=evaluation_policy,
                release_policy=release_policy,
                data_versions={},
            )
        )
        write_atomically(folder / "report.html", report.html.encode())
    return spent


@contextmanager
def _stage(name: str, spent: Spent) -> Iterator[None]:
    start, cpu = time.perf_counter(), time.process_time()
    yield
    spent[name] = (time.perf_counter() - start, time.process_time() - cpu, _peak_mib())


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main()
