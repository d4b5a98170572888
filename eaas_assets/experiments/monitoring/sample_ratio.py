"""Do the arms hold as many units as the allocation says, at every look?"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import NamedTuple

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.experiments.impact.obstacles import prior_weight
from eaas_assets.experiments.monitoring.cumulative import kept
from eaas_assets.experiments.monitoring.watch import Finding, Watch
from eaas_assets.experiments.observations.access import RandomisedData
from eaas_assets.experiments.wording import p_text, shares
from eaas_assets.stats.experiments.srm import anytime_srm


class Assigned(NamedTuple):
    """What was randomised, by arm, up to a time."""

    at: datetime | None
    counts: dict[str, int]


def assigned(experiment: Experiment, data: RandomisedData) -> list[Assigned]:
    """Cumulative counts of what was randomised: units, or groups of them; one look where times are unknown."""
    names = [variant.name for variant in experiment.variants]
    if getattr(experiment.observations, "cluster", None) is not None and experiment.primary.kind != "quantile":
        groups = {name: data.clusters(experiment.primary, name) for name in names}
        return [Assigned(None, {name: 0 if g is None else int(g.sizes.size) for name, g in groups.items()})]
    days = data.counts_by_day()
    if not days:
        return [Assigned(None, _ordered(data.counts(), names))]
    looks = []
    total = dict.fromkeys(names, 0)
    for day in days:
        total = {name: n + day.counts.get(name, 0) for name, n in total.items()}
        looks.append(Assigned(day.day, total))
    return looks


def sample_ratio(watched: Watch) -> list[Finding]:
    """One finding per kept look; none while there is no unit."""
    experiment = watched.experiment
    planned = {variant.name: variant.allocation for variant in experiment.variants}
    threshold = watched.policy.sample_ratio.threshold
    looks = [look for look in assigned(experiment, watched.data) if sum(look.counts.values()) > 0]
    findings = []
    smallest = 1.0
    what = "groups" if watched.clustered else "units"
    weight = prior_weight(experiment)
    places = kept(len(looks), watched.policy.monitoring.maximum_looks)
    for number, place in enumerate(places, start=1):
        counts = looks[place].counts
        found = anytime_srm([tuple(counts.values())], tuple(planned.values()), threshold, weight)
        smallest = min(smallest, found.p_value)
        alarm = smallest < threshold
        says = "the arms do not hold what was planned" if alarm else "no sign of a mismatch"
        findings.append(
            Finding(
                "sample_ratio",
                f"Assigned {what}: {shares(counts, planned)}; {p_text(smallest)}, alarm below {threshold:g}: {says}.",
                sum(counts.values()),
                look=number,
                looked_at=looks[place].at,
                latest=place == places[-1],
                estimate=_largest_gap(counts, planned),
                p_value=smallest,
                threshold=threshold,
                alarm=alarm,
            )
        )
    return findings


def _largest_gap(counts: Mapping[str, int], planned: Mapping[str, float]) -> float:
    """The difference of observed and planned share that is largest in size."""
    total = sum(counts.values())
    return max((counts[arm] / total - share for arm, share in planned.items()), key=abs)


def _ordered(counts: Mapping[str, int], names: list[str]) -> dict[str, int]:
    return {name: int(counts.get(name, 0)) for name in names}
