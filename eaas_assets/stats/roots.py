"""Where a function crosses zero, without a library that takes longer to import than ten million units."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_PRECISION = 2.0**-52
_SMALLEST = 1e-300
_MOST_STEPS = 1100
"""As many as halving the widest interval of floats would need."""


def crossing(function: Callable[[float], float], inside: float, outside: float) -> float:
    """A root between two numbers, to the last digits of a float.

    Args:
        function: Continuous; infinite values are allowed.
        inside: Where the function has one sign, or is zero.
        outside: Where it has the other one.

    Returns:
        The root; ``outside`` if the function has the same sign there as inside.

    Source: Chandrupatla (1997), A new hybrid quadratic/bisection algorithm for finding the zero of a nonlinear
    function without using derivatives, Advances in Engineering Software 28.
    """
    a, b = outside, inside
    fa, fb = function(a), function(b)
    if fb == 0.0:
        return b
    if fa == 0.0 or (fa > 0.0) == (fb > 0.0):
        return a
    share = 0.5
    for _ in range(_MOST_STEPS):
        x = a + share * (b - a)
        fx = function(x)
        if (fx > 0.0) == (fa > 0.0):
            c, fc = a, fa
        else:
            c, fc, b, fb = b, fb, a, fa
        a, fa = x, fx
        best = a if abs(fa) < abs(fb) else b
        smallest_share = (2.0 * _PRECISION * abs(best) + _SMALLEST) / abs(b - a)
        if fa == 0.0 or smallest_share > 0.5:
            return best
        share = min(max(_share((a, fa), (b, fb), (c, fc)), smallest_share), 1.0 - smallest_share)
    return best


def _share(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    """How far from ``a`` to ``b`` to look next: where an inverse parabola is safe, its root, else halfway."""
    (x1, f1), (x2, f2), (x3, f3) = a, b, c
    if f3 in (f1, f2) or not (math.isfinite(f1) and math.isfinite(f2) and math.isfinite(f3)):
        return 0.5
    place, height = (x1 - x2) / (x3 - x2), (f1 - f2) / (f3 - f2)
    if not (height**2 < place and (1.0 - height) ** 2 < 1.0 - place):
        return 0.5
    return f1 / (f2 - f1) * f3 / (f2 - f3) + (x3 - x1) / (x2 - x1) * f1 / (f3 - f1) * f2 / (f3 - f2)


def crossings(
    function: Callable[[FloatArray], FloatArray],
    slope: Callable[[FloatArray], FloatArray],
    limits: tuple[FloatArray, FloatArray],
    start: FloatArray,
    precision: float | FloatArray,
) -> FloatArray:
    """Roots of increasing functions, one per entry: Newton's method, halving wherever its steps do not.

    Args:
        function: Values at one place for each entry.
        slope: Their slopes there.
        limits: Where each is below zero, and above; shape as that of ``start``.
        start: First places, within the limits.
        precision: Of the roots, one for all or one for each.

    Source: Press et al. (2007), Numerical recipes, 9.4 (safe Newton), for arrays.
    """
    low, high = limits
    place, moved = start, high - low
    for _ in range(_MOST_STEPS):
        excess = function(place)
        low, high = np.where(excess < 0.0, place, low), np.where(excess > 0.0, place, high)
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            step = np.where(excess == 0.0, place, place - excess / slope(place))
        safe = (step >= low) & (step <= high) & (np.abs(step - place) <= 0.5 * moved)
        following = np.where(safe, step, 0.5 * (low + high))
        moved = np.abs(following - place)
        place = following
        if (moved <= precision).all():
            break
    return np.asarray(place)
