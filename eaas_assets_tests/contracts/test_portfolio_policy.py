from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import policy_by_hand, policy_with


def test_the_shipped_policy_charges_more_for_more_risk_and_weaker_designs() -> None:
    risk = policy_by_hand().risk
    assert risk.charges["low"] < risk.charges["medium"] < risk.charges["high"]
    assert risk.doubts["randomised"] == risk.doubts["paired"] == 0.0
    assert risk.doubts["quasi_experiment"] < risk.doubts["before_after"]


@pytest.mark.parametrize(
    ("section", "values", "fault"),
    [
        ("risk", {"charges": {"low": 0.1, "medium": 0.2}}, "a charge for each of low, medium, high"),
        ("risk", {"doubts": {"randomised": 0.0}}, "a doubt for each of randomised"),
        ("risk", {"charges": {"low": 0.5, "medium": 0.2, "high": 0.6}}, "do not fall"),
        ("risk", {"worst_share": 0.0}, "greater than 0"),
        ("funding", {"budget_usd": -1.0}, "greater than or equal to 0"),
        ("funding", {"budget_usd": float("inf")}, "finite"),
        ("horizon", {"years": 0}, "greater than or equal to 1"),
        ("priors", {"effect_sd": 0.0}, "greater than 0"),
        ("priors", {"success_rate": 1.0}, "less than 1"),
        ("priors", {"surprise": 1}, "Extra inputs"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(section: str, values: dict[str, Any], fault: str) -> None:
    with pytest.raises(ValidationError, match=fault):
        policy_with(**{section: values})


def test_the_hash_follows_every_number() -> None:
    assert policy_with().digest == policy_by_hand().digest
    assert policy_with(velocity={"window_days": 30}).digest != policy_by_hand().digest


def test_a_dollar_a_year_is_worth_less_the_later_it_comes() -> None:
    horizon = policy_with(horizon={"years": 3, "discount_rate": 0.1}).horizon
    assert horizon.factor == pytest.approx(2.48685, abs=1e-5)  # the annuity factor of 3 years at 10 %
    assert policy_with(horizon={"years": 3, "discount_rate": 0.0}).horizon.factor == 3.0
