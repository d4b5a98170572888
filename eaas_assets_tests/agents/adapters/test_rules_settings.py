from __future__ import annotations

import pytest
from pydantic import ValidationError

from eaas_assets.agents.adapters.rules.settings import RulesSettings
from eaas_assets_tests.agents.adapters.rule_settings import settings

RULE = settings()["classification"][0]
WHEN = RULE["when"]
CASE = {"answer": {"size": "large"}}
INCOHERENT = {
    "rule without its case": {"classification": [RULE | {"case": "huge"}]},
    "otherwise without its case": {"otherwise": {"case": "huge"}},
    "unknown specialist": {"cases": {"large": CASE | {"path": ["nobody"]}, "small": CASE}},
    "two rules of one name": {"classification": [RULE, RULE]},
    "two facts of one name": {"facts": [{"fact": "a", "rules": [{"when": WHEN, "value": 1}]}] * 2},
    "mixed table": {"lookups": {"x": {"of": "a", "table": {"p": 1, "q": "high"}}}},
    "path written twice": {"path_field": "size"},
    "rule written by a refinement": {
        "rule_field": "why",
        "refinements": [{"name": "r", "when": WHEN, "set": {"why": 1}}],
    },
    "rule without conditions": {"classification": [RULE | {"when": []}]},
    "variation above the base": {"latency": {"base_s": 0.1, "variation_s": 0.2}},
    "confidence above 1": {"confidence": 1.5},
    "fact with an odd name": {"missing_values": {"a b": 1}},
}


@pytest.mark.parametrize("changes", INCOHERENT.values(), ids=INCOHERENT.keys())
def test_settings_that_do_not_fit_together_are_refused(changes):
    with pytest.raises(ValidationError):
        RulesSettings.model_validate(settings(**changes))


def test_the_minimal_settings_are_enough():
    assert RulesSettings.model_validate(settings()).confidence == 1.0
