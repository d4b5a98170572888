from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.contracts.decisions import LearningSummaries
from eaas_assets.contracts.tables import build
from eaas_assets.decisions.portfolio.rates import luck_share, success_rate, true_improvement_share, win_shares
from eaas_assets.stats.experiments.planning import false_positive_risk
from eaas_assets_tests.decisions.portfolio.portfolio_by_hand import policy_by_hand

counts = st.integers(0, 50).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@pytest.mark.parametrize(("share", "risk"), [(0.33, 5.9), (0.20, 11.1), (0.15, 15.0), (0.10, 22.0), (0.08, 26.4)])
def test_the_luck_among_wins_is_the_published_one(share: float, risk: float) -> None:
    # Kohavi, Deng & Vermeer (2022), table of false-positive risks at alpha 5 % and 80 % power. A share of true
    # improvements shows as this rate of wins:
    win_rate = 0.8 * share + 0.025 * (1 - share)
    assert 100 * luck_share(win_rate, policy_by_hand().priors) == pytest.approx(risk, abs=0.1)


@given(st.floats(0.001, 0.999))
def test_the_share_of_true_improvements_is_found_again_from_the_rate_of_wins(share: float) -> None:
    assert true_improvement_share(0.8 * share + 0.025 * (1 - share), 0.05, 0.8) == pytest.approx(share)


def test_wins_no_more_often_than_chance_are_luck() -> None:
    rule = policy_by_hand().priors
    assert luck_share(0.01, rule) == false_positive_risk(1e-3)
    assert luck_share(0.01, rule) > 0.96
    with pytest.raises(ValueError, match="finite"):
        luck_share(math.nan, rule)


def test_a_rate_is_the_posterior_of_a_beta_prior() -> None:
    # Beta(0.9, 5.1) with 3 of 4: Beta(3.9, 6.1).
    found = success_rate(3, 4, 0.15, 6.0, 0.95)
    assert found.estimate == pytest.approx(0.39)
    rate = np.linspace(0.0, 1.0, 200_001)[1:-1]
    density = rate**2.9 * (1.0 - rate) ** 5.1
    below = [float(density[rate <= limit].sum() / density.sum()) for limit in (found.low, found.high)]
    assert below == pytest.approx([0.025, 0.975], abs=1e-4)


@given(counts, st.floats(0.01, 0.99), st.floats(0.5, 50))
def test_a_rate_lies_between_what_was_believed_and_what_was_seen(
    seen: tuple[int, int], centre: float, weight: float
) -> None:
    worked, answered = seen
    found = success_rate(worked, answered, centre, weight, 0.95)
    ends = sorted((centre, worked / answered if answered else centre))
    assert ends[0] - 1e-12 <= found.estimate <= ends[1] + 1e-12
    assert 0.0 <= found.low <= found.estimate <= found.high <= 1.0 or found.estimate < 0.05 or found.estimate > 0.95


@given(counts, st.integers(1, 20))
def test_another_success_never_lowers_the_rate(seen: tuple[int, int], more: int) -> None:
    worked, answered = seen
    before = success_rate(worked, answered, 0.2, 6.0, 0.95)
    after = success_rate(worked + more, answered + more, 0.2, 6.0, 0.95)
    assert after.estimate > before.estimate
    assert after.low > before.low


def test_more_successes_than_experiments_are_refused() -> None:
    with pytest.raises(ValueError, match="worked == 2"):
        success_rate(2, 1, 0.2, 6.0, 0.95)


def test_domains_pass_their_record_on_to_the_next_design() -> None:
    counts = {"type": "ab_test", "effect_class": "growth, mean", "harmed": 0, "no_effect": 0, "inconclusive": 0,
              "prior_experiments": 0, "segments_json": "{}", "statement": "By hand.", "policy_hash": "p"}  # fmt: skip
    rows = [
        {"domain": "sales", "experiments": 8, "worked": 4, "refused": 0},
        {"domain": "sales", "experiments": 4, "worked": 2, "refused": 1},
        {"domain": "hr", "experiments": 10, "worked": 0, "refused": 0},
        {"domain": "lost", "experiments": 2, "worked": 0, "refused": 2},
    ]
    shares = win_shares(build(LearningSummaries, [counts | row for row in rows]), policy_by_hand().priors)
    overall = (0.15 * 6 + 6) / (6 + 21)
    sales = (overall * 6 + 6) / (6 + 11)
    assert shares["sales"] == pytest.approx((sales - 0.025) / (0.8 - 0.025))
    assert 0.0 < shares["hr"] < shares["sales"]
    assert "lost" not in shares
    assert win_shares(build(LearningSummaries, []), policy_by_hand().priors) == {}
