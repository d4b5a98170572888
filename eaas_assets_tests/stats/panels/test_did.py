"""Difference-in-differences: hand-computable cells, published cases, and errors that hold with few clusters."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.did import did_2x2, difference_in_differences, two_way_effect
from eaas_assets.stats.panels.effect import PanelEffect


def make_panel(
    treated: int, control: int, periods: int, seed: int, effect: float = 0.0, spread: float = 1.0
) -> tuple[np.ndarray, ...]:
    """Autocorrelated outcomes with unit levels, common shocks and a constant effect in the second half."""
    rng = np.random.default_rng(seed)
    n = treated + control
    noise = np.zeros((n, periods))
    noise[:, 0] = rng.standard_normal(n)
    for t in range(1, periods):
        noise[:, t] = 0.7 * noise[:, t - 1] + rng.standard_normal(n)
    noise[:treated] *= spread
    unit, time = np.repeat(np.arange(n), periods), np.tile(np.arange(periods), n)
    on = ((unit < treated) & (time >= periods // 2)).astype(float)
    y = noise + 3 * rng.standard_normal((n, 1)) + rng.standard_normal(periods)
    return unit, time, y.ravel() + effect * on, on


def code_of(call: object, *args: object, **kwargs: object) -> str:
    with pytest.raises(EstimateRefused) as refused:
        call(*args, **kwargs)  # type: ignore[operator]
    return refused.value.code


def test_four_cells_by_hand() -> None:
    # Means: control 10 → 12, treated 20 → 27: (27 − 20) − (12 − 10) = 5. Every row is ±1 from its cell's mean.
    y = [9, 11, 11, 13, 19, 21, 26, 28]
    group, post = [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 1, 1, 0, 0, 1, 1]
    found = did_2x2(group, post, y, errors="classical")
    assert found.estimate == pytest.approx(5.0)
    # Pooled variance 8 / 4 = 2, and four cells of two rows: 2 · 4 / 2 = 4.
    assert found.se == pytest.approx(2.0)
    assert found.counterfactual == pytest.approx(22.0)
    assert found.relative == pytest.approx(5 / 22)
    assert did_2x2(group, post, y).se == pytest.approx(2.0)  # equal cells: hc2 is the same


def test_cell_errors_are_welch_in_the_limit_of_a_certain_past() -> None:
    """With nearly constant first-period cells the 2×2 test is Welch's test of the second period."""
    from scipy import stats

    rng = np.random.default_rng(4)
    a, b = rng.normal(0, 1, 12), rng.normal(0.5, 3, 7)
    still = np.tile([-1e-7, 1e-7], 5)
    y = np.concatenate([still, still, a, b])
    group = np.repeat([0, 1, 0, 1], [10, 10, 12, 7])
    post = np.repeat([0, 0, 1, 1], [10, 10, 12, 7])
    found = did_2x2(group, post, y)
    assert found.p == pytest.approx(stats.ttest_ind(b, a, equal_var=False).pvalue, rel=1e-4)


def test_panel_estimate_equals_the_four_means() -> None:
    unit, time, y, on = make_panel(25, 25, 6, seed=1, effect=0.7)
    found = difference_in_differences(unit, time, y, on)
    matrix = y.reshape(50, 6)
    change = matrix[:, 3:].mean(axis=1) - matrix[:, :3].mean(axis=1)
    assert found.estimate == pytest.approx(change[:25].mean() - change[25:].mean(), rel=1e-9)
    assert found.n_clusters == found.n_units == 50
    assert "t(49)" in found.method
    assert found.paths["counterfactual"].size == 6
    gap = found.paths["treated"] - found.paths["counterfactual"]
    assert gap[3:].mean() == pytest.approx(found.estimate, rel=1e-9)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), shift=st.floats(-100, 100), factor=st.floats(0.1, 10))
def test_unit_levels_common_shocks_and_row_order_do_not_matter(seed: int, shift: float, factor: float) -> None:
    rng = np.random.default_rng(seed)
    unit, time, y, on = make_panel(20, 20, 4, seed=2)
    base = difference_in_differences(unit, time, y, on, errors="cr1")
    moved = factor * (y + shift * (unit % 7) + rng.normal(0, 10, 4)[time])
    order = rng.permutation(y.size)
    other = difference_in_differences(unit[order], time[order], moved[order], on[order], errors="cr1")
    assert other.estimate == pytest.approx(factor * base.estimate, rel=1e-6, abs=1e-9)
    assert other.se == pytest.approx(factor * base.se, rel=1e-6)
    assert other.p == pytest.approx(base.p, rel=1e-5)


def test_number_of_clusters_decides_the_errors() -> None:
    assert "CR1" in difference_in_differences(*make_panel(20, 20, 4, seed=1)).method
    assert "wild" in difference_in_differences(*make_panel(5, 9, 4, seed=1), draws=199).method
    assert "permutation" in difference_in_differences(*make_panel(2, 9, 4, seed=1)).method


def test_too_few_clusters_are_refused() -> None:
    one_of_ten = make_panel(1, 9, 4, seed=1)  # ten assignments cannot reach .05
    assert code_of(difference_in_differences, *one_of_ten) == "too_few_clusters"
    assert difference_in_differences(*one_of_ten, confidence=0.9).n_clusters == 10
    few = make_panel(2, 20, 4, seed=1)
    assert code_of(difference_in_differences, *few, errors="cr1") == "too_few_clusters"
    assert code_of(difference_in_differences, *few, errors="wild") == "too_few_clusters"
    # Eight regions of units, two of them treated: permuting the units would be wrong, the regions are too few.
    unit, time, y, on = make_panel(10, 30, 4, seed=1)
    assert code_of(difference_in_differences, unit, time, y, on, cluster=unit // 5) == "too_few_clusters"


def test_coarser_clusters_are_used() -> None:
    unit, time, y, on = make_panel(40, 40, 4, seed=1)
    rng = np.random.default_rng(0)
    region = unit // 2
    shock = rng.normal(0, 3, (40, 4))[region, time]
    by_unit = difference_in_differences(unit, time, y + shock, on)
    by_region = difference_in_differences(unit, time, y + shock, on, cluster=region)
    assert by_region.n_clusters == 40
    assert by_region.se > 1.15 * by_unit.se
    assert by_region.estimate == by_unit.estimate


def test_outcomes_without_noise_are_refused() -> None:
    unit, time, _, on = make_panel(20, 20, 4, seed=1)
    assert code_of(difference_in_differences, unit, time, unit + 2.0 * time + on, on) == "no_variance"
    assert code_of(did_2x2, [0, 0, 1, 1], [0, 1, 0, 1], [1, 2, 3, 5]) == "no_variance"


def test_missing_comparisons_are_refused() -> None:
    assert code_of(did_2x2, [1, 1], [0, 1], [1, 2]) == "no_control"
    assert code_of(did_2x2, [0, 0, 1], [0, 1, 1], [1, 2, 3]) == "no_pre_period"
    assert code_of(did_2x2, [0, 0, 1], [0, 1, 0], [1, 2, 3]) == "no_treated"
    unit, time, y, _ = make_panel(3, 9, 4, seed=1)
    staggered = ((unit < 3) & (time > unit)).astype(float)
    assert code_of(difference_in_differences, unit, time, y, staggered) == "staggered_adoption"


def test_diverging_trends_make_the_result_inconclusive() -> None:
    unit, time, y, on = make_panel(25, 25, 10, seed=3)
    parallel = difference_in_differences(unit, time, y, on)
    diverging = difference_in_differences(unit, time, y + 0.6 * time * (unit < 25), on)
    assert parallel.status == "estimated"
    assert diverging.status == "inconclusive"
    assert diverging.diagnostics["pretrend_p"] < 0.01
    assert "before the change" in diverging.reason


def test_permutation_interval_inverts_the_permutation_test() -> None:
    unit, time, y, on = make_panel(3, 9, 4, seed=8, effect=1.0)
    found = difference_in_differences(unit, time, y, on)
    assert "220 assignments" in found.method
    for edge, outward in ((found.ci.low, -1), (found.ci.high, 1)):
        outside = difference_in_differences(unit, time, y - (edge + outward * 1e-6) * on, on)
        inside = difference_in_differences(unit, time, y - (edge - outward * 1e-6) * on, on)
        assert outside.p <= 0.05 < inside.p


def test_permutation_p_value_is_a_rank() -> None:
    """One treated unit whose change is the second largest of 24: p = 2/24."""
    change = np.concatenate([[9.0], np.linspace(-3, 3, 22), [10.0]])
    unit, time = np.repeat(np.arange(24), 2), np.tile([0, 1], 24)
    y = np.column_stack([np.zeros(24), change]).ravel()
    found = difference_in_differences(unit, time, y, ((unit == 0) & (time == 1)).astype(float))
    assert found.p == pytest.approx(2 / 24)
    assert found.ci.low < 0 < found.ci.high


def test_equal_data_give_equal_answers_and_draws_can_be_chosen() -> None:
    rows = make_panel(6, 9, 4, seed=5, effect=0.5)
    first, second = (difference_in_differences(*rows, draws=199) for _ in range(2))
    assert (first.p, first.ci) == (second.p, second.ci)
    other = difference_in_differences(*rows, draws=199, rng=np.random.default_rng(1))
    assert other.estimate == first.estimate
    assert other.ci != first.ci


def read(path: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


@pytest.mark.shared_data
def test_incinerator_of_kiel_and_mcclain(shared_data: Path) -> None:
    """Wooldridge, Introductory Econometrics, example 13.3: −11,863.9 (7,456.65), not significant."""
    rows = read(shared_data / "kielmc" / "kielmc.csv")
    near, later, price = (np.array([float(r[k]) for r in rows]) for k in ("nearinc", "y81", "rprice"))
    found = did_2x2(near, later, price, errors="classical")
    assert found.estimate == pytest.approx(-11_863.9, abs=0.1)
    assert found.se == pytest.approx(7_456.65, abs=0.1)
    assert not found.significant
    assert not did_2x2(near, later, price).significant


def organ_donation(folder: Path) -> PanelEffect:
    rows = read(folder / "organ_donation" / "organ_donation.csv")
    state = np.array([r["State"] for r in rows])
    quarter = np.array([4 * int(r["Quarter"][2:]) + int(r["Quarter"][1]) for r in rows])
    rate = np.array([float(r["Rate"]) for r in rows])
    return difference_in_differences(state, quarter, rate, (state == "California") & (quarter >= 4 * 2011 + 3))


@pytest.mark.shared_data
def test_organ_donation_in_california(shared_data: Path) -> None:
    """Kessler & Roth 2014 as in Huntington-Klein, The Effect, section 18.2.1: −.02246.

    One treated state: the clustered error printed there (.006) is not to be trusted, the permutation is.
    """
    found = organ_donation(shared_data)
    assert found.estimate == pytest.approx(-0.02246, abs=1e-5)
    assert "permutation" in found.method
    assert found.p > 0.05


@pytest.mark.shared_data
def test_proposition_99_by_difference_in_differences(shared_data: Path) -> None:
    """Arkhangelsky et al. 2021, table 1: −27.349 (published as −27.3)."""
    rows = read(shared_data / "prop99" / "california_prop99.csv", ";")
    state, year, packs, treated = ([r[k] for r in rows] for k in ("State", "Year", "PacksPerCapita", "treated"))
    found = difference_in_differences(
        state, [int(y) for y in year], [float(p) for p in packs], [int(t) for t in treated]
    )
    assert found.estimate == pytest.approx(-27.349, abs=1e-3)
    assert found.n_clusters == 39


def test_two_way_effect_takes_any_treatment_pattern() -> None:
    unit, time, y, on = make_panel(4, 6, 4, seed=2, effect=1.0)
    assert two_way_effect(unit, time, y, on) == pytest.approx(difference_in_differences(unit, time, y, on).estimate)
    assert math.isfinite(two_way_effect(unit[:-3], time[:-3], y[:-3], on[:-3]))


@pytest.mark.parametrize(("treated", "control", "repeats"), [(3, 12, 150), (5, 8, 60), (20, 20, 120)])
def test_intervals_cover(treated: int, control: int, repeats: int) -> None:
    """Autocorrelated panels: coverage of 95 % within Monte-Carlo error (three standard errors of the count)."""
    hits = 0
    for seed in range(repeats):
        found = difference_in_differences(*make_panel(treated, control, 6, seed, effect=0.5), draws=199)
        hits += found.ci.low <= 0.5 <= found.ci.high
    assert hits / repeats == pytest.approx(0.95, abs=3 * math.sqrt(0.95 * 0.05 / repeats))


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize(("treated", "control", "spread"), [(1, 25, 1), (3, 15, 1), (5, 8, 1), (8, 24, 2), (25, 25, 2)])
def test_intervals_cover_at_full_size(treated: int, control: int, spread: float) -> None:
    repeats, hits, leads = 600, 0, 0
    for seed in range(repeats):
        found = difference_in_differences(*make_panel(treated, control, 8, seed, 0.5, spread), draws=399)
        hits += found.ci.low <= 0.5 <= found.ci.high
        leads += found.diagnostics["pretrend_p"] <= 0.05
    assert hits / repeats == pytest.approx(0.95, abs=0.027)
    assert leads / repeats <= 0.07
