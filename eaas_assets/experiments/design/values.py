"""Missing values: how many, and whether the arms miss them alike.

A treatment that makes units stop answering changes who is measured, so a difference between the arms is an error even
where few values are missing.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from eaas_assets.experiments.design.finding import Finding, Subject
from eaas_assets.experiments.wording import count, p_text, percent
from eaas_assets.stats.experiments.distributions import normal_sf
from eaas_assets.stats.experiments.proportions import Counts, score_z
from eaas_assets.stats.multiplicity import holm

TOLERATED_SHARE = 0.05
"""Share of missing values that both arms may have."""


def value_findings(subject: Subject) -> Iterator[Finding]:
    """One finding for all metrics of a randomised experiment."""
    data = subject.opened.randomised
    if data is None or not subject.observed:
        return
    rows = subject.rows
    if rows is None:
        statement = "How many values are missing is not known: there are only statistics of the arms."
        yield Finding("data", "missing_values", "not_known", statement)
        return
    counts = data.counts()
    missing = {
        (metric, arm): n for metric, by_arm in rows.null_values.items() for arm, n in by_arm.items() if counts.get(arm)
    }
    if not any(missing.values()):
        yield Finding("data", "missing_values", "passed", "No value of any metric is missing.")
        return
    yield _missing(subject, dict(counts), missing)


def _missing(subject: Subject, counts: dict[str, int], missing: dict[tuple[str, str], int]) -> Finding:
    control = subject.experiment.control.name
    threshold = subject.policy.design.balance_alpha
    compared = {
        (metric, arm): _p_value(n, counts[arm], missing.get((metric, control), 0), counts.get(control, 0))
        for (metric, arm), n in missing.items()
        if arm != control
    }
    corrected = dict(zip(compared, holm(list(compared.values())).tolist(), strict=True))
    worst = max(missing, key=lambda key: missing[key] / counts[key[1]])
    share = missing[worst] / counts[worst[1]]
    evidence = {
        "missing": [
            {
                "metric": metric,
                "arm": arm,
                "missing": n,
                "of": counts[arm],
                "p_corrected": _known(corrected, (metric, arm)),
            }
            for (metric, arm), n in missing.items()
        ],
        "threshold": threshold,
    }
    unlike = [key for key, p_value in corrected.items() if p_value < threshold]
    if unlike:
        metric, arm = min(unlike, key=lambda key: corrected[key])
        here, there = missing[metric, arm], missing.get((metric, control), 0)
        statement = (
            f"{metric} is missing for {percent(here / counts[arm])} of {count(counts[arm], 'unit')} in {arm} and for "
            f"{percent(there / counts[control])} of {counts[control]:,} in {control} "
            f"({p_text(corrected[metric, arm])} after correction)."
        )
        action = "Find out why the arms lose values unlike each other; those who stay cannot be compared."
        return Finding("data", "missing_values", "error", statement, evidence, action)
    statement = f"At most {percent(share)} of the values are missing ({worst[0]} in {worst[1]}), the arms alike."
    if share <= TOLERATED_SHARE:
        return Finding("data", "missing_values", "passed", statement, evidence)
    action = "Find out why values are missing: what is told holds for units that have one."
    return Finding("data", "missing_values", "warning", statement, evidence, action)


def _p_value(missing: int, n: int, missing_control: int, n_control: int) -> float:
    """Two-sided score test of equal shares of missing values; nan without units."""
    if n == 0 or n_control == 0:
        return math.nan
    return min(1.0, 2.0 * normal_sf(abs(score_z(Counts(missing, n, missing_control, n_control)))))


def _known(corrected: dict[tuple[str, str], float], key: tuple[str, str]) -> float | None:
    value = corrected.get(key, math.nan)
    return None if math.isnan(value) else value
