"""Synthetic control and synthetic difference-in-differences: exact weights, published effects, honest placebos."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from eaas_assets.errors import EstimateRefused
from eaas_assets.stats.panels.did import two_way_effect
from eaas_assets.stats.panels.synthetic_control import Method, placebo_dates, simplex_weights, synthetic_control

METHODS: list[Method] = ["synthetic_control", "synthetic_did", "equal_weights"]
Rows = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


def factor_panel(seed: int, effect: float = 0.0, units: int = 24, periods: int = 24, treated: int = 1) -> Rows:
    """Three random-walk factors with loadings per unit: parallel trends fail, a mix of units can still match."""
    rng = np.random.default_rng(seed)
    factors = np.cumsum(rng.standard_normal((3, periods)), axis=1)
    y = rng.standard_normal((units, 3)) @ factors + rng.standard_normal((units, periods))
    unit, time = np.repeat(np.arange(units), periods), np.tile(np.arange(periods), units)
    on = ((unit < treated) & (time >= 2 * periods // 3)).astype(int)
    return unit, time, y.ravel() + effect * on, on


@given(
    seed=st.integers(0, 10_000), rows=st.integers(2, 12), columns=st.integers(2, 12), ridge=st.sampled_from([0, 0.5])
)
def test_weights_are_a_simplex_optimum(seed: int, rows: int, columns: int, ridge: float) -> None:
    """Karush–Kuhn–Tucker: at the optimum no candidate's gradient is below the weighted mean of all gradients."""
    rng = np.random.default_rng(seed)
    donors, target = rng.standard_normal((rows, columns)), rng.standard_normal(rows)
    weights = simplex_weights(donors, target, ridge)
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1.0)
    gradient = donors.T @ (donors @ weights - target) + ridge * weights
    assert gradient.min() >= gradient @ weights - 1e-8


def test_weights_equal_a_general_solver() -> None:
    rng = np.random.default_rng(3)
    donors, target = rng.standard_normal((15, 8)), rng.standard_normal(15)
    reference = minimize(
        lambda w: float(((donors @ w - target) ** 2).sum()),
        np.full(8, 1 / 8),
        bounds=[(0, 1)] * 8,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        method="SLSQP",
        options={"ftol": 1e-14, "maxiter": 1000},
    )
    assert simplex_weights(donors, target) == pytest.approx(reference.x, abs=1e-5)


def test_a_donor_equal_to_the_target_gets_all_weight() -> None:
    donors = np.array([[1.0, 4.0, 2.0], [2.0, 1.0, 2.0]])
    assert simplex_weights(donors, np.array([4.0, 1.0])).tolist() == [0.0, 1.0, 0.0]


def test_a_known_mix_is_found() -> None:
    donors = np.random.default_rng(0).standard_normal((20, 6))
    mix = np.array([0.5, 0, 0.3, 0, 0.2, 0])
    assert simplex_weights(donors, donors @ mix) == pytest.approx(mix, abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_an_added_effect_is_added_to_the_estimate(method: Method) -> None:
    none, some = (synthetic_control(*factor_panel(4, effect=e), method=method) for e in (0.0, 2.5))
    assert some.estimate - none.estimate == pytest.approx(2.5, abs=1e-6)
    assert some.paths["weight"] == pytest.approx(none.paths["weight"], abs=1e-6)
    assert some.paths["gap"].size == some.n_periods == 24


def test_equal_weights_are_difference_in_differences() -> None:
    rows = factor_panel(5, effect=1.0)
    assert synthetic_control(*rows, method="equal_weights").estimate == pytest.approx(two_way_effect(*rows), rel=1e-9)


@settings(max_examples=10)
@given(level=st.floats(-50, 50), factor=st.floats(0.1, 10))
def test_units_of_the_outcome_do_not_matter(level: float, factor: float) -> None:
    unit, time, y, on = factor_panel(6, units=8, periods=9)
    for method in METHODS:
        base = synthetic_control(unit, time, y, on, method=method)
        moved = synthetic_control(unit, time, factor * y + level, on, method=method)
        assert moved.estimate == pytest.approx(factor * base.estimate, rel=1e-4, abs=1e-5)
        assert moved.p == base.p


def test_synthetic_did_ignores_unit_levels_and_synthetic_control_does_not() -> None:
    unit, time, y, on = factor_panel(7)
    moved = y + 30.0 * (unit == 0)
    first, second = (synthetic_control(unit, time, v, on, method="synthetic_did").estimate for v in (y, moved))
    assert second == pytest.approx(first, abs=1e-6)
    far = synthetic_control(unit, time, moved, on)
    assert far.diagnostics["pre_fit_rank"] == 24


def test_interval_and_p_value_agree() -> None:
    for seed in range(8):
        for method in METHODS:
            found = synthetic_control(*factor_panel(seed, effect=3.0), method=method)
            assert found.significant == (found.ci.low > 0 or found.ci.high < 0)


def test_too_few_donors_rank_but_give_no_interval() -> None:
    found = synthetic_control(*factor_panel(1, units=10))
    assert found.p >= 0.1
    assert math.isnan(found.ci.low)
    assert "9 placebos" in str(found.diagnostics["interval_reason"])
    assert not math.isnan(synthetic_control(*factor_panel(1, units=10), confidence=0.9).ci.low)


def test_several_treated_units_are_compared_with_sets_of_as_many() -> None:
    found = synthetic_control(*factor_panel(2, effect=8.0, units=14, treated=2))
    assert found.diagnostics["n_placebos"] == 66  # 12 choose 2
    assert found.p < 0.1


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        (factor_panel(0, periods=3), "no_pre_period"),
        (factor_panel(0, units=2), "too_few_donors"),
        (factor_panel(0, units=4, treated=4), "no_control"),
    ],
)
def test_designs_that_cannot_answer_are_refused(rows: Rows, code: str) -> None:
    with pytest.raises(EstimateRefused) as refused:
        synthetic_control(*rows)
    assert refused.value.code == code


def test_constant_outcomes_and_short_histories_are_refused() -> None:
    unit, time, y, on = factor_panel(0)
    with pytest.raises(EstimateRefused) as refused:
        synthetic_control(unit, time, np.ones_like(y) + on, on)
    assert refused.value.code == "no_variance"
    with pytest.raises(EstimateRefused) as refused:
        placebo_dates(*factor_panel(0, periods=9))
    assert refused.value.code == "no_pre_period"


def prop99(folder: Path) -> tuple[list[str], list[int], list[float], list[int]]:
    with (folder / "prop99" / "california_prop99.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    return (
        [r["State"] for r in rows],
        [int(r["Year"]) for r in rows],
        [float(r["PacksPerCapita"]) for r in rows],
        [int(r["treated"]) for r in rows],
    )


@pytest.mark.shared_data
@pytest.mark.parametrize(
    ("method", "published", "tolerance"),
    [("synthetic_control", -19.5, 0.15), ("synthetic_did", -15.6, 0.05), ("equal_weights", -27.349, 1e-3)],
)
def test_proposition_99(shared_data: Path, method: Method, published: float, tolerance: float) -> None:
    """Arkhangelsky et al. 2021, table 1 (−19.6, −15.6, −27.3); outcomes only, exact simplex optimum −19.51."""
    found = synthetic_control(*prop99(shared_data), method=method)
    assert found.estimate == pytest.approx(published, abs=tolerance)
    assert found.n_units == 39
    if method == "synthetic_control":
        assert found.estimate == pytest.approx(-19.51, abs=0.005)
        donors = dict(zip(found.paths["donor"].tolist(), found.paths["weight"].tolist(), strict=True))
        largest = sorted(donors, key=donors.__getitem__)[-4:]
        # The five donors of Abadie, Diamond & Hainmueller 2010, table 2, lead here too.
        assert set(largest) <= {"Colorado", "Connecticut", "Montana", "Nevada", "Utah"}


@pytest.mark.shared_data
@pytest.mark.parametrize("method", METHODS)
def test_no_effect_is_found_before_proposition_99(shared_data: Path, method: Method) -> None:
    """Nothing happened before 1989: the average effect at earlier dates must not be significant."""
    state, year, packs, treated = prop99(shared_data)
    assert placebo_dates(state, year, packs, treated, method=method).p > 0.05
    before = [i for i, y in enumerate(year) if y < 1989]
    for start in (1976, 1980, 1984):
        pseudo = [int(state[i] == "California" and year[i] >= start) for i in before]
        found = synthetic_control(
            [state[i] for i in before], [year[i] for i in before], [packs[i] for i in before], pseudo, method=method
        )
        assert not found.significant
        assert found.ci.low < 0 < found.ci.high


def operating(method: Method, repeats: int) -> tuple[float, float]:
    """Coverage of the interval, and rejections of the placebo in time."""
    hits = early = 0
    for seed in range(repeats):
        rows = factor_panel(seed, effect=1.5)
        found = synthetic_control(*rows, method=method)
        hits += found.ci.low <= 1.5 <= found.ci.high
        early += placebo_dates(*rows, method=method).p <= 0.05
    return hits / repeats, early / repeats


def test_placebo_intervals_cover() -> None:
    covered, early = operating("synthetic_control", 20)
    assert covered >= 0.8  # three standard errors below .95 at twenty repeats
    assert early <= 0.2


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("method", METHODS)
def test_placebo_intervals_cover_at_full_size(method: Method) -> None:
    covered, early = operating(method, 300)
    assert covered == pytest.approx(0.95, abs=0.04)
    assert early <= 0.08
