"""Group-sequential boundaries: critical values for a planned number of looks, by recursive numerical integration.

The statistics at successive looks are a Brownian motion seen at the information fractions. Its density among paths
that have not crossed is carried from look to look on a grid. Boundaries that need no planned looks are in
``sequential``.

Source: Armitage, McPherson & Rowe (1969, JRSS A 132) for the recursion; Jennison & Turnbull (2000), Group Sequential
Methods, ch. 19.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri, roots_legendre

from eaas_assets.stats.roots import crossing

_FAR = 8.5
"""Boundaries beyond this many standard deviations are never crossed in double precision's sense of a probability."""

Shape = Literal["obrien_fleming", "pocock"]


class Crossing(NamedTuple):
    """Probabilities of the first crossing at each look.

    Attributes:
        upper: Of the upper boundary, shape (looks,).
        lower: Of the lower boundary, shape (looks,).
    """

    upper: np.ndarray
    lower: np.ndarray

    @property
    def total(self) -> float:
        """Probability of any crossing."""
        return float(self.upper.sum() + self.lower.sum())


class _Grid(NamedTuple):
    """Density of the score statistic among paths that have not crossed: nodes, and density times quadrature weight."""

    nodes: np.ndarray
    mass: np.ndarray
    information: float


def crossing_probabilities(
    upper: Sequence[float], information: Sequence[float], drift: float = 0.0, lower: Sequence[float] | None = None
) -> Crossing:
    """Probabilities that a standardised statistic first leaves its boundaries at each look.

    Args:
        upper: Upper critical values of the z statistic at each look.
        information: Information at each look as a fraction of the planned one, increasing.
        drift: Expected z statistic at fraction 1; zero under no effect.
        lower: Lower critical values; None for the mirrored upper ones, −inf for one-sided monitoring.
    """
    fractions = _checked(information)
    bounds = [-value for value in upper] if lower is None else list(lower)
    grid = _start()
    above, below = [], []
    for k, fraction in enumerate(fractions):
        high, low, grid = _step(grid, fraction, bounds[k], upper[k], drift, _next_gap(fractions, k))
        above.append(high)
        below.append(low)
    return Crossing(np.array(above), np.array(below))


def group_sequential_boundaries(shape: Shape, looks: int, alpha: float = 0.05) -> np.ndarray:
    """Two-sided critical values of the z statistic for equally spaced looks.

    Args:
        shape: ``obrien_fleming`` is strict early and costs little at the end; ``pocock`` is the same at every look.
        looks: Planned number of looks.
        alpha: Two-sided error over all looks.

    Source: O'Brien & Fleming (1979), Biometrics 35; Pocock (1977), Biometrika 64.
    """
    fractions = np.arange(1, looks + 1) / looks
    form = 1.0 / np.sqrt(fractions) if shape == "obrien_fleming" else np.ones(looks)
    constant = crossing(lambda c: crossing_probabilities(list(c * form), list(fractions)).total - alpha, 0.5, 8.0)
    return constant * form


def spending_boundaries(
    information: Sequence[float], alpha: float = 0.05, spending: Shape = "obrien_fleming"
) -> np.ndarray:
    """Two-sided critical values for looks at any information fractions, as they come.

    A boundary depends only on the looks so far, so the number and times of looks need not be planned, only the final
    information. An information beyond the plan counts as 1; a look without new information cannot cross.

    Args:
        information: Fractions of the planned information at the looks made so far, increasing.
        alpha: Two-sided error over all looks.
        spending: How much error may be spent by a fraction t: like O'Brien–Fleming, 2 − 2Φ(z/√t) on each side with z
            the normal quantile at 1 − α/4, or like Pocock, α ln(1 + (e − 1)t).

    Source: Lan & DeMets (1983), Discrete sequential boundaries for clinical trials, Biometrika 70.
    """
    fractions = _checked(information)
    grid = _start()
    spent = 0.0
    bounds: list[float] = []
    for k, fraction in enumerate(fractions):
        target = _spent(min(fraction, 1.0), alpha, spending) - spent
        bound = _bound_for(grid, fraction, target)
        high, low, grid = _step(grid, fraction, -bound, bound, 0.0, _next_gap(fractions, k))
        spent += high + low
        bounds.append(bound)
    return np.array(bounds)


def _spent(fraction: float, alpha: float, spending: Shape) -> float:
    if spending == "pocock":
        return alpha * math.log1p((math.e - 1.0) * fraction)
    return 4.0 * float(ndtr(ndtri(alpha / 4.0) / math.sqrt(fraction)))


def _bound_for(grid: _Grid, fraction: float, target: float) -> float:
    """The symmetric z boundary that is crossed now with probability ``target``; infinite if the target is nothing."""
    if target <= 1e-14:
        return math.inf
    gap = math.sqrt(fraction - grid.information)

    def excess(z: float) -> float:
        edge = z * math.sqrt(fraction)
        tails = ndtr((grid.nodes - edge) / gap) + ndtr((-edge - grid.nodes) / gap)
        return float(tails @ grid.mass) - target

    return crossing(excess, 0.0, _FAR)


def _step(
    grid: _Grid, fraction: float, lower: float, upper: float, drift: float, next_gap: float
) -> tuple[float, float, _Grid]:
    """Carry the density to the next look: probabilities of crossing there, and the density of the paths between."""
    gap = fraction - grid.information
    root, scale = math.sqrt(gap), math.sqrt(fraction)
    moved = grid.nodes + drift * gap
    middle = drift * fraction
    # Bounds so far out that nothing is beyond them still need a finite grid.
    top = min(upper * scale, middle + _FAR * scale)
    bottom = max(lower * scale, middle - _FAR * scale)
    high = float(ndtr((moved - upper * scale) / root) @ grid.mass)
    low = float(ndtr((lower * scale - moved) / root) @ grid.mass)
    if top <= bottom:
        return high, low, _Grid(np.zeros(1), np.zeros(1), fraction)
    points, weights = _quadrature(top - bottom, min(root, next_gap))
    nodes = bottom + (points + 1.0) * (top - bottom) / 2.0
    kernel = np.exp(-0.5 * ((nodes[:, None] - moved[None, :]) / root) ** 2) / (root * math.sqrt(2.0 * math.pi))
    return high, low, _Grid(nodes, (kernel @ grid.mass) * weights * (top - bottom) / 2.0, fraction)


def _quadrature(width: float, narrowest: float) -> tuple[np.ndarray, np.ndarray]:
    """Gauss–Legendre nodes close enough together for kernels as narrow as ``narrowest``."""
    count = min(1200, 40 + math.ceil(2.5 * width / narrowest))
    points, weights = roots_legendre(count)
    return np.asarray(points), np.asarray(weights)


def _start() -> _Grid:
    return _Grid(np.zeros(1), np.ones(1), 0.0)


def _next_gap(fractions: Sequence[float], k: int) -> float:
    return math.sqrt(fractions[k + 1] - fractions[k]) if k + 1 < len(fractions) else math.inf


def _checked(information: Sequence[float]) -> list[float]:
    fractions = [float(value) for value in information]
    if not fractions or fractions[0] <= 0.0 or any(b <= a for a, b in pairwise(fractions)):
        raise ValueError("information must be positive and increase from look to look")
    return fractions
