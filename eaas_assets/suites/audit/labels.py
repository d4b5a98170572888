"""Findings about the expected values alone: labels that contradict each other, and labels that tell nothing.

Whether labels agree with the facts or the rules is looked at elsewhere.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from eaas_assets.storage.files import canonical_json
from eaas_assets.suites.audit.findings import Finding, Severity, counted, listed
from eaas_assets.suites.audit.rule_judgement import MESSAGE
from eaas_assets.suites.scenarios import Scenario, SuiteReading

SHOWN_OF_GROUP = 20
UNBALANCED_SHARE = 0.8
UNBALANCED_FROM = 20

Groups = dict[str, list[Scenario]]


def contradictory_labels(reading: SuiteReading) -> Iterator[Finding]:
    """Scenarios that show the agent the same and expect different answers.

    With the same message it is impossible to get all of them right. With different messages it is impossible for
    anything that looks at the facts alone: a warning where the suite's own rules do that, otherwise a limit to know.
    """
    texts = facts_texts(reading.scenarios)
    by_all: Groups = defaultdict(list)
    by_facts: Groups = defaultdict(list)
    for scenario, facts in zip(reading.scenarios, texts, strict=True):
        by_all[f"{facts}\n{scenario.message}"].append(scenario)
        by_facts[facts].append(scenario)
    if clashes := _clashes(by_all):
        yield _contradiction(reading, by_all, clashes, same_message=True)
    impossible = {scenario.scenario_id for group in clashes for scenario in group}
    by_message = [group for group in _clashes(by_facts) if any(s.scenario_id not in impossible for s in group)]
    if by_message and any(scenario.context for scenario in reading.scenarios):
        yield _contradiction(reading, by_facts, by_message, same_message=False)


def facts_texts(scenarios: Iterable[Scenario]) -> list[str]:
    """The facts of each scenario as canonical text: equal texts are equal facts."""
    known: dict[int, str] = {}
    texts = []
    for scenario in scenarios:
        text = known.get(id(scenario.context))
        if text is None:
            text = known[id(scenario.context)] = canonical_json(scenario.context)
        texts.append(text)
    return texts


def _clashes(groups: Groups) -> list[list[Scenario]]:
    return [group for group in groups.values() if len({canonical_json(s.expected) for s in group}) > 1]


def _ceiling(groups: Iterable[list[Scenario]], field: str | None = None) -> int:
    """The most scenarios that an answer decided by the group alone can get right: the commonest label of each."""
    total = 0
    for group in groups:
        labels = Counter(canonical_json(s.expected if field is None else s.expected[field]) for s in group)
        total += max(labels.values())
    return total


def _contradiction(reading: SuiteReading, groups: Groups, clashes: list[list[Scenario]], same_message: bool) -> Finding:
    scenarios, n = reading.scenarios, len(reading.scenarios)
    involved = [scenario for group in clashes for scenario in group]
    differing = [field for field in scenarios[0].expected if _ceiling(clashes, field) < len(involved)]
    fields = ", ".join(f"{field} {_ceiling(groups.values(), field)} of {n}" for field in differing)
    rules = reading.decision_rules
    severity: Severity = "warning" if rules is not None and MESSAGE not in rules.fields else "info"
    best = f"at most {_ceiling(groups.values()):,} of {n:,} right (by field: {fields})"
    if same_message:
        severity = "error"
        shared, who = "facts and message", "any agent that answers the same to the same"
        advice = "Decide which expected value is right, or show the agent what makes them different."
    else:
        shared, who = "all facts", "a classifier that looks at the facts alone"
        advice = "Only the message tells them apart. Make sure that it does, and that the agent reads it."
    evidence = [
        {
            "count": len(group),
            "most_right": _ceiling([group]),
            "scenarios": [scenario.scenario_id for scenario in group[:SHOWN_OF_GROUP]],
            "expected": [scenario.expected for scenario in group[:SHOWN_OF_GROUP]],
            "messages": [scenario.message[:200] for scenario in group[:SHOWN_OF_GROUP]],
        }
        for group in clashes
    ]
    return Finding(
        reading.name,
        "contradictory_labels",
        severity,
        listed((f"({', '.join(s.scenario_id for s in group[:5])})" for group in clashes), 5),
        f"{counted(len(involved), 'scenario')} of {n:,} share {shared} with another that expects something else: "
        f"{who} gets {best}.",
        advice,
        evidence,
    )


def uninformative_labels(reading: SuiteReading) -> Iterator[Finding]:
    """Expected fields with one single value, or with one value almost everywhere."""
    n = len(reading.scenarios)
    for field in reading.scenarios[0].expected if n > 1 else ():
        labels = Counter(canonical_json(scenario.expected[field]) for scenario in reading.scenarios)
        (label, most), *_ = labels.most_common(1)
        evidence = [{"field": field, "value": value, "scenarios": count} for value, count in labels.most_common(20)]
        if len(labels) == 1:
            yield Finding(
                reading.name,
                "single_valued_label",
                "warning",
                field,
                f"All {n:,} scenarios expect {field} = {label}: an agent that always answers that is always right.",
                "Add scenarios that expect something else, or give the field no weight.",
                evidence,
            )
        elif n >= UNBALANCED_FROM and most >= UNBALANCED_SHARE * n:
            yield Finding(
                reading.name,
                "unbalanced_labels",
                "info",
                field,
                f"{most:,} of {n:,} scenarios expect {field} = {label}: an agent that always answers that is right in "
                f"{100 * most / n:.0f} %.",
                f"Read the accuracy of {field} against that share, not against 0, or add rarer cases.",
                evidence,
            )
