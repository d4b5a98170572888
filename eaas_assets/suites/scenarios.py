"""What came of reading a suite: its scenarios, its facts, its catalogue, and what was wrong with its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from eaas_assets.contracts.readings import FileReading
from eaas_assets.contracts.suite import Suite
from eaas_assets.suites.catalogue import Specialist
from eaas_assets.suites.decision_rules import DecisionRulesDocument


@dataclass(frozen=True, slots=True)
class Scenario:
    """One question of a suite and what is expected of its answer.

    Attributes:
        row: 1-based record, or line of text, in the scenario file.
        message: What the agent is told; empty where the suite declares no message.
        risk: low, medium or high; None where unknown.
        severity: 1 is the worst; None where unknown.
        segments: Segment → value as text; None where unknown.
        context: Facts that the agent may see: ``<table>.<column>``, and the declared inputs by their names. Scenarios
            that join the same rows may share one mapping: do not change it.
        expected: Expected value of each field; the agent never sees it.
        inputs_digest: Hash of what the agent sees: scenario id, message and context.
    """

    suite: str
    scenario_id: str
    row: int
    message: str
    risk: str | None
    severity: int | None
    segments: dict[str, str | None]
    context: dict[str, Any]
    expected: dict[str, Any]
    inputs_digest: str


@dataclass
class SuiteReading:
    """A suite as far as it could be read.

    Attributes:
        name: Name of the suite's folder.
        suite: Its declaration; None if that is not usable, and then there is nothing else either.
        scenarios: The usable scenarios, in file order.
        context: Rows of every declared context table that could be read; rows with faults are left out.
        specialists: The catalogue's specialists by name.
        decision_rules: The catalogue's rules; None where there are none or they are not usable.
        files: Every file that was looked at, with its problems.
    """

    name: str
    suite: Suite | None = None
    scenarios: list[Scenario] = field(default_factory=list)
    context: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    specialists: dict[str, Specialist] = field(default_factory=dict)
    decision_rules: DecisionRulesDocument | None = None
    files: list[FileReading] = field(default_factory=list)

    @property
    def usable(self) -> bool:
        """Whether there is anything to evaluate."""
        return self.suite is not None and bool(self.scenarios)

    def resolve_specialist(self, name_or_id: str) -> Specialist | None:
        """The specialist of that name (``refund_agent``) or identifier (``refund_agent_v1``); None if unknown."""
        if (named := self.specialists.get(name_or_id)) is not None:
            return named
        return next((item for item in self.specialists.values() if item.agent_id == name_or_id), None)
