import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.reporting.narrative.checking import LIMIT, fault, plain
from eaas_assets.reporting.narrative.facts import Facts
from eaas_assets_tests.reporting.hostile import PAYLOADS

FACTS = Facts(
    "E105: Shorter replies",
    "pivot",
    (
        "The average rose by 8.0 points but 1 of 2 segments is harmed.",
        "reply_rate rose by 8.0 points: 135 of 520 against 90 of 500 (95 % CI +2.9 to +13.0).",
        "plan = enterprise is harmed: −15 points of 80 units, although the average won.",
    ),
)
PORTFOLIO = Facts(
    "Portfolio of experiments",
    "",
    (
        "16 experiments: 5 to scale, 2 to pause and 1 to retire.",
        "It is worth USD 120,000 a year (USD −4,000 to 260,000).",
    ),
)
GOOD = (
    "We recommend to pivot. reply_rate increased by 8.0 points: 135 of 520 answered against 90 of 500 "
    "(95 % CI +2.9 to +13.0). The enterprise plan was harmed, by −15 points of 80 units."
)


@pytest.mark.parametrize(
    "text",
    [GOOD, "Pivot.", "E105 should pivot: the average rose by 8 points, but 1 of 2 segments is harmed.",
     "Please pivot; a segment is harmed."],
)  # fmt: skip
def test_a_faithful_text_may_be_shown(text):
    assert fault(plain(text), FACTS) == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("Pivot. It rose by 9.0 points.", "no single fact"),
        ("Pivot. reply_rate rose by 8.0 %: 135 of 520 against 90 of 500 (95 % CI +2.9 to +13.0).", "no single fact"),
        ("Pivot. reply_rate rose by 8.0 points.", "no single fact"),
        ("Pivot. reply_rate rose by 8.0 points: 135 against 90 (95 % CI +2.9 to +13.0).", "no single fact"),
        ("Pivot. reply_rate rose by 8.0 points: 135 of 520 against 90 of 500.", "no single fact"),
        ("Pivot. reply_rate rose by 8.0 points: 90 of 500 against 135 of 520 (95 % CI +2.9 to +13.0).", "no single"),
        ("Pivot. reply_rate rose by 8.0 points: 135 of 500 against 90 of 520 (95 % CI +2.9 to +13.0).", "no single"),
        ("Pivot. The plan was harmed, by 15 points of 80 units.", "no single fact"),
        ("Pivot. reply_rate fell by 8.0 points: 135 of 520 against 90 of 500 (95 % CI +2.9 to +13.0).", "no single"),
        ("Pivot. reply_rate is better by 8.0 points: 135 of 520 against 90 of 500 (95 % CI +2.9 to +13.0).", "no sing"),
        ("Pivot. The average did not rise by 8.0 points but 1 of 2 segments is harmed.", "no single fact"),
        ("Pivot. The result is proven.", "no single fact"),
        ("Pivot, as approved by legal.", "no single fact"),
        ("Pivot. Two segments are harmed.", "in letters: two"),
        ("Pivot. Replies doubled.", "in letters: doubled"),
        ("Pivot. Half of them are harmed.", "in letters: half"),
        ("Pivot. Most segments are harmed.", "in letters: most"),
        ("Pivot. A tenfold effect.", "in letters: tenfold"),
        ("Scale it.", "another decision: scale"),
        ("Pivot or scale.", "another decision: scale"),
        ("Pivot. Ship it today.", "another decision: scale"),
        ("Pivot, then roll it out.", "another decision: scale"),
        ("Pivot. Do not start.", "another decision: do not start"),
        ("Pivot: stop.", "another decision: retire"),
        ("Do not pivot.", "no single fact"),
        ("We advise against a pivot.", "denies the decision"),
        ("Don't pivot.", "no single fact"),
        ("A segment is harmed.", "leaves the decision out"),
        ("", "empty"),
        ("Pivot. " * 300, "longer than"),
        ("Pivot. See https://evil.example.", "address"),
        ("Pivot. See evil.example", "address"),
        ("Pivot. Ask ceo@evil.example.", "address"),
        ("Pivot. See [this](javascript:x).", "markup"),
        ("**Pivot** now.", "markup"),
        ("# Pivot", "markup"),
        ("`Pivot`", "markup"),
        ("Pivot. &lt;script&gt;", "markup"),
        ("Pivot. sc\u00adale", "invisible"),
        ("Pivot. \u202escale", "invisible"),
        ("Pivot. \u0455cale it", "character that the facts have not: U+0455"),
        ("Pivot. ½ of them", "character that the facts have not: U+00BD"),
        ("Pivot. \uff18 points", "U+FF18"),
        ("Pivot. \u0668 points", "U+0668"),
        ("Pivot. \u2167 points", "U+2167"),
        ("Pivot. conversion_rate matters.", "name that the facts have not: conversion_rate"),
        ("Pivot. E106 is alike.", "no single fact"),
        ("Pivot. It takes 1e9 points.", "no single fact"),
        ("Pivot. It takes 8.0-13.0 points.", "no single fact"),
        ("Pivot. 1 of 2 segments is harmed and the average rose by 8.0 points.", "no single fact"),
    ],
)  # fmt: skip
def test_a_text_that_adds_turns_or_leaves_out_is_refused(text, why):
    assert why in fault(plain(text), FACTS)


def test_a_number_in_letters_is_let_through_only_in_the_fact_that_has_it():
    facts = Facts("E1", "scale", ("Both arms were asked.", "The rate rose by 8.0 points."))
    assert fault("Scale. Both arms were asked.", facts) == ""
    assert "no single fact" in fault("Scale. Both rates rose by 8.0 points.", facts)
    assert "in letters: most" in fault("Scale. Most arms were asked.", facts)


def test_a_true_decision_that_is_denied_is_refused_even_where_a_fact_has_a_negation():
    facts = Facts("E1", "pivot", ("It does not work for enterprise.",))
    assert fault("It does not work for enterprise, so pivot.", facts) == "it denies the decision"
    assert fault("Pivot. It does not work for enterprise.", facts) == ""


@pytest.mark.parametrize(
    ("decision", "good", "bad"),
    [("do_not_start", "The proposal should not be started.", "Start the proposal."),
     ("start", "Start the proposal.", "Do not start the proposal."),
     ("fix_design", "Fix the design.", "Start, and fix the design."),
     ("continue", "Continue.", "Pause."), ("pause", "Pause it.", "Continue."), ("retire", "Retire it.", "Scale it."),
     ("scale", "Scale it.", "Never scale it.")],
)  # fmt: skip
def test_each_decision_is_known_by_its_own_words_only(decision, good, bad):
    facts = Facts("E1", decision, ("The design is as it is.",))
    assert fault(good, facts) == ""
    assert fault(bad, facts) != ""


def test_a_portfolio_has_no_decision_but_its_counts_keep_their_words():
    assert fault("Of 16 experiments, 5 are to scale, 2 to pause and 1 to retire.", PORTFOLIO) == ""
    assert "no single fact" in fault("Of 16 experiments, 5 are to retire, 2 to pause and 1 to scale.", PORTFOLIO)
    assert fault("It brings USD 120,000 a year (USD −4,000 to 260,000).", PORTFOLIO) == ""
    assert "no single fact" in fault("It brings USD 120,000 a year.", PORTFOLIO)
    assert "no single fact" in fault("Scale everything that is left.", PORTFOLIO)


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_texts_are_refused_or_harmless(payload):
    text = plain(f"Pivot. {payload[:100_000]}")
    assert fault(text, FACTS) or text in {"Pivot.", "Pivot. owned"}


@pytest.mark.parametrize(
    ("html", "text"),
    [("<b>Pivot</b> it", "Pivot it"), ("Pivot<script>alert(1)</script>", "Pivot"),
     ("<img src=x onerror=alert(1)>Pivot", "Pivot"), ("<a href='javascript:x'>Pivot</a>", "Pivot"),
     ("<!-- scale -->Pivot\n\n it", "Pivot it")],
)  # fmt: skip
def test_html_is_taken_out(html, text):
    assert plain(html) == text


@given(st.integers(0, 10**6), st.sampled_from(["", " %", " points", " units"]))
def test_no_number_is_let_through_that_no_fact_has(number, unit):
    assert fault(f"Pivot. It is {number}{unit}.", FACTS) != ""


@given(st.text(max_size=60))
def test_whatever_is_let_through_is_short_plain_and_names_the_decision(tail):
    text = plain(f"Pivot. {tail}")
    if not fault(text, FACTS):
        assert len(text) <= LIMIT
        assert not set("<>[]`*|") & set(text)
