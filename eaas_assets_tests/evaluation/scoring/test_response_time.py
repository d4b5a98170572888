from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.contracts.conditions import exact
from eaas_assets.contracts.policies import ResponseTimeRule
from eaas_assets.evaluation.scoring.response_time import (
    is_slow,
    multiple_of_target,
    response_time_scores,
    response_times,
)
from eaas_assets_tests.evaluation.local_runs import shipped_policy

RULE = shipped_policy().response_time


@pytest.mark.parametrize(
    ("seconds", "score"),
    [
        (0.0, 1.0), (0.5, 1.0), (2.0, 1.0), (2.0001, 0.8), (3.0, 0.8), (3.1, 0.6), (4.0, 0.6), (4.01, 0.3),
        (5.0, 0.3), (6.0, 0.3), (6.001, 0.0), (1e9, 0.0),
    ],
)  # fmt: skip
def test_the_shipped_bands_give_the_published_scores(seconds, score):
    assert response_time_scores(np.array([seconds]), RULE).tolist() == [score]


def test_an_unknown_time_has_no_score_and_is_not_slow():
    assert np.isnan(response_time_scores(np.array([np.nan]), RULE)).all()
    assert is_slow(np.array([np.nan, 4.0, 4.1]), RULE).tolist() == [False, False, True]


@given(st.floats(0.001, 100), st.floats(0.01, 50), st.floats(0, 5000))
def test_limits_compare_as_the_decimals_that_people_wrote(target, multiple, seconds):
    rule = RULE.model_copy(update={"target_s": target})
    limit = multiple_of_target(rule, multiple)
    for value in (seconds, limit, np.nextafter(limit, 0), np.nextafter(limit, np.inf)):
        within = exact(float(value)) <= exact(multiple) * exact(target)
        assert (value <= limit) == within


def test_a_limit_that_floats_would_miss_is_met():
    rule = ResponseTimeRule.model_validate(
        RULE.model_dump() | {"target_s": 0.2, "bands": [{"up_to": 3.0, "score": 1.0}], "beyond": 0.0}
    )
    assert 3 * 0.2 != 0.6
    assert response_time_scores(np.array([0.6]), rule).tolist() == [1.0]
    assert response_time_scores(np.array([0.6000000000000001]), rule).tolist() == [0.0]


def test_the_first_known_clock_counts_and_is_named():
    executed = pd.DataFrame(
        {
            "status": ["completed", "completed", "completed", "completed", "timeout"],
            "simulated_s": [0.5, None, None, None, 9.0],
            "measured_s": [0.1, 0.2, None, None, 9.0],
            "reported_s": [0.9, 0.9, 0.3, None, 9.0],
        }
    )
    seconds, source = response_times(executed, RULE)
    assert seconds[:3].tolist() == [0.5, 0.2, 0.3]
    assert np.isnan(seconds[3:]).all()  # no clock; and a timeout has no response whose time could count
    assert source[:3].tolist() == ["simulated", "measured", "reported"]
    assert source[3:].isna().all()
