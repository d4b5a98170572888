"""What repeated trials tell of a run: how often it passes once, at least once and every time, and where it is flaky.

Belongs here: the rows of TrialReliability, one run by itself. The estimators are in ``stats.trials``; two runs are
compared elsewhere.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from eaas_assets.contracts.history import TrialReliability
from eaas_assets.contracts.tables import build
from eaas_assets.history.outcomes import families_of, segment_labels
from eaas_assets.history.record import Run, RunRecord, read_run
from eaas_assets.stats.intervals import clustered_proportion
from eaas_assets.stats.trials import TrialRate, flakiness, pass_at_k, pass_hat_k, variance_components
from eaas_assets.storage.files import canonical_json

KS = (1, 2, 3, 4, 5, 8, 10)
"""Numbers of trials that are always reported; those of MORE_KS only where a run has as many."""
MORE_KS = (16, 20, 32, 50, 64, 100)
MOST_FLAKY = 10
"""Flaky scenarios that are named."""


def trial_reliability(
    run_id: str,
    history: RunRecord,
    cluster_by: str | None,
    scoring: str | None = None,
    scenarios: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """TrialReliability of one run.

    Trials without a known result are left out: they neither passed nor failed.

    Args:
        run_id: The run in question.
        history: The one history, with this run in it.
        cluster_by: The segment that names families of scenarios; None: each scenario stands alone.
        scoring: Hash of the evaluation policy under which results count; None: the last one.
        scenarios: JourneyScenarios, for the families; None: there are none.
    """
    run = read_run(history, run_id, scoring)
    passed = run.scenarios["passed"]
    known = passed.notna().to_numpy()
    names, values = run.scenarios["scenario_id"][known], passed[known].to_numpy(dtype=np.float64)
    codes, found = pd.factorize(names, sort=True)
    tried = np.bincount(codes, minlength=len(found))
    hits = np.bincount(codes, weights=values, minlength=len(found)).astype(np.int64)
    families = families_of(segment_labels(scenarios, run.suite, pd.Series(found)), cluster_by)
    rows = [*_rates(hits, tried, families), _flakiness(hits, tried, families, found), _variance(values, codes)]
    return build(TrialReliability, [_of(run) | row for row in rows])


def _of(run: Run) -> dict[str, Any]:
    shared = {"run_id": run.run_id, "agent": run.agent, "version": run.version, "policy_hash": run.policy_hash}
    return shared | {"left_out": 0, "flakiest_json": "{}"}


def _rates(
    hits: NDArray[np.int64], tried: NDArray[np.int64], families: NDArray[np.intp] | None
) -> list[dict[str, Any]]:
    most = int(tried.max(initial=0))
    ks = [*KS, *(k for k in MORE_KS if k <= most)]
    estimators: dict[str, Callable[..., TrialRate]] = {"pass@": pass_at_k, "pass^": pass_hat_k}
    return [
        {"metric": f"{name}{k}", "k": k, **_rate(estimate(hits, tried, k, families), most)}
        for name, estimate in estimators.items()
        for k in ks
    ]


def _rate(found: TrialRate, most: int) -> dict[str, Any]:
    reason = found.rate.reason or None
    if found.n_scenarios == 0:
        reason = f"no scenario has {found.k} trials; the most that one has is {most}"
    return {
        "value": found.rate.estimate,
        "standard_error": found.rate.se,
        "low": found.rate.interval.low,
        "high": found.rate.interval.high,
        "scenarios": found.n_scenarios,
        "left_out": found.n_left_out,
        "reason": reason,
    }


def _flakiness(
    hits: NDArray[np.int64], tried: NDArray[np.int64], families: NDArray[np.intp] | None, names: pd.Index
) -> dict[str, Any]:
    shares = flakiness(hits, tried)
    known = ~np.isnan(shares)
    mean = clustered_proportion(shares[known], None if families is None else families[known])
    order = [place for place in np.argsort(-np.where(known, shares, -1), kind="stable") if shares[place] > 0]
    return {
        "metric": "flakiness",
        "value": mean.estimate,
        "standard_error": mean.se,
        "low": mean.interval.low,
        "high": mean.interval.high,
        "scenarios": int(known.sum()),
        "left_out": int((~known).sum()),
        "flakiest_json": canonical_json({str(names[place]): float(shares[place]) for place in order[:MOST_FLAKY]}),
        "reason": mean.reason or None if known.any() else "no scenario has two trials: nothing can disagree",
    }


def _variance(values: NDArray[np.float64], scenarios: NDArray[np.intp]) -> dict[str, Any]:
    parts = variance_components(values, scenarios)
    reason = parts.reason or ("every result is the same: nothing varies" if math.isnan(parts.share) else None)
    return {
        "metric": "scenario_variance_share",
        "value": parts.share,
        "scenarios": parts.n_scenarios,
        "clipped": None if math.isnan(parts.share) else parts.clipped,
        "reason": reason,
    }
