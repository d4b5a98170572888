from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from eaas_assets.history.clustering import FEWEST_VALUES, changed_apart, groups, with_suspected_families
from eaas_assets.history.verdict import PairedOutcomes, judge
from eaas_assets_tests.history.runs_by_hand import release_policy

RULE = release_policy().comparison
N = 60


def outcomes(after: list[int], families: object = None, **segments: list[object]) -> PairedOutcomes:
    """Every scenario passed in 5 of 10 trials before."""
    passed = np.asarray(after)
    return PairedOutcomes.from_counts(np.full(N, 5), np.full(N, 10), passed, np.full(N, 10), families, segments)  # type: ignore[arg-type]


TOOLS: list[object] = [f"t{place % 6}" for place in range(N)]
OTHER: list[object] = [f"o{place // 10}" for place in range(N)]
NOISE = [5 + place // 6 % 2 * 2 - 1 for place in range(N)]
BY_TOOL = [noise + (3 if place % 6 < 3 else -3) for place, noise in enumerate(NOISE)]


def test_the_segment_whose_values_changed_apart_names_the_families() -> None:
    found = with_suspected_families(outcomes(BY_TOOL, tool=TOOLS, other=OTHER), RULE)
    assert found.suspected == "tool"
    assert found.families is not None
    assert found.families.tolist() == [place % 6 for place in range(N)]
    assert judge(found, RULE).primary.n_clusters == 6


def test_segments_that_show_nothing_leave_every_scenario_alone() -> None:
    same = outcomes(NOISE, tool=TOOLS, other=OTHER)
    assert with_suspected_families(same, RULE) is same


def test_what_is_declared_is_not_asked_again() -> None:
    declared = outcomes(BY_TOOL, families=np.arange(N) // 2, tool=TOOLS)
    assert with_suspected_families(declared, RULE) is declared


def test_too_few_values_and_a_value_for_each_scenario_are_no_families() -> None:
    halves: list[object] = [f"h{place % 6 < 3}" for place in range(N)]
    each: list[object] = [f"e{place}" for place in range(N)]
    few = outcomes(BY_TOOL, half=halves, each=each)
    assert with_suspected_families(few, RULE) is few
    assert len(set(halves)) < FEWEST_VALUES


def test_families_never_make_a_change_more_significant() -> None:
    """Fewer units of chance than scenarios can only weaken what is said of the whole."""
    fallen = outcomes([max(0, passed - 2) for passed in BY_TOOL], tool=TOOLS)
    before, after = judge(fallen, RULE), judge(with_suspected_families(fallen, RULE), RULE)
    assert before.word == "worse"
    assert after.primary.p_value > before.primary.p_value
    assert after.word == "inconclusive"


def test_a_value_that_broke_alone_is_named_and_those_that_scatter_are_not() -> None:
    broken = [place // 6 % 2 if place % 6 == 0 else noise for place, noise in enumerate(NOISE)]
    for after, harmed in ((broken, ["tool = t0"]), (BY_TOOL, [])):
        found = with_suspected_families(outcomes(after, tool=TOOLS), RULE)
        assert found.suspected == "tool"
        assert [str(segment) for segment in judge(found, RULE).segments if segment.harmed] == harmed


def test_scenarios_without_a_value_stand_alone() -> None:
    assert groups(np.array(["a", None, "b", "a", None], dtype=object)).tolist() == [0, 2, 1, 0, 3]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(FEWEST_VALUES, 12))
def test_apart_means_what_the_analysis_of_variance_says(seed: int, values: int) -> None:
    rng = np.random.default_rng(seed)
    families = np.concatenate([np.arange(values), rng.integers(0, values, 40)])
    change = rng.normal(size=families.size) + rng.normal(size=values)[families] * rng.choice([0, 0.5, 1])
    expected = stats.f_oneway(*(change[families == value] for value in range(values))).pvalue
    assert changed_apart(change, families) == (expected <= 0.10)


@pytest.mark.parametrize(("change", "apart"), [(np.zeros(20), False), (np.repeat(np.arange(5.0), 4), True)])
def test_families_without_scatter_within_are_apart_if_they_differ_at_all(change: np.ndarray, apart: bool) -> None:
    assert changed_apart(change, np.repeat(np.arange(5), 4)) is apart
