"""The vocabulary of decision rules: every fact that a rule may ask about, with its meaning, type and unit.

A rule that names any other fact is refused. A fact without a value is missing, and no condition but ``is_missing``
holds for it: missing evidence can never make a rule fire by accident. Where "it cannot be tried here" and "it was not
looked at" are different things the fact is a text with a word for the first; only the second is missing.
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
        values: Every value that a text can have, the best first where they have an order; empty for free text.
    """

    name: str
    type: FactType
    subjects: tuple[Subject, ...]
    meaning: str
    better: Better = "neither"
    error: str | None = None
    evidence: bool = True
    values: tuple[str, ...] = ()


_E: tuple[Subject, ...] = ("experiment",)
_R: tuple[Subject, ...] = ("release",)
_BOTH: tuple[Subject, ...] = ("experiment", "release")
_TYPES = ("ab_test", "phased_rollout", "model_swap", "workflow_change", "agent_behavior_change", "release")
_PHASES = ("proposal", "running", "concluded", "release")

FACTS: tuple[Fact, ...] = (
    # -- what the subject is: declared, not measured --------------------------------------------------------------
    Fact("subject.kind", "text", _BOTH, "experiment or release", evidence=False, values=("experiment", "release")),
    Fact("subject.phase", "text", _BOTH, "proposal, running, concluded or release", evidence=False, values=_PHASES),
    Fact("subject.type", "text", _BOTH, "Type of experiment; of a release: release", evidence=False, values=_TYPES),
    Fact("subject.domain", "text", _BOTH, "Domain; of a release: its suite", evidence=False),
    Fact("subject.risk_tier", "text", _BOTH, "low, medium or high", evidence=False, values=("low", "medium", "high")),
    Fact(
        "subject.arm",
        "text",
        _BOTH,
        "Treatment arm that is decided on: the answered one with the best lower end; of a release: its version",
        evidence=False,
    ),
    Fact(
        "subject.blockers", "count", _E, "Declared things that must be settled before a start", "lower", evidence=False
    ),
    Fact("subject.usable", "boolean", _E, "Whether document and observations could be read", "true", evidence=False),
    # -- design ---------------------------------------------------------------------------------------------------
    Fact(
        "design.grade", "text", _E, "A (sound) to F (must not decide anything)", evidence=False, values=tuple("ABCDF")
    ),
    Fact("design.errors", "count", _E, "Checks of the design with outcome error", "lower", evidence=False),
    Fact("design.warnings", "count", _E, "Checks with outcome warning", "lower", evidence=False),
    Fact(
        "design.strength",
        "text",
        _BOTH,
        "randomised, paired, quasi_experiment, before_after or none",
        evidence=False,
        values=("randomised", "paired", "quasi_experiment", "before_after", "none"),
    ),
    # -- progress -------------------------------------------------------------------------------------------------
    Fact("sample.observed", "count", _BOTH, "Units observed (releases: scenarios compared)"),
    Fact("sample.fraction", "share", _E, "Observed units / planned units"),
    Fact("sample.past_end", "boolean", _E, "Whether the planned last day has passed"),
    # -- integrity: whether the numbers can be trusted ----------------------------------------------------------------
    Fact(
        "integrity.sample_ratio",
        "text",
        _E,
        "as_planned, mismatch, or not_testable where units are not assigned at random",
        values=("as_planned", "not_testable", "mismatch"),
    ),
    Fact(
        "integrity.novelty",
        "text",
        _E,
        "lasts, fades, or not_testable without times",
        values=("lasts", "not_testable", "fades"),
    ),
    Fact(
        "integrity.drift",
        "text",
        _E,
        "steady, drifts (the control arm's metric moves over time), or not_testable without times",
        values=("steady", "not_testable", "drifts"),
    ),
    Fact(
        "integrity.calibration",
        "text",
        _E,
        "kept, broken (the primary metric's test finds effects where nothing happened), or not_testable",
        values=("kept", "not_testable", "broken"),
    ),
    # -- the primary metric, in the good direction -----------------------------------------------------------------
    Fact("primary.answered", "boolean", _BOTH, "Whether there is an interval", "true"),
    Fact("primary.refusal", "text", _BOTH, "Code of the refusal; none where there is an interval"),
    Fact(
        "primary.benefit", "number", _BOTH, "Effect in the good direction, in the metric's unit", "higher", "primary.se"
    ),
    Fact("primary.benefit_low", "number", _BOTH, "Lower end of its interval", "higher", "primary.se"),
    Fact("primary.benefit_high", "number", _BOTH, "Upper end", "higher", "primary.se"),
    Fact("primary.se", "number", _BOTH, "Standard error of the effect"),
    Fact(
        "primary.kind",
        "text",
        _BOTH,
        "proportion, mean, ratio or quantile",
        evidence=False,
        values=("proportion", "mean", "ratio", "quantile"),
    ),
    Fact("primary.unit", "text", _BOTH, "Unit of the metric; none where it has none", evidence=False),
    Fact("primary.p", "share", _BOTH, "Two-sided p-value of no effect, corrected over arms"),
    Fact("primary.relative_benefit", "number", _E, "Benefit as a share of the control's size", "higher"),
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
    Fact("segments.judged", "count", _BOTH, "Segments that could be judged"),
    Fact("segments.harmed", "count", _BOTH, "Segments that are worse after correction", "lower"),
    # -- money ----------------------------------------------------------------------------------------------------
    Fact("value.declared", "boolean", _E, "Whether its owners said what the metric is worth", evidence=False),
    Fact("value.usd_per_benefit", "usd", _E, "Yearly money per one unit of benefit", evidence=False),
    Fact("value.net_usd", "usd", _E, "Yearly net value at the estimate", "higher", "value.se_usd"),
    Fact("value.net_low_usd", "usd", _E, "At the interval's lower end", "higher", "value.se_usd"),
    Fact("value.se_usd", "usd", _E, "Standard error of the yearly net value"),
    Fact("value.p_loss", "share", _E, "Probability that the net value is negative", "lower"),
    Fact("cost.to_date_usd", "usd", _BOTH, "Spent so far"),
    Fact("claim.annual_value_usd", "usd", _E, "Yearly value that its owners declared", evidence=False),
    # -- releases -------------------------------------------------------------------------------------------------
    Fact(
        "release.verdict",
        "text",
        _R,
        "better, not_worse, inconclusive, worse or no_baseline",
        values=("better", "not_worse", "inconclusive", "worse", "no_baseline"),
    ),
    Fact("release.regression_alarms", "count", _R, "Reasons for which the gate no_regression is red", "lower"),
    Fact(
        "release.gate_calibration",
        "text",
        _R,
        "kept, broken (the gate fails unchanged agents too often on this suite), or not_testable",
        values=("kept", "not_testable", "broken"),
    ),
    Fact("release.pass_rate", "share", _R, "Evaluations passed / evaluations", "higher"),
    Fact("release.pass_rate_low", "share", _R, "Lower end of its interval", "higher"),
    Fact("release.health", "text", _R, "healthy, degraded or critical", values=("healthy", "degraded", "critical")),
    Fact("release.high_risk_failures", "count", _R, "Failed evaluations of high-risk scenarios", "lower"),
    Fact("release.lost", "count", _R, "Scenarios that passed before and fail now", "lower"),
    Fact("release.gained", "count", _R, "Scenarios that failed before and pass now", "higher"),
    Fact("release.not_run", "count", _R, "Planned evaluations without a result", "lower"),
    Fact(
        "release.direction",
        "text",
        _R,
        "Direction of the pass rate over the runs: improving, declining, stable, undetermined",
        values=("improving", "stable", "undetermined", "declining"),
    ),
)

BY_NAME = {fact.name: fact for fact in FACTS}


def unknown_facts(names: Iterable[str]) -> list[str]:
    """The names that no fact has, in order, each once."""
    return [name for name in dict.fromkeys(names) if name not in BY_NAME]
