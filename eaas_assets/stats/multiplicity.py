"""Adjusted p-values for many questions asked at once.

Holm where each rejection leads to a decision, Benjamini and Hochberg where rejections are a shortlist to
look at. A p-value that is nan was not a question: it stays nan and does not count.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def _asked(p_values: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """All p-values, and the places of those that are not nan from smallest to largest."""
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1:
        raise ValueError(f"p_values has {p.ndim} dimensions, must have 1")
    asked = np.flatnonzero(~np.isnan(p))
    if asked.size and not (p[asked].min() >= 0 and p[asked].max() <= 1):
        raise ValueError("p_values must lie within [0, 1]")
    return p, asked[np.argsort(p[asked], kind="stable")]


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down adjustment (1979): controls the chance of any false rejection.

    Args:
        p_values: Shape (m,); nan is left out of the count.

    Returns:
        Shape (m,): reject where at most the level; nan where the input is.
    """
    p, order = _asked(p_values)
    adjusted = np.full(p.shape, np.nan)
    factors = np.arange(order.size, 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(factors * p[order]))
    return adjusted


def benjamini_hochberg(p_values: ArrayLike) -> NDArray[np.float64]:
    """Benjamini and Hochberg's step-up adjustment (1995): controls the share of false rejections.

    Valid for independent or positively dependent tests (Benjamini & Yekutieli 2001).

    Args:
        p_values: Shape (m,); nan is left out of the count.

    Returns:
        Shape (m,): reject where at most the rate; nan where the input is.
    """
    p, order = _asked(p_values)
    adjusted = np.full(p.shape, np.nan)
    factors = order.size / np.arange(1, order.size + 1)
    adjusted[order] = np.minimum(1.0, np.minimum.accumulate((factors * p[order])[::-1])[::-1])
    return adjusted
