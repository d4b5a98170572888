"""The engine: facts and a policy in, a ruling out. Rules are data (`contracts.decision_policy`), never code.

In each phase the first rule whose conditions all hold decides; the strength of the design then caps the word. Nothing
else is looked at: the same facts under the same policy give the same ruling.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from eaas_assets.contracts.conditions import Facts
from eaas_assets.contracts.decision_policy import DecisionPolicy, Phase, Rule, Word
from eaas_assets.contracts.documents import validate_document
from eaas_assets.decisions.wording import filled
from eaas_assets.errors import InputError, PolicyError
from eaas_assets.storage.yaml_documents import read_yaml

POLICY_FILE = "policies/decisions.yaml"


class Fired(NamedTuple):
    """Which rule decides and what comes of it, without words for people.

    Attributes:
        position: Of the rule among those of its phase, from 1.
        word: The decision, capped.
        capped_from: The rule's word where the strength of the design forbids it.
    """

    rule: Rule
    position: int
    word: Word
    capped_from: Word | None


class Ruling(NamedTuple):
    """A decision and why.

    Attributes:
        rule: The rule that fired.
        position: Among the rules of its phase, from 1.
        word: The decision.
        capped_from: Word of the rule where the design's strength caps it.
        rationale: Why, in one sentence (two with a cap).
        missing: Facts that were not known and for want of which an earlier rule did not fire, sorted.
    """

    rule: Rule
    position: int
    word: Word
    capped_from: Word | None
    rationale: str
    missing: tuple[str, ...]


def read_decision_policy(root: Path) -> DecisionPolicy:
    """The policy of a data folder.

    Raises:
        PolicyError: The file is missing, cannot be read, or asks about a fact that does not exist.
    """
    try:
        return validate_document(DecisionPolicy, read_yaml(root, POLICY_FILE))
    except InputError as error:
        raise PolicyError(str(error)) from error


def rule_on(facts: Facts, phase: Phase, policy: DecisionPolicy) -> Ruling:
    """What the policy decides.

    Raises:
        PolicyError: The policy has no rule for the phase.
    """
    fired = fire(facts, phase, policy)
    rationale = filled(fired.rule.because, facts)
    if fired.capped_from is not None:
        cap = policy.cap_of[strength_of(facts)]
        rationale = f"{rationale} {cap.because}"
    return Ruling(*fired, rationale, missing_facts(facts, phase, policy, fired.position))


def fire(facts: Facts, phase: Phase, policy: DecisionPolicy) -> Fired:
    """The rule that fires and its word, capped; as :func:`rule_on` without words for people."""
    for position, rule in enumerate(policy.by_phase[phase], start=1):
        if all(condition.holds(facts) for condition in rule.when):
            return Fired(rule, position, *capped(rule.decision, facts, policy))
    raise PolicyError(f"policies/decisions.yaml has no rule for phase {phase}")


def capped(word: Word, facts: Facts, policy: DecisionPolicy) -> tuple[Word, Word | None]:
    """The word that the strength of the design allows, and the one that it forbids."""
    cap = policy.cap_of.get(strength_of(facts))
    return (cap.instead, word) if cap is not None and word in cap.forbidden else (word, None)


def strength_of(facts: Facts) -> str:
    """Strength of the design. One that is not known counts as none: what is missing can never lift a cap."""
    return str(facts.get("design.strength", "none"))


def missing_facts(facts: Facts, phase: Phase, policy: DecisionPolicy, position: int) -> tuple[str, ...]:
    """Facts that kept rules before ``position`` from firing by being unknown, while all that is known of them holds."""
    found: set[str] = set()
    for rule in policy.by_phase[phase][: position - 1]:
        failed = [condition for condition in rule.when if not condition.holds(facts)]
        if failed and all(facts.get(condition.field) is None for condition in failed):
            found.update(condition.field for condition in failed)
    return tuple(sorted(found))
