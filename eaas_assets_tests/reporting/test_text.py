import math

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.reporting import text
from eaas_assets_tests.reporting.hostile import PAYLOADS, has_invisible


def test_a_rate_carries_its_count_and_interval():
    # Wilson 95 % interval of 7 of 10: [0.397, 0.892].
    assert text.rate(7, 10, 0.7, 0.3968, 0.8922) == "7 of 10 (70 %, 95 % CI 40–89 %)"


def test_a_rate_without_counts_says_that_they_were_not_recorded():
    assert text.rate(None, None, 0.88) == "88 % (count not recorded)"
    assert text.rate(pd.NA, pd.NA, 0.785) == "78.5 % (count not recorded)"


def test_a_rate_without_interval_claims_none():
    assert text.rate(1, 4, 0.25, math.nan, math.nan) == "1 of 4 (25 %)"


@pytest.mark.parametrize("null", [None, math.nan, math.inf, -math.inf, pd.NA, pd.NaT])
def test_a_null_is_a_dash_with_its_reason(null):
    assert text.rate(0, 0, null, reason="never called") == "– (never called)"
    for formatter in (text.score, text.number, text.milliseconds, text.seconds, text.points, text.moment, text.p_value):
        assert formatter(null).startswith("– (")
    assert text.metric_value("pass_rate", null) == "– (not known)"


@pytest.mark.parametrize(
    ("share", "total", "expected"),
    [
        (0.7, 10, "70 %"), (0.999, 1000, "99.9 %"), (9999 / 10000, 10000, "99.99 %"), (1 / 100000, 100000, "0.001 %"),
        (0.0, 5000, "0.0 %"), (1.0, 5000, "100.0 %"), (0.125, 8, "13 %"), (0.285, 200, "28.5 %"), (2 / 3, 3, "67 %"),
    ],
)  # fmt: skip
def test_percentages_are_as_fine_as_their_denominator(share, total, expected):
    assert text.percent(share, total) == expected


@given(st.integers(1, 9999))
def test_no_share_is_rounded_to_nothing_or_to_all(count):
    assert text.percent(count / 10_000, 10_000) not in {"0 %", "0.0 %", "100 %", "100.0 %"}


@pytest.mark.parametrize(
    ("change", "expected"),
    [(-0.2, "−20 points"), (0.01, "+1 point"), (-0.01, "−1 point"), (0.0, "0 points"), (0.125, "+12.5 points"),
     (0.35 - 0.25, "+10 points"), (-0.0, "0 points")],
)  # fmt: skip
def test_differences_of_rates_are_points_with_a_sign(change, expected):
    assert text.points(change) == expected


def test_an_interval_of_points_names_the_unit_once():
    assert text.points_interval(-0.51, 0.09) == "−51 to +9 points"


@pytest.mark.parametrize(
    ("duration", "expected"),
    [(0.0, "0 ms"), (0.0004, "less than 1 ms"), (0.84, "840 ms"), (1.44, "1.4 s"), (125.2, "2 min 5 s")],
)
def test_durations_are_in_the_unit_that_suits_them(duration, expected):
    assert text.seconds(duration) == expected


@pytest.mark.parametrize(
    ("metric", "value", "change", "expected"),
    [("pass_rate", 0.9, -0.2, ("90 %", "−20 points")), ("outcome_accuracy", 0.5, 0.1, ("50 %", "+10 points")),
     ("p95_response_time_ms", 1350.0, 200.0, ("1,350 ms", "+200 ms")),
     ("average_score", 0.602, -0.05, ("0.602", "−0.050")), ("high_risk_failures", 3.0, 1.0, ("3", "+1")),
     ("total_cost_usd", 1234.5, 0.0, ("USD 1,234.50", "USD 0.00"))],
)  # fmt: skip
def test_metrics_are_written_in_their_unit(metric, value, change, expected):
    assert (text.metric_value(metric, value), text.metric_change(metric, change)) == expected


def test_long_lists_say_how_many_are_left_out():
    assert text.listed([f"S{place}" for place in range(1000)], 3) == "S0, S1, S2 and 997 more"


def test_long_texts_say_how_much_is_left_out():
    assert text.inline("x" * 1_000_000, 10) == "xxxxxxxxxx … (999,990 more characters)"


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_nothing_invisible_stays_invisible(payload):
    assert not has_invisible(text.inline(payload, 10**7))
    assert "\n" not in text.inline(payload, 10**7)


def test_invisible_characters_are_written_out():
    assert text.visible("a\x1b[31m\u202eb\x9bc\x00") == "a␛[31m⟨U+202E⟩b⟨U+009B⟩c␀"
    assert text.visible("\ud800").encode() == "⟨U+D800⟩".encode()


def test_joiners_stay_where_scripts_and_emoji_need_them():
    family, persian = "👩\u200d👩\u200d👧", "می\u200cخواهم"
    assert text.visible(family) == family
    assert text.visible(persian) == persian
    assert text.visible("ref\u200dund") == "ref⟨U+200D⟩und"


# Cn: the block of tags is written out as a whole, also the code points in it that nobody has assigned yet.
@given(st.text(st.characters(exclude_categories=["Cc", "Cf", "Cn", "Cs", "Zl", "Zp"], exclude_characters="ᅟᅠㅤﾠ")))
def test_ordinary_text_is_left_alone(ordinary):
    assert text.visible(ordinary) == ordinary


@pytest.mark.parametrize(
    ("json_text", "expected"),
    [('"refund"', "refund"), ('["a","b"]', "a, b"), ("5", "5"), ("null", "null"), ('""', '""'), ("[]", "[]"),
     ('{"a":1}', '{"a": 1}'), ('[1,"b"]', '[1, "b"]')],
)  # fmt: skip
def test_json_values_are_written_as_people_would(json_text, expected):
    assert text.json_shown(json_text) == expected


@pytest.mark.parametrize(
    ("share", "told"), [(0.9999, "99.99 %"), (0.996, "99.6 %"), (0.0001, "0.01 %"), (1.0, "100 %")]
)
def test_no_share_of_a_small_total_is_rounded_to_all_or_nothing(share, told):
    assert text.percent(share, 100) == told
