"""The vocabulary of decision rules: every fact that a rule may ask about, with its meaning, type and unit.

A rule that names any other fact is refused. A fact without a value is missing, and no condition but ``is_missing``
holds for it: missing evidence can never make a rule fire by accident.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, NamedTuple

Subject = Literal["experiment", "release"]
FactType = Literal["text", "number", "count", "share", "usd", "boolean"]
Better = Literal["higher", "lower", "true", "false", "neither"]


class Fact(NamedTuple):
    """One fact.

    Attributes:
        better: Which value speaks for going ahead; ``neither`` for what only describes the subject.
        error: Fact that holds its standard error, so that a distance can be told in standard errors.
        evidence: Whether more data can change it; False for what people declare.
    """

    name: str
    type: FactType
    subjects: tuple[Subject, ...]
    meaning: str
    better: Better = "neither"
    error: str | None = None
    evidence: bool = True


_E: tuple[Subject, ...] = ("experiment",)
_R: tuple[Subject, ...] = ("release",)
_BOTH: tuple[Subject, ...] = ("experiment", "release")

FACTS: tuple[Fact, ...] = (
    # -- what the subject is: declared, not measured --------------------------------------------------------------
    Fact("subject.kind", "text", _BOTH, "experiment or release", evidence=False),
    Fact("subject.phase", "text", _BOTH, "proposal, running, concluded or release", evidence=False),
    Fact("subject.type", "text", _BOTH, "Type of experiment; of a release: release", evidence=False),
    Fact("subject.domain", "text", _BOTH, "Domain; of a release: its suite", evidence=False),
    Fact("subject.risk_tier", "text", _BOTH, "low, medium or high", evidence=False),
    Fact(
        "subject.blockers", "count", _E, "Declared things that must be settled before a start", "lower", evidence=False
    ),
    Fact("subject.usable", "boolean", _E, "Whether document and observations could be read", "true", evidence=False),
    # -- design ---------------------------------------------------------------------------------------------------
    Fact("design.grade", "text", _E, "A to F", evidence=False),
    Fact("design.errors", "count", _E, "Checks of the design with outcome error", "lower", evidence=False),
    Fact("design.warnings", "count", _E, "Checks with outcome warning", "lower", evidence=False),
    Fact(
        "design.strength", "text", _BOTH, "randomised, paired, quasi_experiment, before_after or none", evidence=False
    ),
    # -- progress -------------------------------------------------------------------------------------------------
    Fact("sample.observed", "count", _BOTH, "Units (releases: scenarios compared)", "higher"),
    Fact("sample.fraction", "share", _E, "Observed units / planned units", "higher"),
    Fact("sample.days_past_end", "number", _E, "Days since the planned end; negative before it"),
    # -- integrity ------------------------------------------------------------------------------------------------
    Fact("integrity.sample_ratio_mismatch", "boolean", _E, "Whether the sample ratio is off", "false"),
    Fact("integrity.novelty", "boolean", _E, "Whether the effect fades", "false"),
    Fact("integrity.drift", "boolean", _E, "Whether the control arm's metric moves over time", "false"),
    Fact(
        "integrity.calibrated",
        "boolean",
        _E,
        "Whether the primary metric keeps its error rate where nothing happened",
        "true",
    ),
    # -- the primary metric, in the good direction -----------------------------------------------------------------
    Fact("primary.answered", "boolean", _BOTH, "Whether there is an interval", "true"),
    Fact("primary.refusal", "text", _BOTH, "Code of the refusal"),
    Fact(
        "primary.benefit", "number", _BOTH, "Effect in the good direction, in the metric's unit", "higher", "primary.se"
    ),
    Fact("primary.benefit_low", "number", _BOTH, "Lower end of its interval", "higher", "primary.se"),
    Fact("primary.benefit_high", "number", _BOTH, "Upper end", "higher", "primary.se"),
    Fact("primary.se", "number", _BOTH, "Standard error of the effect", "lower"),
    Fact("primary.p", "share", _BOTH, "Two-sided p-value, corrected over arms", "lower"),
    Fact("primary.relative_benefit", "number", _E, "As a share of the control's size", "higher"),
    Fact("primary.minimum_effect", "number", _E, "Smallest effect worth having, in the metric's unit", evidence=False),
    Fact("primary.minimum_ratio", "number", _E, "Benefit / minimum effect", "higher"),
    Fact(
        "primary.excludes_minimum", "boolean", _E, "Whether the interval lies wholly below the minimum effect", "false"
    ),
    # -- harm -----------------------------------------------------------------------------------------------------
    Fact("guardrails.declared", "count", _E, "Guardrail metrics", evidence=False),
    Fact("guardrails.passed", "count", _E, "Guardrails whose interval clears the margin", "higher"),
    Fact("guardrails.harmed", "count", _E, "Guardrails that are worse, or alarmed early", "lower"),
    Fact("guardrails.unknown", "count", _E, "Guardrails of which neither is known", "lower"),
    Fact("segments.judged", "count", _BOTH, "Segments that could be judged", "higher"),
    Fact("segments.harmed", "count", _BOTH, "Segments that are worse after correction", "lower"),
    # -- money ----------------------------------------------------------------------------------------------------
    Fact("value.net_usd", "usd", _E, "Yearly net value at the estimate", "higher", "value.se_usd"),
    Fact("value.net_low_usd", "usd", _E, "At the interval's lower end", "higher", "value.se_usd"),
    Fact("value.se_usd", "usd", _E, "Standard error of the yearly net value", "lower"),
    Fact("value.p_loss", "share", _E, "Probability that the net value is negative", "lower"),
    Fact("cost.to_date_usd", "usd", _BOTH, "Spent so far"),
    Fact("claim.annual_value_usd", "usd", _E, "Yearly value that its owners declared", evidence=False),
    # -- releases -------------------------------------------------------------------------------------------------
    Fact("release.verdict", "text", _R, "better, worse, not_worse, inconclusive or no_baseline"),
    Fact("release.regression_alarms", "count", _R, "Reasons for which the gate no_regression is red", "lower"),
    Fact("release.gate_calibrated", "boolean", _R, "Whether the gate keeps its promise on this suite", "true"),
    Fact("release.pass_rate", "share", _R, "Evaluations passed / evaluations", "higher"),
    Fact("release.pass_rate_low", "share", _R, "Lower end of its interval", "higher"),
    Fact("release.health", "text", _R, "healthy, degraded or critical"),
    Fact("release.high_risk_failures", "count", _R, "Failed evaluations of high-risk scenarios", "lower"),
    Fact("release.lost", "count", _R, "Scenarios that passed before and fail now", "lower"),
    Fact("release.gained", "count", _R, "Scenarios that failed before and pass now", "higher"),
    Fact("release.not_run", "count", _R, "Planned evaluations without a result", "lower"),
    Fact(
        "release.direction",
        "text",
        _R,
        "Direction of the pass rate over the runs: improving, declining, stable, undetermined",
    ),
)

BY_NAME = {fact.name: fact for fact in FACTS}


def unknown_facts(names: Iterable[str]) -> list[str]:
    """The names that no fact has, in order, each once."""
    return [name for name in dict.fromkeys(names) if name not in BY_NAME]
