"""The record of everything that was tried: counts by domain and type, and what they say of the next of a kind."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from eaas_assets.contracts.portfolio_policy import PriorRule
from eaas_assets.decisions.portfolio.entries import BEFORE_AFTER, Entry
from eaas_assets.decisions.portfolio.priors import EffectPrior, effect_prior
from eaas_assets.decisions.portfolio.rates import Rate, overall_rate, success_rate
from eaas_assets.decisions.portfolio.shrinkage import Shrinkage, shrink_by_class

Kind = tuple[str, str]
"""Domain and type of change."""


@dataclass
class Tally:
    """What came of the experiments of one kind that have ended."""

    experiments: int = 0
    worked: int = 0
    harmed: int = 0
    no_effect: int = 0
    inconclusive: int = 0
    refused: int = 0

    @property
    def answered(self) -> int:
        """Experiments with an answer."""
        return self.experiments - self.refused

    def add(self, verdict: str) -> None:
        """Count one more."""
        name = {"improved": "worked", "harmed": "harmed", "no_effect_shown": "no_effect", "refused": "refused"}.get(
            verdict, "inconclusive"
        )
        self.experiments += 1
        setattr(self, name, getattr(self, name) + 1)


@dataclass(frozen=True)
class Record:
    """Everything that was learned.

    Attributes:
        rule: What is believed without a record.
        overall: Rate of all experiments, drawn towards the policy's.
        kinds: Counts by domain and type, without comparisons with the own past; what was never tried has no entry.
        shrinkage: All effects after shrinkage, and their classes.
    """

    rule: PriorRule
    overall: Rate
    kinds: dict[Kind, Tally]
    shrinkage: Shrinkage

    def rate_of(self, kind: Kind) -> Rate:
        """Success rate of a kind; of one that was never tried, that of all experiments with the doubt of a new kind."""
        tally = self.kinds.get(kind, Tally())
        return self.rate(tally.worked, tally.answered)

    def rate(self, worked: int, answered: int) -> Rate:
        """Success rate of these counts, drawn towards that of all experiments."""
        return success_rate(worked, answered, self.overall.estimate, self.rule.success_weight, self.rule.level)

    def prior_of(self, effect_class: str) -> EffectPrior:
        """What to expect of the next effect of a class; comparisons with the own past do not tell what to expect."""
        return effect_prior(self.shrinkage.classes.get(effect_class.removesuffix(BEFORE_AFTER)), self.rule)


def ended_verdict(entry: Entry) -> str | None:
    """The verdict that counts in the record; None while an experiment runs or where nothing was analysed.

    An improvement that harms a guardrail is harm: it did not work. A comparison with its own past cannot tell.
    """
    finding = entry.finding
    if finding is None or not entry.ended:
        return None
    if finding.verdict != "refused" and not can_tell(entry):
        return "inconclusive"
    return "harmed" if finding.harmed_guardrails and finding.verdict == "improved" else finding.verdict


def can_tell(entry: Entry) -> bool:
    """Whether its design can tell if the change worked; a comparison with its own past cannot."""
    return entry.finding is not None and entry.finding.strength != "before_after"


def read_record(entries: Iterable[Entry], rule: PriorRule) -> Record:
    """The record of all experiments that have ended; effects of running ones help to tell how effects spread.

    Args:
        entries: All experiments.
        rule: What is believed without a record.
    """
    known = list(entries)
    kinds: dict[Kind, Tally] = {}
    for entry in known:
        verdict = ended_verdict(entry)
        if verdict is not None and can_tell(entry):
            kinds.setdefault((entry.domain, entry.type), Tally()).add(verdict)
    worked = sum(tally.worked for tally in kinds.values())
    answered = sum(tally.answered for tally in kinds.values())
    shrinkage = shrink_by_class(
        (entry.effect for entry in known if entry.effect is not None), rule.level, rule.fewest_experiments
    )
    return Record(rule, overall_rate(worked, answered, rule), kinds, shrinkage)
