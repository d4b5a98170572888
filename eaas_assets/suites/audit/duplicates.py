"""Findings about scenarios that ask the same again: each repeat counts in every rate and adds no information."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from eaas_assets.storage.files import canonical_json
from eaas_assets.suites.audit.findings import Finding, counted, listed
from eaas_assets.suites.audit.labels import facts_texts
from eaas_assets.suites.scenarios import Scenario, SuiteReading

NEAR = 0.8
"""Jaccard similarity of the words of two messages from which on they count as nearly the same."""
FEWEST_WORDS = 4
MOST_COMPARISONS = 100_000
_WORD = re.compile(r"\w+")


def duplicated_scenarios(reading: SuiteReading) -> Iterator[Finding]:
    """Scenarios with the same message and the same facts."""
    groups: dict[str, list[Scenario]] = defaultdict(list)
    for scenario, facts in zip(reading.scenarios, facts_texts(reading.scenarios), strict=True):
        groups[f"{facts}\n{scenario.message}"].append(scenario)
    repeated = [group for group in groups.values() if len(group) > 1]
    if repeated:
        involved = sum(map(len, repeated))
        yield Finding(
            reading.name,
            "duplicated_scenarios",
            "warning",
            _groups_text(repeated),
            f"{counted(involved, 'scenario')} show the agent the same as another (message and facts): the suite asks "
            f"{len(groups):,} different questions, not {len(reading.scenarios):,}.",
            "Keep one of each group; repeats of a question belong into the agent's trials.",
            [_group_row(group, 1.0) for group in repeated],
        )


def nearly_duplicated_scenarios(reading: SuiteReading) -> Iterator[Finding]:
    """Scenarios that expect the same of nearly the same message; equal ones are left to the other finding."""
    by_answer: dict[str, list[Scenario]] = defaultdict(list)
    for scenario in reading.scenarios:
        by_answer[canonical_json(scenario.expected)].append(scenario)
    search = _NearSearch([scenario.message for scenario in reading.scenarios])
    groups = [group for scenarios in by_answer.values() for group in search.groups(scenarios)]
    if groups:
        involved = sum(len(scenarios) for scenarios, _ in groups)
        at_least = "At least " if search.comparisons <= 0 else ""
        yield Finding(
            reading.name,
            "nearly_duplicated_scenarios",
            "info",
            _groups_text([scenarios for scenarios, _ in groups]),
            f"{at_least}{counted(involved, 'scenario')} expect the same of nearly the same words as another (at least "
            f"{NEAR:.0%} of the words shared), in {counted(len(groups), 'group')}.",
            "Results within a group go together: the suite tells less than its number of scenarios suggests.",
            [_group_row(scenarios, similarity) for scenarios, similarity in groups],
        )


def _groups_text(groups: list[list[Scenario]]) -> str:
    return listed((f"({listed((s.scenario_id for s in group), 5)})" for group in groups), 5)


def _group_row(group: list[Scenario], similarity: float) -> dict[str, object]:
    return {
        "scenarios": [scenario.scenario_id for scenario in group[:100]],
        "similarity": round(similarity, 3),
        "messages": list(dict.fromkeys(scenario.message[:200] for scenario in group[:3])),
    }


class _NearSearch:
    """All pairs above a Jaccard similarity, by prefix filtering (Bayardo, Ma & Srikant 2007, "Scaling up all pairs").

    Two sets can only be that similar if they share one of their rarest words; which ones, follows from their sizes.
    """

    def __init__(self, messages: Iterable[str]) -> None:
        self._frequency = Counter(word for message in messages for word in _words(message))
        self.comparisons = MOST_COMPARISONS

    def groups(self, scenarios: list[Scenario]) -> list[tuple[list[Scenario], float]]:
        """Scenarios connected by similarity, with the smallest similarity of a connection."""
        parent = list(range(len(scenarios)))
        weakest: dict[int, float] = {}
        for left, right, similarity in self._pairs([scenario.message for scenario in scenarios]):
            a, b = _root(parent, left), _root(parent, right)
            parent[a] = b
            weakest[b] = min(similarity, weakest.get(a, 1.0), weakest.get(b, 1.0))
        members: dict[int, list[Scenario]] = defaultdict(list)
        for index, scenario in enumerate(scenarios):
            members[_root(parent, index)].append(scenario)
        return [(group, weakest[root]) for root, group in members.items() if len(group) > 1]

    def _pairs(self, messages: list[str]) -> Iterator[tuple[int, int, float]]:
        seen: dict[str, list[int]] = defaultdict(list)
        sets: list[frozenset[str]] = []
        for index, message in enumerate(messages):
            words = _words(message)
            sets.append(words)
            if len(words) < FEWEST_WORDS:
                continue
            rarest = sorted(words, key=lambda word: (self._frequency[word], word))
            prefix = rarest[: len(words) - math.ceil(NEAR * len(words)) + 1]
            for other in dict.fromkeys(candidate for word in prefix for candidate in seen[word]):
                self.comparisons -= 1
                if self.comparisons <= 0:
                    return
                shared = len(words & sets[other])
                similarity = shared / (len(words) + len(sets[other]) - shared)
                if similarity >= NEAR and messages[other] != message:
                    yield other, index, similarity
            for word in prefix:
                seen[word].append(index)


def _words(message: str) -> frozenset[str]:
    return frozenset(_WORD.findall(message.lower()))


def _root(parent: list[int], node: int) -> int:
    while parent[node] != node:
        parent[node] = parent[parent[node]]
        node = parent[node]
    return node
