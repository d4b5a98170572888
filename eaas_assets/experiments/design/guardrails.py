"""What must not get worse: enough guardrails for the risk, each with a margin."""

from __future__ import annotations

from collections.abc import Iterator

from eaas_assets.experiments.design.finding import Finding, Subject
from eaas_assets.experiments.wording import count, joined


def guardrail_findings(subject: Subject) -> Iterator[Finding]:
    """Findings about the guardrails."""
    experiment = subject.experiment
    names = [metric.name for metric in experiment.guardrails]
    required = subject.policy.design.required_guardrails[experiment.risk_tier]
    evidence = {"guardrails": names, "required": required, "risk_tier": experiment.risk_tier}
    listed = f": {joined(names, 5)}" if names else ""
    statement = (
        f"{count(len(names), 'guardrail')}{listed}; a change of {experiment.risk_tier} risk needs at least {required}."
    )
    if len(names) >= required:
        yield Finding("metrics", "guardrails", "passed", statement, evidence)
    else:
        action = "Declare as guardrails what must not get worse, such as complaints, errors, cost or waiting time."
        yield Finding("metrics", "guardrails", "error", statement, evidence, action)
    if names:
        yield _margins(subject)


def _margins(subject: Subject) -> Finding:
    without = [metric.name for metric in subject.experiment.guardrails if metric.margin is None]
    if not without:
        return Finding("metrics", "guardrail_margins", "passed", "Every guardrail has a margin.")
    statement = f"How much worse {joined(without, 5)} may get is not declared."
    action = "Declare metrics.margin: without it a guardrail can be found harmed, but never unharmed."
    return Finding("metrics", "guardrail_margins", "warning", statement, {"without_margin": without}, action)
