"""Which proposals the budget should fund: the set with the largest value after risk that the limits allow.

A whole-number programme (HiGHS by scipy); costs count in cents, and the budget is checked again exactly. Up to
200 candidates it is solved to optimality, beyond that to within 0.01 % of it; the gap is told. The same candidates in
any order give the same set. A proposal that is not worth its cost is left out before solving, so it can never change
what else is funded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from eaas_assets.contracts.conditions import exact
from eaas_assets.decisions.wording import usd
from eaas_assets.errors import EstimateRefused
from eaas_assets.wording import number

_ATTEMPTS = 20
_LARGE = 200
_LARGE_GAP = 1e-4
_NODES = 20_000


class Candidate(NamedTuple):
    """A proposal that may be funded.

    Attributes:
        value_usd: What it is expected to bring over the horizon, after its cost and the charge for risk.
        cost_usd: What starting it costs.
        high_risk: Whether it counts against the limit of high-risk experiments.
    """

    name: str
    value_usd: float
    cost_usd: float
    high_risk: bool
    population: str


@dataclass(frozen=True)
class Limits:
    """What may be spent, and how many of a kind may run at once.

    Attributes:
        budget_usd: Money for starting proposals.
        most_high_risk: Most high-risk experiments at once; None: no limit.
        most_per_population: Most experiments on one population; None: no limit.
        high_risk_running: High-risk experiments that run already.
        running: Population → experiments that run on it already.
    """

    budget_usd: float
    most_high_risk: int | None = None
    most_per_population: int | None = None
    high_risk_running: int = 0
    running: Mapping[str, int] = field(default_factory=dict)

    @property
    def high_risk_left(self) -> float:
        """Further high-risk experiments that may start."""
        return math.inf if self.most_high_risk is None else max(0, self.most_high_risk - self.high_risk_running)

    def left_on(self, population: str) -> float:
        """Further experiments that may start on a population."""
        if self.most_per_population is None:
            return math.inf
        return max(0, self.most_per_population - self.running.get(population, 0))


class Funding(NamedTuple):
    """The set that should be funded.

    Attributes:
        funded: Names.
        reasons: Why, or why not, by name; of every candidate.
        spent_usd: Cost of the set.
        value_usd: Value of the set.
        gap: Share by which a better set could be worth more; 0 where there is none.
    """

    funded: frozenset[str]
    reasons: dict[str, str]
    spent_usd: float
    value_usd: float
    gap: float


def fund(candidates: Iterable[Candidate], limits: Limits) -> Funding:
    """The most valuable set of candidates within the limits.

    Args:
        candidates: With different names.
        limits: What may be spent, and how many of a kind.

    Raises:
        EstimateRefused: The solver found no optimum, which the limits alone cannot cause: funding nothing is allowed.
    """
    ordered = sorted(candidates)
    reasons = {candidate.name: reason for candidate in ordered if (reason := _impossible(candidate, limits))}
    possible = [candidate for candidate in ordered if candidate.name not in reasons]
    chosen, gap = _best_set(possible, limits)
    funded = frozenset(candidate.name for candidate in chosen)
    spent = sum(candidate.cost_usd for candidate in chosen)
    left = float(exact(limits.budget_usd) - sum((exact(candidate.cost_usd) for candidate in chosen), exact(0)))
    for candidate in possible:
        inside = candidate.name in funded
        reasons[candidate.name] = _why(candidate) if inside else _why_not(candidate, chosen, limits, left)
    return Funding(funded, reasons, spent, sum(candidate.value_usd for candidate in chosen), gap)


def _impossible(candidate: Candidate, limits: Limits) -> str | None:
    """Why a candidate cannot be funded whatever the others are; None where it can."""
    if not candidate.value_usd > 0.0:
        return f"It is not worth its cost: after risk it is expected to bring {usd(candidate.value_usd)}."
    if exact(candidate.cost_usd) > exact(limits.budget_usd):
        return f"It costs {usd(candidate.cost_usd)}, more than the whole budget of {usd(limits.budget_usd)}."
    if candidate.high_risk and limits.high_risk_left == 0:
        return "No further high-risk experiment may run at present."
    if limits.left_on(candidate.population) == 0:
        return f"Another experiment runs on its population ({candidate.population})."
    return None


def _best_set(candidates: Sequence[Candidate], limits: Limits) -> tuple[list[Candidate], float]:
    if not candidates:
        return [], 0.0
    budget = math.floor(exact(limits.budget_usd) * 100)
    cents = [math.ceil(exact(candidate.cost_usd) * 100) for candidate in candidates]
    allowed = budget
    for _ in range(_ATTEMPTS):
        chosen, gap = _solve(candidates, cents, allowed, limits)
        over = sum(cents[place] for place in chosen) - budget
        if over <= 0:
            return [candidates[place] for place in chosen], gap
        allowed -= over  # the solver's tolerance let it through
    raise EstimateRefused("no_optimum", "no set of proposals keeps exactly to the budget")


def _solve(
    candidates: Sequence[Candidate], cents: Sequence[int], allowed: int, limits: Limits
) -> tuple[list[int], float]:
    """Places of the best set within ``allowed`` cents, and by how much it may miss the best."""
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array

    rows: list[tuple[dict[int, float], float]] = [({place: float(cost) for place, cost in enumerate(cents)}, allowed)]
    risky = {place: 1.0 for place, candidate in enumerate(candidates) if candidate.high_risk}
    if len(risky) > limits.high_risk_left:
        rows.append((risky, limits.high_risk_left))
    populations: dict[str, dict[int, float]] = {}
    for place, candidate in enumerate(candidates):
        populations.setdefault(candidate.population, {})[place] = 1.0
    rows += [
        (own, limits.left_on(population))
        for population, own in sorted(populations.items())
        if len(own) > limits.left_on(population)
    ]
    entries = [(row, place, weight) for row, (weights, _) in enumerate(rows) for place, weight in weights.items()]
    matrix = csr_array(
        ([weight for *_, weight in entries], ([row for row, *_ in entries], [place for _, place, _ in entries])),
        shape=(len(rows), len(candidates)),
    )
    values = np.array([candidate.value_usd for candidate in candidates])
    large = len(candidates) > _LARGE
    found = milp(
        -values / values.max(),
        integrality=np.ones(len(candidates), dtype=np.int64),
        bounds=Bounds(0, 1),
        constraints=LinearConstraint(matrix, -np.inf, [bound for _, bound in rows]),
        options={"mip_rel_gap": _LARGE_GAP if large else 0.0, "node_limit": _NODES},
    )
    if found.x is None:
        raise EstimateRefused("no_optimum", f"the solver found no set of proposals: {found.message}")
    gap = found.mip_gap if found.mip_gap is not None and found.mip_gap > 1e-9 else 0.0
    return [int(place) for place in np.flatnonzero(found.x > 0.5)], float(gap)


def _why(candidate: Candidate) -> str:
    per_dollar = f", {number(candidate.value_usd / candidate.cost_usd)} per dollar" if candidate.cost_usd else ""
    return (
        f"It is expected to bring {usd(candidate.value_usd)} after its cost of {usd(candidate.cost_usd)} "
        f"and the charge for risk{per_dollar}."
    )


def _why_not(candidate: Candidate, chosen: Sequence[Candidate], limits: Limits, left: float) -> str:
    worth = f"It would bring {usd(candidate.value_usd)} after risk for {usd(candidate.cost_usd)}"
    on_population = [other for other in chosen if other.population == candidate.population]
    if len(on_population) >= limits.left_on(candidate.population):
        return f"{worth}, but its population is taken by {on_population[0].name}."
    if candidate.high_risk and sum(other.high_risk for other in chosen) >= limits.high_risk_left:
        return f"{worth}, but the place for high-risk experiments is taken."
    return f"{worth}; {usd(left)} of the budget are left, and what is funded instead brings more."
