"""Findings about expected values that the agent can read off what it is shown.

Two kinds of evidence are looked for: a fact or input that repeats an expected field scenario after scenario, and an
expected text that stands word for word in the message, an input or a fact. How certain a leak is depends on the text:
``delivery_delay`` is nobody's ordinary language, "delivery delay" may be, and a single word like "sales" usually is.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from eaas_assets.suites.audit.findings import Finding, Severity, counted, listed
from eaas_assets.suites.audit.rule_judgement import MESSAGE
from eaas_assets.suites.cells import is_number
from eaas_assets.suites.scenarios import Scenario, SuiteReading

_KIND = "leaked_expected_value"
_TEXT_COMPARISONS = {"exact", "sequence", "set", "subset", "similarity"}
_VALUE_COMPARISONS = {"exact", "number", "similarity"}
ALWAYS = 0.9
OFTEN = 0.5
FEWEST_SCENARIOS = 5
SHORTEST_LABEL = 5
SHORTEST_PHRASE = 8
"""Characters from which on a text is long enough to be recognised."""
_LABEL = re.compile(r"\w+_\w+", re.ASCII)


class _Hit(NamedTuple):
    scenario_id: str
    value: str
    found: str
    verbatim: bool


def leaked_expected_values(reading: SuiteReading) -> Iterator[Finding]:
    """Expected values within the agent's sight, one finding per expected field and place."""
    repeating = set()
    for field, place, finding in _repeating_places(reading):
        repeating.add((field, place))
        yield finding
    hits = _hits(reading)
    for (field, place), found in hits.items():
        if (field, place) not in repeating:
            yield _text_finding(reading, field, place, found)


# -- places that repeat an expected field -------------------------------------------------------------------------


def _repeating_places(reading: SuiteReading) -> Iterator[tuple[str, str, Finding]]:
    if reading.suite is None or len(reading.scenarios) < FEWEST_SCENARIOS:
        return
    for expected in reading.suite.expected:
        if expected.compare not in _VALUE_COMPARISONS:
            continue
        equal: dict[str, list[Scenario]] = defaultdict(list)
        for scenario in reading.scenarios:
            wanted = _image(scenario.expected[expected.field])
            if wanted is not None:
                for place, fact in scenario.context.items():
                    if fact is not None and _image(fact) == wanted:
                        equal[place].append(scenario)
        for place, scenarios in equal.items():
            if (finding := _repetition(reading, expected.field, place, scenarios)) is not None:
                yield expected.field, place, finding


def _image(value: Any) -> str | float | None:
    """A value for comparison: text whatever its case and word breaks, numbers as numbers; None for all else."""
    if isinstance(value, str):
        return _spaced(value) or None
    return float(value) if is_number(value) else None


def _kind_of_place(reading: SuiteReading, field: str, place: str) -> tuple[bool, bool]:
    """Whether the scenario's author wrote the place (message or input), and whether it is named like the field."""
    if reading.suite is None:
        return False, False
    column = next(expected.column for expected in reading.suite.expected if expected.field == field)
    own = place == MESSAGE or place in reading.suite.scenarios.inputs
    return own, place.rpartition(".")[2] in {field, column}


def _repetition(reading: SuiteReading, field: str, place: str, scenarios: list[Scenario]) -> Finding | None:
    n = len(reading.scenarios)
    values = [_image(scenario.expected[field]) for scenario in scenarios]
    distinct = len(set(values))
    needed = 2 if all(isinstance(value, str) for value in values) else 3  # few numbers agree by accident
    if distinct < needed or len(scenarios) < max(OFTEN * n, FEWEST_SCENARIOS):
        return None
    own, same_name = _kind_of_place(reading, field, place)
    severity: Severity = "error" if len(scenarios) >= ALWAYS * n and (own or same_name) else "warning"
    return Finding(
        reading.name,
        _KIND,
        severity,
        f"{field} in {place}",
        f"{place} repeats the expected {field} in {len(scenarios):,} of {n:,} scenarios ({distinct:,} different "
        "values): an agent that copies it is right.",
        f"Hide {place} from the agent, unless looking it up there is the task.",
        [
            {"scenario": s.scenario_id, "place": place, "shown": s.context[place], "expected": s.expected[field]}
            for s in scenarios
        ],
    )


# -- expected texts in sight --------------------------------------------------------------------------------------


def _hits(reading: SuiteReading) -> dict[tuple[str, str], list[_Hit]]:
    hits: dict[tuple[str, str], list[_Hit]] = defaultdict(list)
    fields = [f.field for f in reading.suite.expected if f.compare in _TEXT_COMPARISONS] if reading.suite else []
    texts_of: dict[int, list[tuple[str, str]]] = {}
    for scenario in reading.scenarios:
        facts = texts_of.get(id(scenario.context))
        if facts is None:
            facts = texts_of[id(scenario.context)] = [
                (place, text.lower()) for place, value in scenario.context.items() for text in _texts(value)
            ]
        shown = [(MESSAGE, scenario.message.lower()), *facts]
        for field in fields:
            for value in _texts(scenario.expected[field]):
                forms = _forms(value)
                for place, text in shown if forms else ():
                    if (hit := _hit(scenario, value, forms, text)) is not None:
                        hits[field, place].append(hit)
    return hits


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _spaced(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", text.strip().lower()))


@lru_cache(maxsize=10_000)
def _forms(value: str) -> tuple[tuple[str, re.Pattern[str], bool], ...]:
    """Ways in which a value may be written: (text to look for, the same between word ends, whether verbatim).

    Empty for values of one ordinary word and for short ones: in ordinary text they mean nothing.
    """
    verbatim, spaced = value.strip().lower(), _spaced(value)
    forms = []
    if len(verbatim) >= SHORTEST_LABEL and _is_label(value):
        forms.append((verbatim, _whole(verbatim), True))
    if len(spaced) >= SHORTEST_PHRASE and " " in spaced:
        forms.append((spaced, _whole(spaced), False))
    return tuple(forms)


def _is_label(value: str) -> bool:
    """Whether the text is written like a name in a program (``lost_package``), which nobody writes by accident."""
    return _LABEL.fullmatch(value.strip()) is not None


def _whole(text: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(text)}(?![\w-])")


def _hit(
    scenario: Scenario, value: str, forms: tuple[tuple[str, re.Pattern[str], bool], ...], text: str
) -> _Hit | None:
    for wanted, pattern, verbatim in forms:
        if wanted in text and (match := pattern.search(text)) is not None:
            around = text[max(0, match.start() - 40) : match.end() + 40]
            return _Hit(scenario.scenario_id, value, around, verbatim)
    return None


def _text_finding(reading: SuiteReading, field: str, place: str, hits: list[_Hit]) -> Finding:
    verbatim = [hit for hit in hits if hit.verbatim]
    in_scenario = place == MESSAGE or (reading.suite is not None and place in reading.suite.scenarios.inputs)
    same_name = (
        place.rpartition(".")[2] in {field, *(f.column for f in reading.suite.expected)} if reading.suite else False
    )
    severity: Severity = "info"
    if verbatim:
        severity = "error" if in_scenario or same_name else "warning"
    elif in_scenario:
        severity = "warning"
    ids = list(dict.fromkeys(hit.scenario_id for hit in hits))
    how = "word for word" if verbatim else "in ordinary words"
    example = (verbatim or hits)[0]
    return Finding(
        reading.name,
        _KIND,
        severity,
        f"{field} in {place}",
        f"The expected {field} stands {how} in {place} of {counted(len(ids), 'scenario')} ({listed(ids)}): "
        f"e.g. '{example.value}' in {example.scenario_id}.",
        "Reword or hide it, or the score shows how well the agent copies." if verbatim else
        "Check that it is said as a customer would say it, and not taken from the label.",
        [{"scenario": hit.scenario_id, "place": place, "expected": hit.value, "found": hit.found} for hit in hits],
    )  # fmt: skip
