"""Whether a narrator's text may be shown: it adds no number, no decision and no claim to the facts that it was given.

Every sentence with numbers must retell one fact whole: all its numbers with their units, in its order, so that none is
made up, torn from its denominator or interval, or set beside another. What this cannot find is a true number beside a
wrong name; the decision, its reason and the key figures stand above the text in this package's own words.
"""

from __future__ import annotations

import html
import re
import unicodedata

import nh3

from eaas_assets.reporting.narrative.facts import Facts
from eaas_assets.reporting.narrative.figures import Figure, figures
from eaas_assets.reporting.narrative.wording import NUMBER_WORD, claims_in, decisions_in
from eaas_assets.reporting.text import visible

LIMIT = 1_500
"""Characters of a text that is shown."""

_SENTENCE_END = re.compile(r"(?<=[.!?])\s+")
_MARKUP = re.compile(r"[\[\]<>{}|*`#~\\^]")
_ADDRESS = re.compile(r"://|\bwww\.|@|\b(?:mailto|javascript|data|https?):|\b[\w-]+\.[a-z]{2,}\b", re.IGNORECASE)
_TYPOGRAPHY = frozenset("’‘“”–—…−×")
_DENIALS = frozenset({"negation", "against", "rejection"})
_WORD = re.compile(r"\w+")


def plain(text: str) -> str:
    """``text`` without any HTML, in one line."""
    return " ".join(html.unescape(nh3.clean(text, tags=set(), clean_content_tags={"script", "style"})).split())


def fault(text: str, facts: Facts) -> str:
    """Why ``text``, as :func:`plain` gives it, may not be shown; empty for a text that may."""
    if not text:
        return "it is empty"
    if len(text) > LIMIT:
        return f"it is longer than {LIMIT:,} characters"
    return _foreign(text, facts) or _untold(text, facts) or _undecided(text, facts)


def _foreign(text: str, facts: Facts) -> str:
    """Markup, addresses, and characters or names that the facts do not have."""
    known = " ".join([facts.subject, *facts.statements])
    if visible(text) != text:
        return "it has invisible characters"
    strange = sorted(set(text) - set(known) - _TYPOGRAPHY - set(map(chr, range(128))))
    if strange:
        return f"it has a character that the facts have not: U+{ord(strange[0]):04X}"
    if any(not character.isascii() and unicodedata.numeric(character, None) is not None for character in text):
        return "it has a number in other signs than digits"
    if _MARKUP.search(text):
        return "it has markup"
    addresses = {match.group() for match in _ADDRESS.finditer(text)} - {
        match.group() for match in _ADDRESS.finditer(known)
    }
    if addresses:
        return "it has an address"
    names = {word for word in _WORD.findall(text) if "_" in word} - set(_WORD.findall(known))
    return f"it has a name that the facts have not: {min(names)[:40]}" if names else ""


def _untold(text: str, facts: Facts) -> str:
    """A sentence that retells no fact."""
    known = set().union(*map(_in_letters, facts.statements))
    if added := _in_letters(text) - known:
        return f"it has a number or share in letters: {min(added)[:20]}"
    for sentence in _SENTENCE_END.split(text):
        if not any(_retells(sentence, fact, facts) for fact in facts.statements):
            return f"a sentence has numbers or claims that no single fact has: {sentence[:80]}"
    return ""


def _retells(sentence: str, fact: str, facts: Facts) -> bool:
    told = _without_subject(figures(sentence), facts)
    if told and told != _without_subject(figures(fact), facts):
        return False
    if not facts.decision and decisions_in(sentence) not in ([], decisions_in(fact)):
        return False
    return claims_in(sentence) <= claims_in(fact) and _in_letters(sentence) <= _in_letters(fact)


def _in_letters(text: str) -> set[str]:
    """Numbers and shares that are written as words."""
    return {match.group().lower() for match in NUMBER_WORD.finditer(text)}


def _without_subject(found: tuple[Figure, ...], facts: Facts) -> list[Figure]:
    """Figures that are no part of the subject's name, such as ``E105``."""
    named = {figure.value for figure in figures(facts.subject) if isinstance(figure.value, str)}
    return [figure for figure in found if figure.value not in named]


def _undecided(text: str, facts: Facts) -> str:
    """A decision that is missing, another, or denied. Without one, each sentence was held to its fact already."""
    if not facts.decision:
        return ""
    spoken = decisions_in(text)
    if others := sorted(set(spoken) - {facts.decision}):
        return f"it speaks of another decision: {others[0].replace('_', ' ')}"
    if not spoken:
        return "it leaves the decision out"
    for sentence in _SENTENCE_END.split(text):
        if decisions_in(sentence) and claims_in(sentence) & _DENIALS:
            return "it denies the decision"
    return ""
