"""Ratios of paired rates, against a published interval, their likelihood and Tango's interval."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.stats.intervals import two_sided_z
from eaas_assets.stats.paired import paired_rate_interval
from eaas_assets.stats.paired_ratio import paired_ratio_interval, paired_ratio_z


def test_ratio_interval_matches_fagerland_and_others():
    """Fagerland, Lydersen & Laake 2014: Tang's asymptotic score interval of Bentur et al., ratio 2 to 8 of 21."""
    low, high, _ = paired_ratio_interval(1, 7, 1)
    assert (low, high) == pytest.approx((0.065, 0.907), abs=5e-4)


@given(counts=st.tuples(*[st.integers(0, 60)] * 4))
def test_intervals_of_ratio_and_difference_agree_about_a_change(counts):
    both, lost, gained, _ = counts
    if both + lost == 0:
        assert math.isnan(paired_ratio_interval(both, lost, gained).low)
        return
    ratio = paired_ratio_interval(both, lost, gained)
    difference = paired_rate_interval(lost, gained, sum(counts))
    assert ratio.low - 1e-9 <= (both + gained) / (both + lost) <= ratio.high + 1e-9
    z = abs(gained - lost) / math.sqrt(lost + gained) if lost + gained else 0.0
    if abs(z - two_sided_z(0.95)) > 1e-9:
        assert (ratio.low <= 1 <= ratio.high) == (difference.low <= 0 <= difference.high)
    if both + gained > 0 and ratio.low > 0:
        swapped = paired_ratio_interval(both, gained, lost)
        assert (swapped.low, swapped.high) == pytest.approx((1 / ratio.high, 1 / ratio.low), rel=1e-6)


def test_ratio_score_at_its_restricted_maximum():
    """The expected number lost maximises the likelihood of the pairs that passed at all, by a search."""
    both, lost, gained, ratio = 30, 4, 9, 1.7
    passed = both + lost + gained
    under = np.linspace(0, passed / (1 + ratio), 400_001)[1:-1]
    kept = (passed - under) / ratio - under
    won = passed - under - kept
    best = int(np.argmax(both * np.log(kept) + lost * np.log(under) + gained * np.log(won)))
    variance = ratio * (under[best] + won[best])
    expected = (both + gained - ratio * (both + lost)) / math.sqrt(variance)
    assert paired_ratio_z(both, lost, gained, ratio) == pytest.approx(expected, rel=1e-4)


def test_negative_counts_are_errors():
    with pytest.raises(ValueError, match="negative"):
        paired_ratio_interval(1, -1, 2)
