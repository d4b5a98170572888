"""What its owners declare: open blockers, units that influence each other, changes while it ran."""

from __future__ import annotations

from collections.abc import Iterator

from eaas_assets.errors import shown
from eaas_assets.experiments.design.finding import Finding, Subject
from eaas_assets.experiments.impact.obstacles import obstacle
from eaas_assets.experiments.wording import count, joined


def condition_findings(subject: Subject) -> Iterator[Finding]:
    """Findings about the declared circumstances. What was never declared is not known."""
    yield _blockers(subject)
    yield _interference(subject)
    if not subject.proposed:
        yield _changed(subject)


def _declared(subject: Subject, name: str) -> bool:
    experiment = subject.experiment
    return "conditions" in experiment.model_fields_set and name in experiment.conditions.model_fields_set


def _blockers(subject: Subject) -> Finding:
    blockers = [shown(blocker, 80) for blocker in subject.experiment.conditions.blockers]
    if blockers:
        statement = f"{count(len(blockers), 'blocker')} open: {joined(blockers, 5)}."
        action = "Settle every blocker first; until then it must not start or go on."
        return Finding("data", "blockers", "error", statement, {"blockers": blockers}, action, forbids=True)
    if _declared(subject, "blockers") or not subject.proposed:
        return Finding("data", "blockers", "passed", "No open blocker is declared.")
    return Finding("data", "blockers", "not_known", "Nothing is declared about what must be settled before the start.")


def _interference(subject: Subject) -> Finding:
    if not subject.experiment.conditions.interference:
        if _declared(subject, "interference"):
            return Finding("data", "interference", "passed", "Units are declared not to influence each other.")
        statement = "Nothing is declared about whether units influence each other."
        action = "Declare conditions.interference after thinking of shared queues, budgets, prices and conversations."
        return Finding("data", "interference", "not_known", statement, action=action)
    in_the_way = obstacle(subject.experiment, subject.opened, subject.policy)
    if subject.observed and (in_the_way is None or in_the_way.code != "interference"):
        statement = "Units influence each other, but within the groups that are compared."
        return Finding("data", "interference", "passed", statement)
    if getattr(subject.experiment.observations, "cluster", None) is not None:
        statement = "Units influence each other; groups of them are assigned as wholes."
        return Finding("data", "interference", "passed", statement)
    statement = "Units can influence each other, so units of the control arm feel the treatment too."
    action = "Assign groups that do not influence each other as wholes, or alternate arms over time."
    return Finding("data", "interference", "error", statement, action=action, forbids=True)


def _changed(subject: Subject) -> Finding:
    changed = subject.experiment.conditions.changed_mid_test
    if changed is not None:
        statement = f"It was changed while it ran: {shown(changed, 120)}."
        action = "Start again, or analyse the time after the change as an experiment of its own."
        return Finding("data", "changed_mid_test", "error", statement, {"change": shown(changed)}, action, forbids=True)
    if _declared(subject, "changed_mid_test"):
        return Finding("data", "changed_mid_test", "passed", "Nothing is declared to have changed while it ran.")
    return Finding("data", "changed_mid_test", "not_known", "Nothing is declared about changes while it ran.")
