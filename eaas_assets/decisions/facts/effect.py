"""What an experiment changed, for the arm that is decided on: its primary metric, its harm, its money.

With several treatment arms the decision is about the one whose interval has the best lower end: that arm would be
scaled. While an experiment runs, harm in any arm counts, because units of every arm are exposed to it.
"""

from __future__ import annotations

from typing import Any

from eaas_assets.contracts.conditions import exact
from eaas_assets.decisions.facts.values import Row, Rows, difference, get, items, product, ratio

NO_REFUSAL = "none"
NO_UNIT = "none"
PASSED = {"non_inferior", "improved"}


def decided_arm(primary_rows: Rows) -> Row | None:
    """The row of the primary metric whose arm is decided on; None where nothing was estimated or refused."""
    answered = [row for row in primary_rows if get(row, "benefit_low") is not None]
    if answered:
        return max(answered, key=lambda row: float(row["benefit_low"]))
    return primary_rows[0] if primary_rows else None


def primary_facts(row: Row | None) -> dict[str, Any]:
    """Effect, interval and error on the primary metric, in the good direction."""
    if row is None:
        return {}
    low, high = get(row, "benefit_low"), get(row, "benefit_high")
    benefit = _benefit(row)
    minimum = _minimum(row)
    excludes = get(row, "excludes_minimum")
    if excludes is None and high is not None and minimum is not None:
        excludes = exact(high) < exact(minimum)
    p_adjusted = get(row, "p_adjusted")
    return {
        "subject.arm": get(row, "arm"),
        "primary.answered": low is not None and high is not None,
        "primary.refusal": get(row, "refusal_code") or NO_REFUSAL,
        "primary.benefit": benefit,
        "primary.benefit_low": low,
        "primary.benefit_high": high,
        "primary.se": get(row, "se"),
        "primary.kind": get(row, "kind"),
        "primary.unit": get(row, "unit") or NO_UNIT,
        "primary.p": get(row, "p_value") if p_adjusted is None else p_adjusted,
        "primary.relative_benefit": _good(row, get(row, "relative")),
        "primary.minimum_effect": minimum,
        "primary.minimum_ratio": ratio(benefit, minimum),
        "primary.excludes_minimum": excludes,
    }


def _benefit(row: Row) -> float | None:
    """The estimate in the good direction, exact where it is the difference of two values that people read."""
    arms = get(row, "treatment_value"), get(row, "control_value")
    after, before = arms if row["direction"] == "increase" else reversed(arms)
    return difference(after, before, get(row, "benefit"))


def _good(row: Row, change: float | None) -> float | None:
    return change if change is None or row["direction"] == "increase" else -change


def _minimum(row: Row) -> float | None:
    """Smallest effect worth having, in the metric's unit."""
    minimum = get(row, "minimum_effect")
    if row["scale"] == "absolute":
        return minimum
    control = get(row, "control_value")
    return product(minimum, None if control is None else abs(control))


def arm_facts(
    registry_row: Row, primary: Row | None, impact: Rows, segments: Rows, latest: Rows, running: bool
) -> dict[str, Any]:
    """Guardrails and segments of the arm that is decided on; of every arm while the experiment runs."""
    arm = None if primary is None else primary["arm"]
    judged = [row for row in impact if running or row["arm"] == arm]
    alarms = [row for row in latest if get(row, "alarm") and (running or get(row, "arm") in {arm, None})]
    of_arm = [row for row in segments if (running or row["arm"] == arm) and row["role"] != "secondary"]
    parts = _watched_segments(latest) if running else _estimated_segments(of_arm)
    seen = primary is not None
    return {
        **_guardrails(registry_row, judged, alarms, seen),
        "segments.judged": sum(harmed is not None for harmed in parts.values()) if seen else None,
        "segments.harmed": sum(harmed is True for harmed in parts.values()) if seen else None,
    }


def _guardrails(registry_row: Row, judged: Rows, alarms: Rows, seen: bool) -> dict[str, Any]:
    names = [metric["name"] for metric in items(registry_row, "metrics_json") if metric.get("role") == "guardrail"]
    if not seen:
        return {"guardrails.declared": len(names)}
    verdicts = {name: {row["verdict"] for row in judged if row["metric"] == name} for name in names}
    alarmed = {get(row, "metric") for row in alarms if row["check"] == "guardrail_harm"}
    harmed = [name for name in names if "harmed" in verdicts[name] or name in alarmed]
    passed = [name for name in names if name not in harmed and verdicts[name] and verdicts[name] <= PASSED]
    return {
        "guardrails.declared": len(names),
        "guardrails.passed": len(passed),
        "guardrails.harmed": len(harmed),
        "guardrails.unknown": len(names) - len(passed) - len(harmed),
    }


def _estimated_segments(rows: Rows) -> dict[tuple[str, str], bool | None]:
    """Segment → whether it is harmed in any metric that decides; None where it cannot be told."""
    return _worst(((str(row["dimension"]), str(row["value"])), get(row, "harmed")) for row in rows)


def _watched_segments(latest: Rows) -> dict[tuple[str, str], bool | None]:
    """The same from monitoring, whose alarms may be looked at every night."""
    return _worst(
        (("", str(get(row, "segment"))), get(row, "alarm")) for row in latest if row["check"] == "segment_anomaly"
    )


def _worst(found: Any) -> dict[tuple[str, str], bool | None]:
    result: dict[tuple[str, str], bool | None] = {}
    for key, harmed in found:
        earlier = result.get(key)
        result[key] = harmed if earlier is None else earlier or bool(harmed)
    return result


def value_facts(registry_row: Row, primary: Row | None) -> dict[str, Any]:
    """Money of the primary metric's effect."""
    per_unit = product(get(registry_row, "usd_per_unit"), get(registry_row, "units_per_year"))
    good = 1.0 if get(registry_row, "direction") != "decrease" else -1.0
    per_benefit = None if per_unit is None else good * per_unit
    row = primary or {}
    return {
        "value.declared": per_unit is not None,
        "value.usd_per_benefit": per_benefit,
        "value.net_usd": get(row, "net_value_usd"),
        "value.net_low_usd": get(row, "net_value_low_usd"),
        "value.se_usd": None if per_benefit is None else product(abs(per_benefit), get(row, "se")),
        "value.p_loss": get(row, "p_loss"),
    }
