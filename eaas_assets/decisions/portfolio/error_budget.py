"""How many of the wins are likely to be luck, over all tests and looks of the portfolio together.

A test that may be read at every look spends its error once, however often it is read; a test at a fixed horizon is
read once. So errors are counted by test, and looks are only told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from eaas_assets.decisions.portfolio.entries import Entry, Finding
from eaas_assets.decisions.portfolio.figures import Figure, undefined
from eaas_assets.decisions.portfolio.rates import luck_share
from eaas_assets.decisions.portfolio.record import Record
from eaas_assets.stats.multiplicity import benjamini_hochberg
from eaas_assets.wording import count, number, percent

_TEST = ["experiment_id", "check", "metric", "arm", "segment"]


def error_figures(entries: Sequence[Entry], monitoring: pd.DataFrame, record: Record) -> list[Figure]:
    """Error spent, expected false positives, and the wins that stand against all tests at once.

    Args:
        entries: All experiments.
        monitoring: ExperimentMonitoring.
        record: What was learned: how often each kind works.
    """
    tested = [
        (entry, entry.finding)
        for entry in entries
        if entry.finding is not None and entry.finding.verdict != "refused" and entry.finding.p_value is not None
    ]
    if not tested:
        reason = "no primary metric was tested"
        names = ("expected_false_positives", "improvements_after_correction", "error_spent")
        return [*(undefined("error_budget", name, "count", reason) for name in names), _watching(monitoring)]
    findings = [finding for _, finding in tested]
    return [_expected(tested, record), _corrected(findings, record), _spent(findings), _watching(monitoring)]


def _spent(findings: Sequence[Finding]) -> Figure:
    spent = math.fsum(1.0 - finding.level for finding in findings)
    fixed = sum(finding.fixed_horizon for finding in findings)
    said = (
        f"{count(len(findings), 'primary metric')} tested ({fixed:,} once at the planned end, "
        f"{len(findings) - fixed:,} at every look) spend an error of {number(spent, 2)} in all; if nothing worked, "
        f"{number(spent / 2, 2)} false improvements would be expected."
    )
    return Figure("error_budget", "error_spent", "count", spent, said, denominator=len(findings))


def _expected(tested: Sequence[tuple[Entry, Finding]], record: Record) -> Figure:
    won = [entry for entry, finding in tested if finding.verdict == "improved"]
    if not won:
        return undefined("error_budget", "expected_false_positives", "count", "no primary metric is called improved")
    lucky = math.fsum(luck_share(record.rate_of((entry.domain, entry.type)).estimate, record.rule) for entry in won)
    said = (
        f"Of {count(len(won), 'improvement')}, {number(lucky, 2)} are expected to be luck "
        f"({percent(lucky / len(won))}), by how often each kind works."
    )
    return Figure("error_budget", "expected_false_positives", "count", lucky, said, denominator=len(won))


def _corrected(findings: Sequence[Finding], record: Record) -> Figure:
    alpha = record.rule.alpha
    adjusted = benjamini_hochberg(np.array([finding.p_value for finding in findings], dtype=np.float64))
    won = [value for value, finding in zip(adjusted, findings, strict=True) if finding.verdict == "improved"]
    stand = sum(float(value) <= alpha for value in won)
    said = (
        f"{stand:,} of {count(len(won), 'improvement')} stand when all {count(len(findings), 'primary test')} are "
        f"screened together at a false discovery rate of {percent(alpha)} (Benjamini–Hochberg)."
    )
    return Figure(
        "error_budget", "improvements_after_correction", "count", stand, said, None, None, stand, len(won)
    )  # fmt: skip


def _watching(monitoring: pd.DataFrame) -> Figure:
    """Alarms of monitoring that are expected though nothing is wrong."""
    judged = monitoring[monitoring["threshold"].notna() & monitoring["alarm"].notna()]
    if judged.empty:
        return undefined("error_budget", "expected_false_alarms", "count", "nothing is monitored")
    looks = len(judged)
    last = judged.sort_values("look").drop_duplicates(_TEST, keep="last")
    expected = float(last["threshold"].sum())
    raised = int(last["alarm"].astype(bool).sum())
    said = (
        f"{count(len(last), 'test')} of monitoring over {count(looks, 'look')} would raise at most "
        f"{number(expected, 2)} alarms if nothing were wrong. Raised at the last look: {raised:,}."
    )
    return Figure("error_budget", "expected_false_alarms", "count", expected, said, denominator=len(last))
