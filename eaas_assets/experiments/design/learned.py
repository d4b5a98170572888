"""What earlier experiments teach the next design: how often a win is one, and how large the changes are that help.

Learned elsewhere (`decisions.learning`) and handed over as plain numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from eaas_assets.experiments.design.finding import Finding, Subject
from eaas_assets.experiments.wording import percent

_NOTHING: Mapping[str, float] = {}


class Learned(NamedTuple):
    """Numbers from experiments that have ended.

    Attributes:
        win_shares: Domain → share of its experiments that truly won.
        gains: Hypothesis type and kind of the primary metric (``growth, proportion``) → relative benefit that half of
            the changes that help at all reach; only of classes that have estimates of their own.
    """

    win_shares: Mapping[str, float] = _NOTHING
    gains: Mapping[str, float] = _NOTHING


NOTHING_LEARNED = Learned()


def typical_effect(subject: Subject, power: Sequence[Finding], learned: Learned) -> Iterator[Finding]:
    """Whether a proposal would see what changes of its class usually bring; nothing where that is not known.

    Args:
        subject: The proposal.
        power: Findings of its power: the smallest effect that its units show.
        learned: From experiments that have ended.
    """
    experiment = subject.experiment
    name = f"{experiment.hypothesis_type}, {experiment.primary.kind}"
    gain = learned.gains.get(name)
    evidence = next((finding.evidence for finding in power if finding.check == "detectable_effect"), {})
    detectable, baseline = evidence.get("detectable_effect"), evidence.get("baseline")
    if not subject.proposed or gain is None or not detectable or not baseline:
        return
    shown = abs(float(detectable)) / abs(float(baseline))
    says = (
        f"Half of the changes of its class ({name}) that helped brought {percent(gain)} or more; "
        f"the planned units show {percent(shown)}"
    )
    said = {"typical_gain": gain, "detectable_relative_effect": shown}
    if shown <= gain:
        yield Finding("sample", "typical_effect", "passed", f"{says}.", said)
    else:
        action = "Plan more units, or a sharper metric, unless the change is expected to bring more than others did."
        yield Finding("sample", "typical_effect", "warning", f"{says}: it would miss most of them.", said, action)
