"""Whether the numbers of an experiment can be trusted: sample ratio, novelty, drift, calibration.

Each is a word. "It cannot be tried here" (not_testable) is known and speaks against nothing; "it was not looked at" is
missing, and no rule that scales holds without it.
"""

from __future__ import annotations

from typing import Any

from eaas_assets.decisions.facts.values import Rows, get

SPLIT = {"randomised", "paired"}
"""Designs whose control arm is split at random to try the metric's test."""


def integrity_facts(
    metric: str | None, strength: str | None, latest: Rows, primary_rows: Rows, calibration: Rows
) -> dict[str, Any]:
    """The four facts.

    Args:
        metric: The primary metric.
        strength: Of the design. Only what is randomised can be tried; for its calibration also what is paired.
        latest: The last look of every check of monitoring.
        primary_rows: Rows of `causal_impact` on the primary metric.
        calibration: Rows of `metric_calibration`.
    """
    randomised = strength == "randomised"
    untested = None if strength is None or (randomised and not latest) else "not_testable"
    own = [row for row in latest if get(row, "metric") == metric]
    ratio = _word([row for row in latest if row["check"] == "sample_ratio"], "as_planned", "mismatch")
    if any(get(row, "refusal_code") == "sample_ratio_mismatch" for row in primary_rows):
        ratio = "mismatch"
    return {
        "integrity.sample_ratio": ratio or (None if randomised else untested),
        "integrity.novelty": _word([row for row in own if row["check"] == "novelty"], "lasts", "fades") or untested,
        "integrity.drift": _word([row for row in own if row["check"] == "metric_drift"], "steady", "drifts")
        or untested,
        "integrity.calibration": _calibration(metric, calibration) or (None if strength in SPLIT else untested),
    }


def _word(rows: Rows, good: str, bad: str) -> str | None:
    """``bad`` where an alarm is raised, ``good`` where none is, not_testable where none can be; None without rows."""
    alarms = [get(row, "alarm") for row in rows]
    if any(alarms):
        return bad
    if not alarms:
        return None
    return "not_testable" if None in alarms else good


def _calibration(metric: str | None, rows: Rows) -> str | None:
    passed = [get(row, "passed") for row in rows if get(row, "metric") == metric]
    if not passed:
        return None
    if False in passed:
        return "broken"
    return "not_testable" if None in passed else "kept"
