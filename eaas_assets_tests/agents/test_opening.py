from __future__ import annotations

import pytest

from eaas_assets.agents.adapters.rules.agent import RulesAgent
from eaas_assets.agents.opening import ADAPTERS, open_agent
from eaas_assets.contracts.agent import AgentVersion
from eaas_assets.errors import InputError
from eaas_assets_tests.agents.adapters.rule_settings import agent_document, settings


def version(**changes) -> AgentVersion:
    return AgentVersion.model_validate(agent_document(**changes))


def test_the_adapter_of_a_version_is_opened():
    assert isinstance(open_agent(version()), RulesAgent)


def test_an_unknown_adapter_is_named_with_the_known_ones():
    with pytest.raises(InputError) as caught:
        open_agent(version(adapter="magic"))
    (problem,) = caught.value.problems
    assert (problem.file, problem.field, problem.code) == ("agents/sizer/v1.0.yaml", "adapter", "unknown_adapter")
    assert all(name in problem.expected for name in ADAPTERS)


def test_bad_settings_are_told_field_by_field():
    bad = settings(latency={"base_s": -1}, colour="red")
    with pytest.raises(InputError) as caught:
        open_agent(version(settings=bad))
    fields = {problem.field for problem in caught.value.problems}
    assert fields == {"settings.latency.base_s", "settings.colour"}
