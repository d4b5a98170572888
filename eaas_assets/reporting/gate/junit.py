"""A run as JUnit XML, the one format that every CI system reads: a testcase per scenario, and one for the release gate.

Belongs here: the document. What passed and what the gate says is decided in the tables that it is made from.

The format has no place for a rate, an interval or repeats, so these stand in properties of the testsuite, and an
undecided gate is a skipped testcase. Elements, attributes and their order are those of the schema that Jenkins
publishes, which the other CI systems read too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Literal, NamedTuple
from xml.etree import ElementTree

import pandas as pd

from eaas_assets.reporting import text

GATE = "release gate"
"""Name of the testcase that carries the gate's outcome."""
UNANSWERED = ("failed", "timeout")
"""How an evaluation ends that got no answer to judge."""
SHOWN_TRIALS = 3
"""Failed trials of a scenario that are told in full."""
VALUE_LIMIT = 300
MESSAGE_LIMIT = 300
TEXT_LIMIT = 4_000

Element = Literal["failure", "error", "skipped"]

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 does not allow, not even escaped (section 2.2, production Char)."""


class CaseResult(NamedTuple):
    """What a testcase that did not simply pass has inside.

    Attributes:
        element: ``failure``: the answer was wrong; ``error``: there was no answer; ``skipped``: undecided.
        kind: Short machine-readable kind.
        message: One line.
        detail: Several lines; empty for none.
    """

    element: Element
    kind: str
    message: str
    detail: str = ""


class _Case(NamedTuple):
    name: str
    classname: str
    seconds: float
    result: CaseResult | None


def junit_xml(
    name: str,
    evaluations: pd.DataFrame | None,
    gate: CaseResult | None,
    properties: Mapping[str, str],
    run_at: datetime | None = None,
) -> bytes:
    """One run as a JUnit XML document in UTF-8.

    A scenario passes when most of its trials with a known result do, as everywhere in the history. Its time is the sum
    over its trials; unknown times are left out.

    Args:
        name: Of the testsuite: ``agent@version``.
        evaluations: ScenarioEvaluations of the run; None where there is none.
        gate: What the release gate says; None where it is passed.
        properties: What the format has no place for, by name.
        run_at: When the run was made, UTC.
    """
    cases = [
        *(() if evaluations is None else _scenario_cases(name, evaluations)),
        _Case(GATE, name, math.nan, gate),
    ]
    counts = _counts(cases)
    root = ElementTree.Element("testsuites", {"name": _clean(name), **_totals(counts, cases, skipped=False)})
    suite = ElementTree.SubElement(root, "testsuite", {"name": _clean(name), **_totals(counts, cases, skipped=True)})
    if run_at is not None:
        suite.set("timestamp", f"{run_at:%Y-%m-%dT%H:%M:%S}")
    listed = ElementTree.SubElement(suite, "properties")
    for key, value in properties.items():
        ElementTree.SubElement(listed, "property", {"name": _clean(key), "value": _line(value)})
    for case in cases:
        _append(suite, case)
    ElementTree.indent(root)
    document: bytes = ElementTree.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _append(suite: ElementTree.Element, case: _Case) -> None:
    element = ElementTree.SubElement(
        suite, "testcase", {"name": _clean(case.name), "classname": _clean(case.classname)}
    )
    if not math.isnan(case.seconds):
        element.set("time", f"{case.seconds:.3f}")
    if case.result is None:
        return
    attributes = {"message": _line(case.result.message)}
    if case.result.element != "skipped":  # the schema gives skipped a message only
        attributes["type"] = _clean(case.result.kind)
    inner = ElementTree.SubElement(element, case.result.element, attributes)
    if case.result.detail:
        inner.text = _NOT_XML.sub("", text.block(case.result.detail, TEXT_LIMIT))


def _scenario_cases(classname: str, evaluations: pd.DataFrame) -> Iterable[_Case]:
    known = evaluations[evaluations["passed"].notna()]
    outcomes = known["passed"].astype(int).groupby(known["scenario_id"])
    passes = zip(outcomes.sum().items(), outcomes.size().tolist(), strict=True)
    seconds = evaluations.groupby("scenario_id", sort=True)["response_time_ms"].sum(min_count=1) / 1000
    failed = known[~known["passed"].astype(bool)]
    failed = failed[failed.groupby("scenario_id").cumcount() < SHOWN_TRIALS]
    by_scenario: dict[str, list[Any]] = {}
    for row in failed.itertuples():
        by_scenario.setdefault(str(row.scenario_id), []).append(row)
    counted = {str(scenario): (int(passed), tried) for (scenario, passed), tried in passes}
    for scenario, time in seconds.items():
        passed, tried = counted.get(str(scenario), (0, 0))
        result = None
        if not tried:
            result = CaseResult("skipped", "no_result", "no result: it was not run, or could not be scored")
        elif 2 * passed <= tried:
            result = _failure(by_scenario[str(scenario)], passed, tried)
        yield _Case(str(scenario), classname, float(time), result)


def _failure(rows: list[Any], passed: int, tried: int) -> CaseResult:
    first = text.inline(rows[0].failure_reason if text.known(rows[0].failure_reason) else "failed", MESSAGE_LIMIT)
    message = first if tried == 1 else f"passed {passed} of {tried} trials: {first}"
    told = [line for row in rows for line in _trial_lines(row, tried)]
    more = tried - passed - len(rows)
    if more:
        told.append(f"{text.counted(more, 'more failed trial')}: see the table scenario_evaluations.")
    if all(row.status in UNANSWERED for row in rows):
        return CaseResult("error", rows[0].status, message, "\n".join(told))
    return CaseResult("failure", "wrong_answer", message, "\n".join(told))


def _trial_lines(row: Any, tried: int) -> Iterable[str]:
    """Why one trial failed: the reason, and each field that did not match."""
    reason = text.inline(row.failure_reason if text.known(row.failure_reason) else "failed", VALUE_LIMIT)
    yield f"trial {row.trial}: {reason}" if tried > 1 else reason
    expected, actual, matches = (json.loads(part) for part in (row.expected_json, row.actual_json, row.matches_json))
    for field, matched in matches.items():
        if matched is False:
            wanted, found = _value(expected.get(field)), _value(actual.get(field))
            yield f"  {text.inline(field, 64)}: expected {wanted}, answered {found}"


def _value(value: Any) -> str:
    return text.inline(json.dumps(value, ensure_ascii=False), VALUE_LIMIT)


def _counts(cases: list[_Case]) -> dict[Element, int]:
    kinds: tuple[Element, ...] = ("failure", "error", "skipped")
    return {kind: sum(case.result is not None and case.result.element == kind for case in cases) for kind in kinds}


def _totals(counts: dict[Element, int], cases: list[_Case], *, skipped: bool) -> dict[str, str]:
    totals = {"tests": str(len(cases)), "failures": str(counts["failure"]), "errors": str(counts["error"])}
    if skipped:
        totals["skipped"] = str(counts["skipped"])
    times = [case.seconds for case in cases if not math.isnan(case.seconds)]
    return totals | {"time": f"{math.fsum(times):.3f}"}


def _clean(value: str) -> str:
    """A name: one line, nothing invisible, nothing that XML forbids."""
    return _NOT_XML.sub("", text.inline(value, 256))


def _line(value: str) -> str:
    return _NOT_XML.sub("", text.inline(value, 2_000))
