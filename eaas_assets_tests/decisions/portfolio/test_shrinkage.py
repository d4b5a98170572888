from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eaas_assets.decisions.portfolio.shrinkage import ALONE, RawEffect, shrink_by_class

EIGHT_SCHOOLS = list(
    zip((28.0, 8.0, -3.0, 7.0, -1.0, 1.0, 18.0, 12.0), (15.0, 10.0, 16.0, 11.0, 9.0, 11.0, 10.0, 18.0), strict=True)
)


def raw(pairs: list[tuple[float, float]], effect_class: str = "growth, mean") -> list[RawEffect]:
    return [
        RawEffect(f"E{place:03d}", effect_class, estimate, se, estimate - 1.96 * se, estimate + 1.96 * se)
        for place, (estimate, se) in enumerate(pairs)
    ]


effects = st.lists(st.tuples(st.floats(-1, 1), st.floats(0.01, 0.5)), min_size=3, max_size=12)


def test_eight_schools_have_the_published_mean_and_sit_at_the_boundary() -> None:
    # Rubin (1981), Estimation in parallel randomized experiments: mu 7.7, se 4.1, Q 4.7, no variance between schools.
    found = shrink_by_class(raw(EIGHT_SCHOOLS))
    schools = found.classes["growth, mean"]
    assert schools.mean == pytest.approx(7.7, abs=0.15)
    assert schools.mean_se == pytest.approx(4.1, abs=0.15)
    assert schools.q == pytest.approx(4.7, abs=0.15)
    assert schools.sd == 0.0
    assert schools.predictive_sd == schools.mean_se > 0.0


def test_at_the_boundary_effects_are_drawn_far_but_keep_intervals_of_honest_width() -> None:
    # Gelman et al., Bayesian Data Analysis, table 5.3: 10 with a 95 % interval of -2 to 31 for the best school, with a
    # prior that draws further than the flat one of the variance. Complete pooling would say 7.7 with -0.3 to 15.7.
    first = shrink_by_class(raw(EIGHT_SCHOOLS)).effects["E000"]
    assert 10.0 < first.estimate < 17.85  # at least half of the way from 28 to 7.7
    assert first.low < -2.0 < 31.0 < first.high < 28.0 + 1.96 * 15.0


@settings(max_examples=30)
@given(effects)
def test_a_shrunk_effect_lies_between_the_raw_one_and_the_mean_of_its_class(pairs: list[tuple[float, float]]) -> None:
    found = shrink_by_class(raw(pairs))
    y, v = (np.array(values) for values in zip(*pairs, strict=True))
    v = v**2
    # The mean depends on how much the true effects vary: it lies between these, from no variance to all of it.
    means = [float(np.average(y, weights=1.0 / (v + tau2))) for tau2 in [0.0, *np.geomspace(1e-7, 1e5, 400)]]
    for place, (estimate, _) in enumerate(pairs):
        ends = sorted((estimate, *means))
        assert ends[0] - 1e-4 <= found.effects[f"E{place:03d}"].estimate <= ends[-1] + 1e-4


@settings(max_examples=30)
@given(st.lists(st.floats(-1, 1), min_size=3, max_size=12), st.floats(0.01, 0.5))
def test_with_equal_errors_all_are_drawn_towards_the_plain_mean(estimates: list[float], se: float) -> None:
    found = shrink_by_class(raw([(estimate, se) for estimate in estimates]))
    mean = float(np.mean(estimates))
    for place, estimate in enumerate(estimates):
        assert abs(found.effects[f"E{place:03d}"].estimate - mean) <= abs(estimate - mean) + 1e-9


@settings(max_examples=30)
@given(effects, st.randoms(use_true_random=False))
def test_the_order_of_experiments_changes_nothing(pairs: list[tuple[float, float]], shuffle: random.Random) -> None:
    ordered = raw(pairs)
    mixed = list(ordered)
    shuffle.shuffle(mixed)
    assert shrink_by_class(mixed) == shrink_by_class(ordered)


def test_the_surer_of_two_equal_effects_is_shrunk_less() -> None:
    found = shrink_by_class(raw([(0.3, 0.02), (0.3, 0.2), (0.0, 0.05), (-0.05, 0.05), (0.02, 0.05)]))
    assert found.effects["E000"].estimate > found.effects["E001"].estimate


def test_the_only_experiment_of_a_class_stays_as_it_is_and_says_so() -> None:
    found = shrink_by_class([*raw([(0.3, 0.1)]), *raw([(0.0, 0.1), (0.1, 0.1)], "quality, mean")[1:]])
    assert found.effects["E000"][:3] == (0.3, pytest.approx(0.104), pytest.approx(0.496))
    assert found.effects["E000"].note == ALONE
    assert found.classes == {}


def test_two_of_a_class_are_too_few_to_tell_how_far_effects_differ() -> None:
    pair = raw([(0.3, 0.1), (0.1, 0.1)])
    found = shrink_by_class(pair, fewest=3)
    assert [found.effects[effect.experiment_id].estimate for effect in pair] == [0.3, 0.1]
    assert found.effects["E000"].note == "one of 2 of its class, too few to shrink it"
    assert found.classes == {}
    assert shrink_by_class(pair, fewest=2).effects["E000"].estimate < 0.3


def test_classes_do_not_touch_each_other() -> None:
    one = raw([(0.3, 0.1), (0.1, 0.1), (0.0, 0.1)])
    far = raw([(9.0, 0.1), (8.0, 0.1), (7.0, 0.1)], "b")
    other = [effect._replace(experiment_id=f"Q{effect.experiment_id}") for effect in far]
    both = shrink_by_class([*one, *other])
    assert {effect.experiment_id: both.effects[effect.experiment_id] for effect in one} == shrink_by_class(one).effects
