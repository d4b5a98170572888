"""Normal, t and chi-squared probabilities of scalars that need no scipy when samples are large.

Importing ``scipy.special`` takes longer than the statistics of an experiment with ten million users. With many degrees
of freedom the t distribution follows from the normal one by Hill's expansion to about twelve digits; with few, scipy
is imported at that moment. Estimators that need scipy anyway import it themselves.
"""

from __future__ import annotations

import math
from statistics import NormalDist

_STANDARD_NORMAL = NormalDist()
LARGE_DF = 2_000.0
"""From here on the t distribution is computed from the normal one; tail areas err by less than 1e-10 of themselves."""


def normal_sf(z: float) -> float:
    """P(Z > z) for a standard normal Z, accurate in the far tail."""
    return 0.5 * math.erfc(z / math.sqrt(2.0))


def normal_quantile(p: float) -> float:
    """The z with P(Z ≤ z) = p; infinite at 0 and 1.

    Raises:
        ValueError: If ``p`` is not in [0, 1].
    """
    if p in (0.0, 1.0):
        return math.copysign(math.inf, p - 0.5)
    return _STANDARD_NORMAL.inv_cdf(p)


def t_sf(t: float, df: float) -> float:
    """P(T > t) for Student's t with ``df`` degrees of freedom (infinite: normal).

    Source: G. W. Hill, Algorithm 395: Student's t-distribution, Comm. ACM 13 (1970), for large ``df``.
    """
    if math.isnan(t) or math.isnan(df):
        return math.nan
    if math.isinf(df) or math.isinf(t):
        return normal_sf(t)
    if df < LARGE_DF:
        from scipy.special import stdtr

        return float(stdtr(df, -t))
    return normal_sf(math.copysign(_hill_normal_deviate(abs(t), df), t))


def t_quantile(p: float, df: float) -> float:
    """The t with P(T ≤ t) = p for Student's t with ``df`` degrees of freedom (infinite: normal).

    Source: Abramowitz & Stegun (1964), 26.7.5, a Cornish–Fisher expansion in 1/df, for large ``df``.
    """
    if math.isnan(df):
        return math.nan
    z = normal_quantile(p)
    if math.isinf(df) or math.isinf(z):
        return z
    if df < LARGE_DF:
        from scipy.special import stdtrit

        return float(stdtrit(df, p))
    square = z * z
    terms = (
        (square + 1.0) / 4.0,
        ((5.0 * square + 16.0) * square + 3.0) / 96.0,
        (((3.0 * square + 19.0) * square + 17.0) * square - 15.0) / 384.0,
        ((((79.0 * square + 776.0) * square + 1482.0) * square - 1920.0) * square - 945.0) / 92160.0,
    )
    return z * (1.0 + sum(term * (1.0 / df) ** power for power, term in enumerate(terms, start=1)))


def t_two_sided(t: float, df: float) -> float:
    """P(|T| ≥ |t|) for Student's t."""
    return min(1.0, 2.0 * t_sf(abs(t), df))


def chi2_sf(x: float, df: int) -> float:
    """P(X > x) for a chi-squared X with a whole number of degrees of freedom, by the finite series.

    Source: Abramowitz & Stegun (1964), 26.4.4 and 26.4.5.

    Raises:
        ValueError: If ``df`` < 1.
    """
    if df < 1:
        raise ValueError(f"df == {df}, must be at least 1")
    if math.isnan(x):
        return math.nan
    if x <= 0.0:
        return 1.0
    half = 0.5 * x
    start = 0.5 if df % 2 else 0.0
    total = math.erfc(math.sqrt(half)) if df % 2 else 0.0
    for step in range(df // 2):
        power = start + step
        total += math.exp(power * math.log(half) - half - math.lgamma(power + 1.0))
    return min(total, 1.0)


def _hill_normal_deviate(t: float, df: float) -> float:
    """The normal deviate with the same tail area as ``t``."""
    a = df - 0.5
    b = 48.0 * a * a
    y = a * math.log1p(t * t / df)
    series = (((((-0.4 * y - 3.3) * y - 24.0) * y - 85.5) / (0.8 * y * y + 100.0 + b)) + y + 3.0) / b + 1.0
    return series * math.sqrt(y)
