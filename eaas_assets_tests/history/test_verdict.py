from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.contracts.policies import ComparisonRule
from eaas_assets.history.verdict import PairedOutcomes, judge
from eaas_assets.stats.paired import mcnemar_exact, paired_rate_interval
from eaas_assets_tests.history.runs_by_hand import release_policy

RULE = release_policy().comparison


def rule(**changes: Any) -> ComparisonRule:
    return ComparisonRule.model_validate(RULE.model_dump() | changes)


def single(before: list[int], after: list[int], **more: Any) -> PairedOutcomes:
    return PairedOutcomes.from_counts(before, np.ones(len(before)), after, np.ones(len(after)), **more)


def counted(lost: int, gained: int, same: int, **more: Any) -> PairedOutcomes:
    """One trial per scenario: so many lost, gained, and passed in both."""
    before = [1] * lost + [0] * gained + [1] * same
    return single(before, [0] * lost + [1] * gained + [1] * same, **more)


def test_single_trials_are_tested_by_mcnemar_with_tangos_interval():
    found = judge(counted(2, 1, 7), RULE).primary
    assert (found.method, found.p_value) == ("mcnemar", mcnemar_exact(2, 1).p_value)
    assert found.interval[:2] == pytest.approx(paired_rate_interval(2, 1, 10)[:2], abs=1e-9)
    assert (found.n, found.difference) == (10, pytest.approx(-0.1))


def test_six_losses_without_a_gain_are_worse_and_five_are_inconclusive():
    """Two-sided exact McNemar: 2 / 2^6 = .031 and 2 / 2^5 = .0625."""
    six, five = judge(counted(6, 0, 4), RULE), judge(counted(5, 0, 5), RULE)
    assert (six.primary.p_value, five.primary.p_value) == (pytest.approx(2 / 64), pytest.approx(2 / 32))
    assert (six.word, five.word) == ("worse", "inconclusive")
    assert judge(counted(0, 6, 4), RULE).word == "better"


def test_repeats_do_not_count_as_scenarios():
    """One scenario lost ten times over is one change, however often it was tried."""
    found = judge(PairedOutcomes.from_counts([10, 10, 0], [10] * 3, [0, 10, 0], [10] * 3), RULE)
    assert (found.primary.n, found.primary.difference) == (3, pytest.approx(-1 / 3))
    assert found.primary.p_value > 0.05
    assert found.word == "inconclusive"


@pytest.mark.parametrize("n", [0, 1])
def test_too_few_pairs_tell_nothing(n):
    found = judge(counted(n, 0, 0), RULE)
    assert found.word == "inconclusive"
    assert np.isnan(found.primary.interval.low)


def test_not_worse_needs_an_interval_that_clears_the_margin():
    """100 scenarios × 5 trials, one trial lost and one gained in ten of them each: ± 1.8 points (t interval: ± 1.8)."""
    before = [4] * 10 + [3] * 10 + [5] * 80
    after = [3] * 10 + [4] * 10 + [5] * 80
    outcomes = PairedOutcomes.from_counts(before, [5] * 100, after, [5] * 100)
    assert judge(outcomes, RULE).word == "not_worse"
    assert judge(outcomes, rule(margin=0.01)).word == "inconclusive"


def test_the_same_losses_in_one_family_are_no_proof():
    """Ten of a hundred scenarios lost: worse if each stands alone, one event if they are one family of ten."""
    alone = counted(10, 0, 90)
    assert judge(alone, RULE).word == "worse"
    families = np.arange(100) // 10
    together = judge(counted(10, 0, 90, families=families), RULE)
    assert (together.word, together.primary.n_clusters) == ("inconclusive", 10)
    assert together.primary.interval.low < judge(alone, RULE).primary.interval.low
    spread = judge(counted(10, 0, 90, families=np.arange(100) % 10), RULE)
    assert spread.word == "worse"  # one in every family


def test_one_family_alone_never_tells():
    found = judge(counted(50, 0, 50, families=np.zeros(100)), RULE)
    assert found.word == "inconclusive"
    assert np.isnan(found.primary.p_value)


def test_a_uniform_loss_is_worse_although_it_has_no_variance():
    """Every scenario lost two of five trials: no t test, since nothing varies; the score test rejects."""
    found = judge(PairedOutcomes.from_counts([5] * 20, [5] * 20, [3] * 20, [5] * 20), RULE)
    assert (found.word, found.primary.method) == ("worse", "score")


def scored(before: list[float], after: list[float]) -> PairedOutcomes:
    trials = np.ones(len(before), dtype=np.int64)
    passes = np.ones(len(before))
    return PairedOutcomes(
        {"pass_rate": passes, "average_score": np.array(before)},
        {"pass_rate": passes, "average_score": np.array(after)},
        trials,
        trials,
    )


def test_several_metrics_are_corrected_and_none_may_be_worse():
    both = rule(metrics=["pass_rate", "average_score"])
    n = 100
    lower = scored([0.9] * n, [0.9 - 0.01 * (place % 3) for place in range(n)])
    assert judge(lower, RULE).word == "not_worse"
    found = judge(lower, both)
    assert found.word == "worse"
    assert found.findings[1].p_adjusted == pytest.approx(2 * found.findings[1].p_value)
    assert judge(scored([0.9] * n, [0.9 + 0.01 * (place % 3) for place in range(n)]), both).word == "better"


def test_an_unknown_metric_forbids_every_claim():
    found = judge(counted(0, 6, 100), rule(metrics=["pass_rate", "tone_accuracy"]))
    assert found.word == "inconclusive"
    assert (found.findings[1].n, found.findings[1].method) == (0, "none")


def test_values_that_one_side_does_not_know_are_left_out():
    outcomes = scored([0.5, 0.5, np.nan, 0.5], [0.5, np.nan, 0.5, 0.25])
    found = judge(outcomes, rule(metrics=["average_score"])).primary
    assert (found.n, found.difference) == (2, -0.125)


def segmented(losses: int, segment: int = 20, gained: int = 40) -> PairedOutcomes:
    """200 scenarios of which 40 were gained; of those with channel = email some were lost."""
    before = [1] * segment + [0] * gained + [1] * (200 - segment - gained)
    after = [0] * losses + [1] * (200 - losses)
    labels = ["email"] * segment + ["chat"] * 100 + [None] * (100 - segment)
    return single(before, after, segments={"channel": labels})


def test_a_segment_that_is_significantly_worse_forbids_better_and_is_named():
    assert judge(segmented(0), RULE).word == "better"
    found = judge(segmented(9), RULE)
    assert found.primary.difference > 0
    assert found.word == "inconclusive"
    assert [str(segment) for segment in found.guards] == ["channel = email"]
    assert found.guards[0].harmed
    assert judge(segmented(9), rule(segments=["region"])).word == "better"
    assert judge(segmented(9), rule(cluster_by="channel")).segments == ()  # families are the unit of chance


def test_a_segment_that_fell_beyond_its_margin_forbids_better_before_it_is_significant():
    found = judge(segmented(4), RULE)
    assert (found.word, found.guards[0].harmed, found.guards[0].fell) == ("inconclusive", False, True)
    assert judge(segmented(3), RULE).word == "better"  # 15 points are the margin itself


def test_small_segments_are_shown_and_not_judged():
    found = judge(segmented(4, segment=4), RULE)
    assert found.word == "better"
    email = next(segment for segment in found.segments if segment.value == "email")
    assert (email.n, email.difference, email.fell) == (4, -1.0, False)
    assert np.isnan(email.p_value)


def test_segments_are_corrected_for_their_number():
    before, after = [1] * 60, [0] * 6 + [1] * 54
    names = [f"v{place // 10}" for place in range(60)]
    found = judge(single(before, after, segments={"s": names}), RULE)
    first = found.segments[0]
    assert first.p_value == pytest.approx(2 / 64)
    assert first.p_adjusted == pytest.approx(6 * 2 / 64)
    assert not first.harmed


SCENARIOS = st.lists(
    st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 3), st.sampled_from(["a", "b", None])),
    min_size=1,
    max_size=60,
)


def four_trials(rows: list[tuple[int, int, int, str | None]], with_families: bool) -> PairedOutcomes:
    before, after, families, labels = (list(column) for column in zip(*rows, strict=True))
    n = [4] * len(rows)
    return PairedOutcomes.from_counts(
        before, n, after, n, families=families if with_families else None, segments={"s": labels}
    )


@settings(max_examples=60, deadline=None)
@given(SCENARIOS, st.booleans())
def test_exchanging_the_versions_turns_better_and_worse_round(rows, with_families):
    there = judge(four_trials(rows, with_families), RULE)
    back = judge(four_trials([(after, before, *rest) for before, after, *rest in rows], with_families), RULE)
    assert there.primary.difference == pytest.approx(-back.primary.difference)
    assert there.primary.p_value == pytest.approx(back.primary.p_value, nan_ok=True)
    if there.word == "better":
        assert back.word == "worse"
    if there.word == "worse":  # a segment may forbid "better", never "worse"
        assert back.word == ("inconclusive" if back.guards else "better")


@settings(max_examples=40, deadline=None)
@given(SCENARIOS, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_scenarios_does_not_matter(rows, with_families, random):
    there = judge(four_trials(rows, with_families), RULE)
    shuffled = list(rows)
    random.shuffle(shuffled)
    again = judge(four_trials(shuffled, with_families), RULE)
    assert (there.word, [str(s) for s in there.guards]) == (again.word, [str(s) for s in again.guards])
    assert there.primary.p_value == pytest.approx(again.primary.p_value, nan_ok=True, rel=1e-9)


@settings(max_examples=60, deadline=None)
@given(SCENARIOS, st.booleans(), st.lists(st.integers(0, 59), max_size=20))
def test_more_harm_never_makes_a_worse_version_better_or_not_worse(rows, with_families, harmed):
    outcomes = four_trials(rows, with_families)
    harmful = [
        (before, max(0, after - harmed.count(place)), *rest) for place, (before, after, *rest) in enumerate(rows)
    ]
    if judge(outcomes, RULE).word == "worse":
        assert judge(four_trials(harmful, with_families), RULE).word in {"worse", "inconclusive"}
    assert (
        judge(four_trials(harmful, with_families), RULE).primary.difference <= judge(outcomes, RULE).primary.difference
    )


@pytest.mark.parametrize(
    "changes",
    [{"metrics": ["p95_response_time_ms"]}, {"metrics": ["pass_rate", "pass_rate"]}, {"margin": 0}, {"level": 1.0}],
)
def test_a_rule_that_cannot_be_applied_is_refused(changes):
    with pytest.raises(ValueError, match=r"metrics|margin|level"):
        rule(**changes)
