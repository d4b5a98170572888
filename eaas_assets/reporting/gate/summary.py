"""The release gate's outcome for a CI job: a few plain lines, a Markdown summary, and the testcase for JUnit.

Belongs here: how the outcome is said. Whether a version passes is decided before, and every number comes from a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from eaas_assets.reporting import text
from eaas_assets.reporting.gate.junit import CaseResult
from eaas_assets.reporting.pages import render_markdown
from eaas_assets.reporting.views import Status, status

Outcome = Literal["pass", "fail", "inconclusive", "not_run"]
MOST_REASONS = 20
REASON_LIMIT = 500
DETAILS_LIMIT = 4_000
TITLE_LIMIT = 150

_WORDS: dict[Outcome, tuple[str, str]] = {
    "pass": ("passed", "PASS"),
    "fail": ("failed", "FAIL"),
    "inconclusive": ("inconclusive", "INCONCLUSIVE"),
    "not_run": ("error", "COULD NOT RUN"),
}


@dataclass(frozen=True)
class GateReport:
    """What there is to say about one gate; every text may hold foreign words and is made harmless where it is shown.

    Attributes:
        title: ``agent@version``.
        sentence: The finding in one sentence.
        reasons: What stops the release, or why the gate could not run.
        warnings: What is red and does not stop it.
        settle: What would settle an open comparison; empty where nothing is open.
        details: The comparison in full sentences; empty without one.
        self_test: How the gate itself does on this suite; empty where it was not tried.
        facts: Name → value, for a table and for the properties of a JUnit file.
        lost: Scenarios that the baseline passed and this run fails.
        gained: The reverse.
    """

    title: str
    outcome: Outcome
    sentence: str
    reasons: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    settle: str = ""
    details: str = ""
    self_test: str = ""
    facts: tuple[tuple[str, str], ...] = ()
    lost: tuple[str, ...] = ()
    gained: tuple[str, ...] = ()

    @property
    def status(self) -> Status:
        """The outcome as a word with a symbol."""
        word, shown = _WORDS[self.outcome]
        return status(word, shown)

    @property
    def why(self) -> str:
        """What stands above the reasons."""
        return "Why" if self.outcome == "not_run" else "Stops the release"


def could_not_run(title: str, reasons: Sequence[str]) -> GateReport:
    """The report where nothing could be judged."""
    return GateReport(title, "not_run", "Nothing could be judged.", tuple(reasons))


def gate_report(
    outcome: Outcome,
    summary: pd.Series,
    comparison: pd.Series,
    self_test: str,
    reasons: Sequence[str] = (),
    warnings: Sequence[str] = (),
) -> GateReport:
    """The report of a gate that was judged.

    Args:
        outcome: What it says.
        summary: The row of EvaluationSummary.
        comparison: The row of BaselineComparison.
        self_test: How the gate itself does, in a sentence or two.
        reasons: What stops the release.
        warnings: What is red and does not.
    """
    rate = text.rate(summary["total_passed"], summary["total_evaluations"], summary["overall_pass_rate"],
                     summary["pass_rate_low"], summary["pass_rate_high"])  # fmt: skip
    facts = {
        "verdict": str(comparison["verdict"]).replace("_", " "),
        "passed": rate,
        "baseline": comparison["baseline_version"] if text.known(comparison["baseline_version"]) else "none declared",
    }
    if text.known(comparison["baseline_run_id"]):
        facts |= {
            "baseline passed": text.rate(
                comparison["baseline_passed"], comparison["baseline_total"], comparison["baseline_pass_rate"]
            ),
            "difference": text.points(comparison["improvement"]),
            "interval of the difference": _interval(comparison),
            "margin": text.points(comparison["margin"]).lstrip("+"),
            "baseline run": comparison["baseline_run_id"],
        }
    facts |= {"run": summary["run_id"], "health": summary["health_status"]}
    return GateReport(
        title=f"{summary['agent']}@{summary['version']}",
        outcome=outcome,
        sentence=sentence(comparison),
        reasons=tuple(reasons),
        warnings=tuple(warnings),
        settle=settlement(comparison),
        details=str(comparison["details"]),
        self_test=self_test,
        facts=tuple((name, text.inline(value)) for name, value in facts.items() if text.known(value)),
        lost=tuple(text.parsed(comparison["lost_scenarios_json"])),
        gained=tuple(text.parsed(comparison["gained_scenarios_json"])),
    )


def sentence(comparison: pd.Series) -> str:
    """The verdict of a BaselineComparison in one sentence."""
    version, baseline = comparison["version"], comparison["baseline_version"]
    if not text.known(baseline):
        return f"{version} declares no baseline, so there is nothing that it could be worse than."
    if not text.known(comparison["baseline_run_id"]):
        return f"{version} cannot be compared: its baseline {baseline} has no run with results."
    change = text.points(comparison["improvement"])
    if text.known(comparison["improvement_low"]):
        change += f" ({_interval(comparison)})"
    told = {
        "better": f"{version} is better than {baseline}: {change}.",
        "worse": f"{version} is worse than {baseline}: {change}.",
        "not_worse": f"{version} is not worse than {baseline} by {_margin(comparison)} or more: {change}.",
    }
    paired = comparison["paired_scenarios"]
    ground = text.counted(int(paired), "scenario") if text.known(paired) else "results that are not paired by scenario"
    return told.get(
        comparison["verdict"], f"{version} against {baseline}: {change}; {ground} cannot tell whether that is chance."
    )


def settlement(comparison: pd.Series) -> str:
    """What would settle an open comparison and at what price, as far as a number is known; else empty."""
    if not text.known(comparison["settle_claim"]):
        return ""
    claim = {
        "better": "is better",
        "worse": "is worse",
        "not_worse": f"loses less than {_margin(comparison)}",
    }[comparison["settle_claim"]]
    ways = []
    if text.known(scenarios := comparison["settle_scenarios"]):
        ways.append(text.counted(int(scenarios), "further scenario") + _price(comparison, "settle_scenarios"))
    if text.known(trials := comparison["settle_trials"]):
        further = text.counted(int(trials), "further trial")
        ways.append(f"{further} of each scenario{_price(comparison, 'settle_trials')}")
    if not ways:
        return ""
    return f"If the difference is as it looks, {' or '.join(ways)} would show that {comparison['version']} {claim}."


def summary_markdown(report: GateReport) -> str:
    """The report as Markdown that fits a CI job's summary."""
    return render_markdown(
        "gate/summary",
        gate=report,
        title=_line(report.title, TITLE_LIMIT),
        sentence=_line(report.sentence),
        details=_line(report.details, DETAILS_LIMIT),
        reasons=_shown(report.reasons),
        warnings=_shown(report.warnings),
        lost=text.listed(report.lost, MOST_REASONS),
        gained=text.listed(report.gained, MOST_REASONS),
    )


def summary_lines(report: GateReport) -> list[str]:
    """The report as lines for a terminal, without markup."""
    lines = [f"{report.status.symbol} {report.status.word}: {_line(report.title, TITLE_LIMIT)}", _line(report.sentence)]
    for title, items in ((report.why, report.reasons), ("Warnings", report.warnings)):
        if items:
            lines += [f"{title}:", *(f"  - {item}" for item in _shown(items))]
    if report.settle:
        lines.append(f"To settle it: {_line(report.settle)}")
    if report.self_test:
        lines.append(f"The gate itself: {_line(report.self_test)}")
    width = max((len(name) for name, _ in report.facts), default=0)
    return lines + [f"  {name:<{width}}  {value}" for name, value in report.facts]


def gate_case(report: GateReport) -> CaseResult | None:
    """The report as the result of a JUnit testcase; None for a gate that is passed."""
    detail = "\n".join([report.sentence, *report.reasons, *filter(None, [report.settle, report.details])])
    message = report.reasons[0] if report.reasons else report.sentence
    if report.outcome == "pass":
        return None
    if report.outcome == "inconclusive":
        return CaseResult("skipped", "inconclusive", f"inconclusive: {report.sentence} {report.settle}".strip())
    kind: Literal["failure", "error"] = "failure" if report.outcome == "fail" else "error"
    return CaseResult(kind, report.outcome, message, detail)


def properties(report: GateReport) -> dict[str, str]:
    """Name → value of what a JUnit file has no other place for."""
    facts = {name.replace(" ", "_"): value for name, value in report.facts}
    return {"gate": report.outcome} | facts | ({"self_test": report.self_test} if report.self_test else {})


def _interval(comparison: pd.Series) -> str:
    if not text.known(comparison["improvement_low"]):
        return text.missing("not paired by scenario")
    level = text.percent(comparison["level"])
    return f"{level} CI {text.points_interval(comparison['improvement_low'], comparison['improvement_high'])}"


def _margin(comparison: pd.Series) -> str:
    return text.points(comparison["margin"]).lstrip("+")


def _price(comparison: pd.Series, column: str) -> str:
    cost, seconds = comparison[f"{column}_cost_usd"], comparison[f"{column}_seconds"]
    known = [f"USD {text.decimals(cost, 2)}"] if text.known(cost) else []
    known += [f"{text.seconds(seconds)} of answering time"] if text.known(seconds) else []
    return f" (about {' and '.join(known)})" if known else ""


def _shown(items: Sequence[str]) -> list[str]:
    shown = [_line(item) for item in items[:MOST_REASONS]]
    more = len(items) - MOST_REASONS
    return [*shown, f"and {more:,} more"] if more > 0 else shown


def _line(value: Any, limit: int = REASON_LIMIT) -> str:
    return text.inline(value, limit)
