"""Facts as people read them: numbers with their units, for sentences of decisions.

Belongs here: plain text of single facts. Pages have their own, richer words in `reporting`, a layer above.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.decision_policy import PLACEHOLDER
from eaas_assets.contracts.facts import BY_NAME

NOT_KNOWN = "not known"
PROBABILITIES = {"primary.p", "value.p_loss"}
EFFECTS = frozenset({"primary.benefit", "primary.benefit_low", "primary.benefit_high"})
"""Differences: of proportions they are told in points, of other metrics in their unit, and with their sign."""
SIZES = frozenset({"primary.minimum_effect", "primary.se"})
"""Sizes in the same units, which have no sign."""
LONGEST = 80
LONGEST_UNIT = 24
MOST_PLACES = 15
"""Places before or after the point from which a number is written as a power of ten."""
_RANGE = " to {"
_WORDS = {
    "primary.answered": "an answer on the primary metric",
    "primary.benefit": "the gain",
    "primary.benefit_low": "the lower end of the gain's interval",
    "primary.benefit_high": "the upper end of the gain's interval",
    "primary.se": "the standard error of the gain",
    "primary.p": "the p-value",
    "primary.minimum_effect": "the smallest gain worth having",
    "primary.minimum_ratio": "the gain as a multiple of the smallest worth having",
    "primary.excludes_minimum": "whether the interval excludes the smallest gain worth having",
    "primary.relative_benefit": "the relative gain",
    "guardrails.harmed": "the number of harmed guardrails",
    "guardrails.unknown": "the number of open guardrails",
    "guardrails.passed": "the number of guardrails that clear their margin",
    "segments.harmed": "the number of harmed segments",
    "segments.judged": "the number of segments that could be judged",
    "subject.blockers": "the number of open blockers",
    "subject.risk_tier": "the risk tier",
    "subject.usable": "whether the files can be used",
    "design.errors": "the number of errors in the design",
    "design.warnings": "the number of warnings on the design",
    "sample.observed": "the number of units observed",
    "sample.fraction": "the share of the planned units observed",
    "sample.past_end": "whether the planned end has passed",
    "integrity.sample_ratio": "the sample ratio",
    "integrity.novelty": "the effect over time",
    "integrity.drift": "the control over time",
    "integrity.calibration": "the calibration of the test",
    "value.p_loss": "the probability of a loss",
    "value.net_usd": "the yearly net value",
    "value.net_low_usd": "the lower end of the yearly net value",
    "value.declared": "whether the metric's worth is declared",
    "cost.to_date_usd": "the money spent",
    "claim.annual_value_usd": "the yearly value that is claimed",
    "release.verdict": "the verdict against the baseline",
    "release.lost": "the number of lost scenarios",
    "release.gained": "the number of gained scenarios",
    "release.not_run": "the number of evaluations without a result",
    "release.high_risk_failures": "the number of failed high-risk evaluations",
    "release.regression_alarms": "the number of alarms of the gate",
    "release.gate_calibration": "the calibration of the gate",
    "release.direction": "the direction of the pass rate",
}


def filled(sentence: str, facts: Mapping[str, Any]) -> str:
    """A rule's sentence with every ``{fact.name}`` replaced by that fact as people read it.

    Of a range, ``{fact.low} to {fact.high}``, the unit stands at its end alone.
    """

    def text(name: str, ranged: bool) -> str:
        told = fact_text(name, facts.get(name), facts)
        unit = unit_of(name, facts)
        return told.removesuffix(f" {unit}s").removesuffix(f" {unit}") if ranged and unit else told

    return PLACEHOLDER.sub(lambda found: text(found[1], sentence.startswith(_RANGE, found.end())), sentence)


def name_text(name: str) -> str:
    """A fact's name in words: ``the number of harmed segments``."""
    return _WORDS.get(name) or "the " + name.replace(".", " ").replace("_", " ").removeprefix("release ")


def unit_of(name: str, facts: Mapping[str, Any]) -> str:
    """The unit of an effect or of its size, ``point`` for a proportion; empty for other facts and without one."""
    if name not in EFFECTS | SIZES:
        return ""
    if facts.get("primary.kind") == "proportion":
        return "point"
    unit = str(facts.get("primary.unit") or "none")
    return "" if unit == "none" else unit[:LONGEST_UNIT]


def points_text(difference: float) -> str:
    """A difference of two rates as ``+33.3 points``."""
    return _signed(difference, _points(difference))


def _points(difference: float) -> str:
    points = number(float(exact(difference) * 100), 3)
    return f"{points} point{'' if points in {'1', '−1'} else 's'}"


def _signed(value: float, told: str) -> str:
    return f"+{told}" if value > 0 else told


def fact_text(name: str, value: Any, facts: Mapping[str, Any] | None = None) -> str:
    """One fact as people read it; "not known" for a missing one.

    Args:
        name: The fact.
        value: Its value.
        facts: All facts of the subject, which tell the unit of an effect; None where it is not asked for.
    """
    if value is None:
        return NOT_KNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value.replace("_", " ")[:LONGEST]
    if (facts or {}).get("primary.kind") is not None and name in EFFECTS | SIZES:
        return _effect(name, value, facts or {})
    kind = BY_NAME[name].type
    if kind == "usd":
        return usd(value)
    if kind == "share":
        return probability(value) if name in PROBABILITIES else percent(value)
    return f"{value:,}".replace("-", "−") if kind == "count" and isinstance(value, int) else number(value)


def _effect(name: str, value: float, facts: Mapping[str, Any]) -> str:
    """An effect, or a size of one, in its unit."""
    unit = unit_of(name, facts)
    told = _points(value) if facts["primary.kind"] == "proportion" else f"{number(value)} {unit}".rstrip()
    return _signed(value, told) if name in EFFECTS else told


def number(value: float, digits: int = 4) -> str:
    """A number to ``digits`` significant ones, without trailing zeros; the minus is a real one."""
    decimal = exact(value)
    if decimal == 0:
        return "0"
    if abs(decimal.adjusted()) >= MOST_PLACES:
        return f"{value:.{digits - 1}e}".replace("-", "−")
    places = max(0, digits - 1 - decimal.adjusted())
    text = f"{decimal.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP):,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A share as ``44.4 %``."""
    return f"{number(float(exact(share) * 100), 3)} %"


def probability(value: float) -> str:
    """A p-value or probability: three significant digits, "below 0.0001" where it is."""
    return "below 0.0001" if value < 0.0001 else number(value, 3)


def usd(value: float) -> str:
    """Money: whole dollars from 100 on, cents below."""
    if exact(value).adjusted() >= MOST_PLACES:
        return f"{value:.2e} USD".replace("-", "−")
    cents = abs(value) < 100
    amount = exact(value).quantize(Decimal("0.01") if cents else Decimal(1), ROUND_HALF_UP)
    return f"{amount:,f} USD".replace("-", "−")
