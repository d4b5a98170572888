import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.reporting import quantities

AMOUNTS = st.floats(-1e9, 1e9, allow_nan=False)


@pytest.mark.parametrize(
    ("shown", "told"),
    [
        (quantities.change(0.0796, "proportion", None), "+8.0 points"),
        (quantities.change(0.03, "proportion", None), "+3 points"),
        (quantities.change(0.0003, "proportion", None), "+0.030 points"),
        (quantities.change(-12.345, "mean", "min"), "−12.3 min"),
        (quantities.change(None, "mean", "min"), "– (refused)"),
        (quantities.change(0.0, "mean", None), "0"),
        (quantities.change_interval(0.0291, 0.1302, "proportion", None), "+2.9 to +13.0 points"),
        (quantities.change_interval(math.nan, 1, "mean", None), "– (no interval)"),
        (quantities.measure(0.26, "proportion", None, 520), "26.0 %"),
        (quantities.measure(12.0, "mean", "min"), "12 min"),
        (quantities.relative(0.125), "+12.5 %"),
        (quantities.relative_interval(-0.02, 0.12), "−2 to +12 %"),
        (quantities.usd(12345.6), "USD 12,346"),
        (quantities.usd(12.3), "USD 12.30"),
        (quantities.usd(-0.5), "USD −0.50"),
        (quantities.usd(None, "no money was declared"), "– (no money was declared)"),
        (quantities.usd_interval(-3000, 15000), "USD −3,000 to 15,000"),
        (quantities.probability(0.0001), "0.01 %"),
        (quantities.probability(0.9999), "99.99 %"),
        (quantities.probability(1e-9), "< 0.01 %"),
        (quantities.probability(1 - 1e-9), "> 99.99 %"),
        (quantities.probability(0.0), "0 %"),
        (quantities.short(6.5685), "6.57"),
        (quantities.short(-1234.5), "−1,230"),
        (quantities.short_usd(2.5e6), "2.5 m"),
        (quantities.short_usd(-20_000), "−20 k"),
        (quantities.figure(21.0, "days"), "21 days"),
        (quantities.figure(None, "usd", "no cost is known"), "– (no cost is known)"),
        (quantities.figure(3.21, "nats"), "3.21 nats"),
        (quantities.figure_interval(0.1, 0.25, "share"), "10–25 %"),
        (quantities.figure_interval(None, 1.0, "usd"), ""),
    ],
)
def test_quantities_are_told_in_their_units(shown, told):
    assert shown == told


@given(AMOUNTS.filter(lambda value: abs(value) >= 1e-6), st.sampled_from(["proportion", "mean"]))
def test_no_effect_is_rounded_to_nought_and_every_sign_is_kept(value, kind):
    shown = quantities.change(value, kind, None)
    assert shown[0] == ("+" if value > 0 else "−")
    assert any(character in "123456789" for character in shown)


@given(AMOUNTS, AMOUNTS)
def test_both_ends_of_an_interval_have_the_same_unit_and_order(one, other):
    low, high = sorted((one, other))
    shown = quantities.usd_interval(low, high)
    assert shown.startswith("USD ")
    assert shown.count(" to ") == 1


@pytest.mark.parametrize("size", [1e16, 2.681e32, 1e90, 1e290])
def test_values_of_any_size_are_told(size):
    told = quantities.measure(-size, "mean", "USD")
    assert told.startswith("−")
    assert f"{size:.2e}" in told
    assert quantities.change_interval(-size, size, "mean", None).count("e+") == 2
    assert "e+" in quantities.usd(size)
    assert "e+" in quantities.relative(size)
