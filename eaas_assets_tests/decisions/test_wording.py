"""Facts in sentences: numbers with their units, rounded for people, never more exact than they are."""

from __future__ import annotations

from typing import Any

import pytest

from eaas_assets.contracts.facts import FACTS, Fact
from eaas_assets.decisions.wording import (
    fact_text,
    filled,
    name_text,
    number,
    percent,
    points_text,
    probability,
    usd,
)
from eaas_assets_tests.decisions.facts_by_hand import RELEASE, WIN


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("primary.benefit", 0.07961538461538464, "0.07962"),
        ("primary.benefit", -0.0713, "−0.0713"),
        ("primary.benefit", 0.0, "0"),
        ("primary.benefit", 1234567.8, "1,234,568"),
        ("sample.observed", 1020, "1,020"),
        ("sample.fraction", 0.6666666666666666, "66.7 %"),
        ("release.pass_rate", 0.4, "40 %"),
        ("primary.p", 0.002183619368921632, "0.00218"),
        ("primary.p", 3e-10, "below 0.0001"),
        ("value.p_loss", 0.0385, "0.0385"),
        ("value.net_usd", 182076.92, "182,077 USD"),
        ("value.net_usd", -12.345, "−12.35 USD"),
        ("cost.to_date_usd", 0.0, "0.00 USD"),
        ("subject.usable", True, "yes"),
        ("subject.usable", False, "no"),
        ("design.strength", "quasi_experiment", "quasi experiment"),
        ("primary.benefit", None, "not known"),
        ("subject.domain", "x" * 500, "x" * 80),
    ],
)
def test_each_fact_is_told_with_its_unit(name: str, value: Any, text: str) -> None:
    assert fact_text(name, value) == text


def test_a_sentence_is_filled_from_the_facts_alone() -> None:
    assert (
        filled("Gain {primary.benefit} of {sample.observed}; {release.lost}.", WIN)
        == "Gain +8 points of 1,020; not known."
    )
    assert filled("{subject.domain}", {"subject.domain": "{primary.p}"}) == "{primary.p}"  # never filled twice


def test_rates_of_releases_differ_by_points() -> None:
    assert filled("{primary.benefit} ({primary.benefit_low})", RELEASE) == "+20 points (+10 points)"
    assert points_text(0.01) == "+1 point"
    assert points_text(-0.133) == "−13.3 points"
    assert points_text(0.0) == "0 points"


def test_effects_are_told_in_points_or_in_their_metrics_unit() -> None:
    sentence = "{primary.benefit} ({primary.benefit_low} to {primary.benefit_high}), at least {primary.minimum_effect}"
    assert filled(sentence, WIN) == "+8 points (+3 to +13 points), at least 5 points"
    minutes = WIN | {"primary.kind": "mean", "primary.unit": "min", "primary.benefit": 5.0581}
    assert filled(sentence, minutes) == "+5.058 min (+0.03 to +0.13 min), at least 0.05 min"
    assert filled(sentence, minutes | {"primary.unit": "none"}) == "+5.058 (+0.03 to +0.13), at least 0.05"
    assert filled("{primary.benefit}", minutes | {"primary.unit": "x" * 200}) == f"+5.058 {'x' * 24}"
    points = minutes | {"primary.unit": "points"}
    assert filled("{primary.benefit}", points) == "+5.058 points", "points of a scale are no shares"
    assert filled("{primary.benefit}", minutes | {"primary.benefit": None}) == "not known"


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact.name)
def test_every_fact_has_a_name_in_words(fact: Fact) -> None:
    assert name_text(fact.name).split(" ")[0] in {"the", "an", "whether"}
    assert not set("._") & set(name_text(fact.name))


def test_halves_are_rounded_away_from_zero_as_people_do() -> None:
    assert (usd(2.675), percent(0.0005), number(0.00012345), probability(0.05)) == (
        "2.68 USD",
        "0.05 %",
        "0.0001235",
        "0.05",
    )


@pytest.mark.parametrize(
    ("value", "told"),
    [(2.681e32, "2.681e+32"), (-1e290, "−1.000e+290"), (4e-160, "4.000e−160"), (1e14, "100,000,000,000,000")],
)
def test_numbers_of_any_size_are_told(value: float, told: str) -> None:
    assert number(value) == told
    assert usd(value).endswith(" USD")
