"""What forbids every estimate of an experiment, whatever its numbers say.

Belongs here: conditions of the whole experiment. Why one metric cannot be estimated is told by its estimator.
"""

from __future__ import annotations

from typing import NamedTuple

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.errors import shown
from eaas_assets.experiments.observations.access import Integrity, Opened, RandomisedData
from eaas_assets.stats.experiments.srm import DEFAULT_CONCENTRATION, SrmResult, anytime_srm, concentration_for, srm_test
from eaas_assets.wording import count


class Obstacle(NamedTuple):
    """Why no effect is told: a stable code, and a sentence."""

    code: str
    reason: str


def obstacle(experiment: Experiment, opened: Opened, policy: ExperimentPolicy) -> Obstacle | None:
    """The first thing that forbids every estimate; None if there is none.

    Args:
        experiment: The document.
        opened: Its observations.
        policy: Rules.
    """
    integrity = integrity_of(opened)
    if integrity is None or opened.kind == "nothing":
        yet = "" if experiment.status in ("concluded", "archived") else " yet"
        return Obstacle("no_observations", f"there are no observations{yet}")
    if opened.panel is not None and not opened.panel.unit.size:
        return Obstacle("no_observations", _no_row(integrity))
    if integrity.measured_before_treatment:
        return Obstacle("measured_before_treatment", "outcomes are dated before their unit met its arm")
    return _declared(experiment, opened) or _of_assignment(experiment, opened.randomised, policy, opened)


def integrity_of(opened: Opened) -> Integrity | None:
    """What was found wrong with the rows; None without observations."""
    source = opened.randomised or opened.paired or opened.panel
    return None if source is None else source.integrity


def _declared(experiment: Experiment, opened: Opened) -> Obstacle | None:
    conditions = experiment.conditions
    if conditions.changed_mid_test:
        what = shown(conditions.changed_mid_test)
        return Obstacle("changed_mid_test", f"what was tested was changed while it ran: {what}")
    if conditions.interference and not _groups_contain_it(experiment, opened):
        return Obstacle(
            "interference", "units can influence each other, so units of the control arm met the treatment too"
        )
    return None


def _groups_contain_it(experiment: Experiment, opened: Opened) -> bool:
    """Whether units that influence each other are compared as one: randomised in groups, or without a control arm."""
    if experiment.design == "before_after":
        return True
    return opened.randomised is not None and getattr(experiment.observations, "cluster", None) is not None


def _of_assignment(
    experiment: Experiment, data: RandomisedData | None, policy: ExperimentPolicy, opened: Opened
) -> Obstacle | None:
    if data is None:
        return None
    if not any(data.counts().values()):
        if data.integrity.unknown_variants:
            names = ", ".join(shown(name, 40) for name in list(data.integrity.unknown_variants)[:5])
            return Obstacle("unknown_variant_only", f"every row is of an arm that is not declared: {names}")
        return Obstacle("no_observations", _no_row(data.integrity))
    found = sample_ratio(experiment, data, policy)
    if found.mismatch:
        counts = " : ".join(f"{count:,}" for count in found.counts)
        plan = " : ".join(f"{share:,.0f}" for share in found.expected)
        return Obstacle(
            "sample_ratio_mismatch",
            f"{counts} {'units' if not _clustered(data, experiment) else 'clusters'} came where {plan} were planned "
            f"(p = {found.p_value:.2g}): units were lost or assigned wrongly",
        )
    return None


def _no_row(integrity: Integrity) -> str:
    """Why no row is left of those that could be read."""
    found = (
        (integrity.rows_before_start, "row", "before the planned start"),
        (integrity.rows_after_end, "row", "after the planned end"),
        (integrity.conflicting_rows, "row", "in contradiction to another one"),
        (integrity.units_in_two_arms, "unit", "in two arms or with two dates of treatment"),
    )
    told = ", ".join(f"{count(n, what)} {where}" for n, what, where in found if n)
    return f"no row can be used: {told}" if told else "no row can be used"


def sample_ratio(experiment: Experiment, data: RandomisedData, policy: ExperimentPolicy) -> SrmResult:
    """The check that forbids effects: of clusters where these were assigned; at every look while it is running."""
    arms = [variant.name for variant in experiment.variants]
    allocation = [variant.allocation for variant in experiment.variants]
    threshold = policy.sample_ratio.threshold
    looks = _looks(experiment, data, arms)
    if experiment.status == "running" and any(looks[-1]):
        return anytime_srm(looks, allocation, threshold, prior_weight(experiment))
    return srm_test(looks[-1], allocation, threshold)


def prior_weight(experiment: Experiment) -> float:
    """How close to the plan the test that may be read at every look expects a mismatch, here and in monitoring.

    Groups that are randomised have no planned number, so the least weight, which sees large mismatches, is theirs.
    """
    if _in_groups(experiment):
        return concentration_for(0.0)
    return DEFAULT_CONCENTRATION if experiment.sample is None else concentration_for(experiment.sample.planned)


def _looks(experiment: Experiment, data: RandomisedData, arms: list[str]) -> list[list[int]]:
    """Cumulative counts of what was randomised, at the end of each day where days are known."""
    if _clustered(data, experiment):
        clusters = [data.clusters(experiment.primary, arm) for arm in arms]
        return [[0 if one is None else int(one.sizes.size) for one in clusters]]
    so_far = [0] * len(arms)
    looks = []
    for day in (data.counts_by_day() if experiment.status == "running" else None) or ():
        so_far = [count + day.counts.get(arm, 0) for count, arm in zip(so_far, arms, strict=True)]
        looks.append(so_far)
    return looks or [[data.counts()[arm] for arm in arms]]


def _in_groups(experiment: Experiment) -> bool:
    return experiment.primary.kind != "quantile" and getattr(experiment.observations, "cluster", None) is not None


def _clustered(data: RandomisedData, experiment: Experiment) -> bool:
    return _in_groups(experiment) and data.clusters(experiment.primary, experiment.control.name) is not None
