"""The smallest settings of a rules agent, to be changed by tests."""

from __future__ import annotations

import copy
from typing import Any

from eaas_assets.agents.adapters.rules.agent import RulesAgent
from eaas_assets.agents.adapters.rules.settings import RulesSettings
from eaas_assets.contracts.agent import AgentRequest

MINIMAL: dict[str, Any] = {
    "classification": [
        {"name": "big", "when": [{"field": "orders.total", "operator": "at_least", "value": 100}], "case": "large"}
    ],
    "otherwise": {"case": "small"},
    "cases": {"large": {"answer": {"size": "large"}}, "small": {"answer": {"size": "small"}}},
    "latency": {"base_s": 0.5},
}


def settings(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(MINIMAL) | changes


def rules_agent(**changes: Any) -> RulesAgent:
    return RulesAgent(RulesSettings.model_validate(settings(**changes)))


def request(message: str = "", seed: int = 1, **context: Any) -> AgentRequest:
    """A request; facts are given with ``__`` for the dot."""
    facts = {name.replace("__", "."): value for name, value in context.items()}
    return AgentRequest(scenario_id="S1", message=message, context=facts, seed=seed)


def agent_document(**changes: Any) -> dict[str, Any]:
    """An agent version with minimal settings."""
    fields = {"agent": "sizer", "version": "v1.0", "suite": "sizes", "adapter": "rules", "settings": settings()}
    return fields | changes
