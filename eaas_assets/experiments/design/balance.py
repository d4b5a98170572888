"""Were the arms alike before the treatment? Covariates by arm, corrected over all of them.

In a running experiment the comparison holds at every look, so that a nightly check does not find an imbalance that is
not there.
"""

from __future__ import annotations

from collections.abc import Iterator

from eaas_assets.errors import shown
from eaas_assets.experiments.design.finding import Finding, Subject
from eaas_assets.experiments.impact.randomised import UNPLANNED_UNITS
from eaas_assets.experiments.observations.access import RandomisedData
from eaas_assets.experiments.wording import count, number, p_text
from eaas_assets.stats.experiments.randomised import mean_difference
from eaas_assets.stats.experiments.results import Effect
from eaas_assets.stats.experiments.sequential import anytime_effect
from eaas_assets.stats.multiplicity import holm


def balance_findings(subject: Subject) -> Iterator[Finding]:
    """One finding for all covariates together."""
    data = subject.opened.randomised
    if data is None or subject.experiment.design != "randomised":
        return
    compared = {(covariate, arm): effect for covariate, arm, effect in _comparisons(subject, data) if effect.answered}
    if not compared:
        statement = "Whether the arms were alike before the treatment is not known: no covariate can be compared."
        action = "Declare a metric's value from before the treatment as its covariate; it also sharpens the estimate."
        yield Finding("assignment", "covariate_balance", "not_known", statement, action=action)
        return
    adjusted = dict(zip(compared, holm([effect.p_value for effect in compared.values()]).tolist(), strict=True))
    threshold = subject.policy.design.balance_alpha
    worst = min(adjusted, key=lambda key: adjusted[key])
    effect = compared[worst]
    evidence = {
        "threshold": threshold,
        "comparisons": [
            {
                "covariate": covariate,
                "arm": arm,
                "treatment": effect.treatment,
                "control": effect.control,
                "p_value": effect.p_value,
                "p_corrected": adjusted[covariate, arm],
            }
            for (covariate, arm), effect in compared.items()
        ],
    }
    statement = (
        f"{count(len(compared), 'comparison')} of covariates; the least balanced is {shown(worst[0], 40)} with "
        f"{number(effect.treatment)} in {worst[1]} and {number(effect.control)} in "
        f"{subject.experiment.control.name} ({p_text(adjusted[worst])} after correction)."
    )
    if adjusted[worst] >= threshold:
        yield Finding("assignment", "covariate_balance", "passed", statement, evidence)
        return
    action = (
        "Find out why the arms differed before the treatment: the assignment was not random, or the column is late."
    )
    yield Finding("assignment", "covariate_balance", "error", statement, evidence, action)


def _comparisons(subject: Subject, data: RandomisedData) -> Iterator[tuple[str, str, Effect]]:
    if getattr(subject.experiment.observations, "cluster", None) is not None:
        return  # units of one group are alike, so a comparison of units would find differences that are none
    experiment, seen = subject.experiment, set()
    planned = experiment.sample.planned if experiment.sample else UNPLANNED_UNITS
    for metric in experiment.metrics:
        if metric.covariate is None or metric.covariate in seen or metric.name in data.integrity.infinite_values:
            continue
        seen.add(metric.covariate)
        arms, column = data.moments(metric), f"{metric.name}.covariate"
        for variant in experiment.treatments:
            treatment, control = arms[variant.name], arms[experiment.control.name]
            if column not in treatment.names or column not in control.names:
                continue
            effect = mean_difference(treatment, control, column)
            if experiment.status == "running":
                share = variant.allocation + experiment.control.allocation
                effect = anytime_effect(effect, max(1, round(planned * share)))
            yield metric.covariate, variant.name, effect
