"""Whether the effects of several segments differ at all, with tests that hold where segments are small.

Cochran's Q against chi-squared takes the estimated errors for the true ones: with thirty segments of 5 to 40 units it
finds differences in 12 % of metrics without any, with fifty of rates near .05 in 40 %.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import fdtrc

from eaas_assets.stats.experiments.distributions import chi2_sf
from eaas_assets.stats.experiments.proportions import METHOD

if TYPE_CHECKING:
    from eaas_assets.stats.experiments.moments import FloatArray
    from eaas_assets.stats.experiments.results import Effect


def equal_effects(effects: Sequence[Effect]) -> float:
    """P-value of one effect in all segments.

    Rates are tested with the variances that they would have under one common difference; other metrics with Welch's
    allowance for the degrees of freedom of each error.

    Args:
        effects: Of disjoint segments; refused ones are left out.

    Returns:
        The p-value; nan for fewer than two effects.

    Source: Welch (1951), Biometrika 38, for unequal variances; Mantel & Haenszel's weights for the common difference.
    """
    known = [effect for effect in effects if effect.answered]
    if known and all(effect.method.startswith(METHOD) for effect in known):
        return _of_rates(known)
    known = [effect for effect in known if effect.se > 0.0]
    if len(known) < 2:
        return math.nan
    y, v = np.array([effect.estimate for effect in known]), np.array([effect.se for effect in known]) ** 2
    df = np.array([effect.df if effect.df > 0.0 else math.inf for effect in known])
    share = (1.0 / v) / (1.0 / v).sum()
    k = y.size
    q = float((y - share @ y) ** 2 @ (1.0 / v))
    lost = float(((1.0 - share) ** 2 / df).sum())
    if lost == 0.0:
        return chi2_sf(q, k - 1)
    statistic = q / (k - 1) / (1.0 + 2.0 * (k - 2) / (k * k - 1) * lost)
    return float(fdtrc(k - 1.0, (k * k - 1) / (3.0 * lost), statistic))


def _of_rates(effects: Sequence[Effect]) -> float:
    treatment, control = _column(effects, "treatment"), _column(effects, "control")
    n, m = _column(effects, "n_treatment"), _column(effects, "n_control")
    units, harmonic = n + m, n * m / (n + m)
    difference = float(harmonic @ (treatment - control)) / float(harmonic.sum())
    together = (treatment * n + control * m) / units
    ours = np.clip(together + difference * m / units, 0.0, 1.0)
    theirs = np.clip(together - difference * n / units, 0.0, 1.0)
    variance = (ours * (1.0 - ours) / n + theirs * (1.0 - theirs) / m) * units / (units - 1.0)
    tells = variance > 0.0
    if np.count_nonzero(tells) < 2:
        return math.nan
    q = float(((treatment - control - difference)[tells] ** 2 / variance[tells]).sum())
    return chi2_sf(q, int(np.count_nonzero(tells)) - 1)


def _column(effects: Sequence[Effect], name: str) -> FloatArray:
    return np.array([float(getattr(effect, name)) for effect in effects])
