"""The suite audit: what is wrong with a test set before any agent is measured with it.

Each module holds one kind of finding, as functions of a suite's reading; here they are put together. Findings about the
recorded history are made where history is read and only join the table here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pandas as pd

from eaas_assets.contracts.inputs import AUDIT_SEVERITIES, SuiteAudit
from eaas_assets.contracts.tables import build
from eaas_assets.suites.audit.against_facts import labels_against_facts
from eaas_assets.suites.audit.duplicates import duplicated_scenarios, nearly_duplicated_scenarios
from eaas_assets.suites.audit.findings import Finding, counted
from eaas_assets.suites.audit.labels import contradictory_labels, uninformative_labels
from eaas_assets.suites.audit.leaks import leaked_expected_values
from eaas_assets.suites.audit.producible import unknown_specialists, unproducible_labels
from eaas_assets.suites.audit.resolution import suite_resolution
from eaas_assets.suites.audit.rule_judgement import rule_book
from eaas_assets.suites.audit.table_against_order import table_and_classification
from eaas_assets.suites.audit.unreachable import unreachable_rules
from eaas_assets.suites.scenarios import SuiteReading


def audit_suite(reading: SuiteReading) -> list[Finding]:
    """Everything that is doubtful about one suite, the worst first."""
    findings = list(_findings(reading) if reading.usable else _unusable(reading))
    return sorted(findings, key=lambda finding: -AUDIT_SEVERITIES.index(finding.severity))


def suite_audit(readings: Iterable[SuiteReading], extra_findings: Iterable[Mapping[str, Any]] = ()) -> pd.DataFrame:
    """The findings about all suites as a table (contract SuiteAudit).

    Args:
        readings: Suites.
        extra_findings: Rows of the same contract from elsewhere, e.g. about the recorded history.
    """
    rows = [finding.as_row() for reading in readings for finding in audit_suite(reading)]
    return build(SuiteAudit, [*rows, *extra_findings])


def _findings(reading: SuiteReading) -> Iterator[Finding]:
    yield from contradictory_labels(reading)
    yield from duplicated_scenarios(reading)
    yield from leaked_expected_values(reading)
    yield from unknown_specialists(reading)
    if (book := rule_book(reading)) is not None:
        yield from unproducible_labels(reading, book)
        yield from unreachable_rules(reading, book)
        yield from labels_against_facts(reading, book)
        yield from table_and_classification(reading, book)
    yield from uninformative_labels(reading)
    yield from nearly_duplicated_scenarios(reading)
    yield suite_resolution(reading)


def _unusable(reading: SuiteReading) -> Iterator[Finding]:
    problems = [problem for file in reading.files for problem in file.problems]
    first = f" {problems[0]}" if problems else ""
    yield Finding(
        reading.name,
        "unusable_suite",
        "error",
        reading.name,
        f"Nothing of the suite can be evaluated: {counted(len(problems), 'problem')} in its files.{first}",
        "Mend the files; validation_results lists what was found in each.",
        [problem.as_row() for problem in problems],
    )
