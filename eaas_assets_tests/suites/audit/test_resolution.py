"""What a suite of a given size can show."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from eaas_assets.suites.audit.resolution import resolution, scenarios_for, suite_resolution
from eaas_assets_tests.suites.audit.readings import reading_of


def _power(n: int, drop: float) -> float:
    """Definition: the exact one-sided binomial test of a rate of 0.9 at 0.05, when the rate is lower by ``drop``."""
    alarm = int(np.sum(stats.binom.cdf(np.arange(n), n, 0.9) <= 0.05)) - 1
    return float(stats.binom.cdf(alarm, n, 0.9 - drop))


def test_stated_drop_is_detected_with_eighty_percent_power() -> None:
    row = suite_resolution(reading_of([{"message": f"m{i}", "label": i} for i in range(24)])).evidence[0]
    drop = row["smallest_drop_below_reference"]
    assert _power(24, drop) == pytest.approx(0.8, abs=1e-6)
    assert row["one_scenario"] == pytest.approx(1 / 24)


def test_every_suite_from_the_stated_size_on_detects_five_points() -> None:
    n = scenarios_for(0.05)
    assert _power(n, 0.05) >= 0.8
    assert _power(n - 1, 0.05) < 0.8
    assert min(_power(size, 0.05) for size in range(n, n + 200)) >= 0.8


def test_suite_of_one_scenario_detects_nothing_and_says_why() -> None:
    finding = suite_resolution(reading_of([{"message": "m", "label": "x"}]))
    row = finding.evidence[0]
    assert row["smallest_drop_between_two_runs"] is None
    assert row["undetectable_because"]
    assert "no drop" in finding.statement
    assert row["one_scenario"] == resolution(1) == 1
