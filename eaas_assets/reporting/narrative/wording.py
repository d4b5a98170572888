"""Words that claim something: numbers in letters, decisions, directions, certainty. A narrator may not add any."""

from __future__ import annotations

import re
from collections.abc import Mapping


def _phrases(*phrases: str) -> re.Pattern[str]:
    """Any of the phrases as whole words, whatever their case."""
    return re.compile(rf"\b(?:{'|'.join(phrases)})\b", re.IGNORECASE)


NUMBER_WORD = _phrases(
    "zero|nought|nil|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve",
    "(?:thir|four|fif|six|seven|eigh|nine)teen|(?:twen|thir|for|fif|six|seven|eigh|nine)ty",
    "hundreds?|thousands?|millions?|billions?|dozens?|half|halves|halved?|halving|thirds?|quarters?|quartered|fifths?",
    r"tenths?|once|twice|thrice|doubl\w+|tripl\w+|trebl\w+|quadrupl\w+|\w+fold|single|couple|pair|both|most",
    "majority|minority|all|every|everyone|none|nobody|always|several|many|few",
)
"""A number or a share in letters: what it says cannot be compared with a figure."""

DECISIONS: Mapping[str, re.Pattern[str]] = {
    "do_not_start": _phrases("(?:do(?:es)?|should|must|is|are) not (?:be )?start(?:ed)?", "not to start"),
    "fix_design": _phrases("fix(?:es|ed|ing)?(?: the| its)? design"),
    "start": _phrases(r"start(?:s|ed|ing)?|begin(?:s|ning)?|began|begun|launch\w*"),
    "continue": _phrases(r"continu\w*|carry on|keep (?:going|running)"),
    "pause": _phrases(r"paus(?:e[ds]?|ing)|hold(?:s|ing)?|suspend\w*|wait(?:s|ing)?"),
    "scale": _phrases(
        r"scal(?:e[ds]?|ing)|roll(?:s|ed|ing)? (?:it )?out|rollout|ship(?:s|ped|ping)?|adopt\w*|expand\w*|deploy\w*",
        "go(?:es|ing)? live",
    ),
    "pivot": _phrases(r"pivot\w*|change (?:of )?course|rework\w*"),
    "retire": _phrases(
        r"retir\w*|stop(?:s|ped|ping)?|halt\w*|kill\w*|abandon\w*|cancel\w*|end(?:s|ed|ing)?",
        "roll(?:s|ed|ing)? (?:it )?back",
    ),
}
"""Decision word → how people say it. The longest phrases stand first."""

CLAIMS: Mapping[str, re.Pattern[str]] = {
    "up": _phrases(r"r[io]s(?:e[ns]?|ing)|increas\w*|high(?:er|est)?|gr[eo]w\w*|gain\w*|more|up|above|exceed\w*"),
    "down": _phrases(
        r"fell|fall(?:s|en|ing)?|decreas\w*|low(?:er|est)?|drop\w*|declin\w*|los(?:es?|t|s|ses|ing)|less|fewer|down",
        r"below|reduc\w*|shr[aiu]nk\w*",
    ),
    "good": _phrases(
        r"better|best|good|great|improv\w*|w[io]ns?|winning|winner\w*|succe\w*|benefi\w*|safe\w*|profit\w*|posit\w*",
        "work(?:s|ed)|clear(?:s|ed)?|healthy",
    ),
    "bad": _phrases(
        r"worse\w*|worst|bad|poor\w*|harm(?!less)\w*|fail\w*|danger\w*|damag\w*|unsafe|negativ\w*|risk\w*|hurt\w*",
        r"broke\w*",
    ),
    "harmless": _phrases("harmless|unharmed|riskless"),
    "negation": _phrases(
        r"not|no|never|neither|nor|cannot|\w+n['’]t|without|hardly|barely|instead|rather|unless|despite|contrary",
        r"ignor\w*|refus\w*|wrong\w*|false\w*|mistak\w*|un(?:true|likely)",
    ),
    "against": _phrases("against"),  # also a word of comparisons, which may not lend a fact's sentence a "not"
    "certainty": _phrases(
        r"certain\w*|prov(?:e[ns]?|ed|ing)|proof|guarantee\w*|sure\w*|definit\w*|significan\w*|undoubted\w*|clearly",
        r"obvious\w*|confiden\w*",
    ),
    "approval": _phrases(r"approv\w*|agree\w*|authori[sz]\w*|sign(?:s|ed)?|permit\w*|waiv\w*"),
    "rejection": _phrases(r"reject\w*|overr[iu]l\w*|overrid\w*|den(?:y|ie[ds])"),
}
"""Class of claim → its words. A class in a narrator's sentence must stand in the fact that the sentence retells."""


def decisions_in(text: str) -> list[str]:
    """The decisions that ``text`` speaks of, in their order."""
    found: list[tuple[int, str]] = []
    rest = text
    for decision, pattern in DECISIONS.items():
        found += [(match.start(), decision) for match in pattern.finditer(rest)]
        rest = pattern.sub(lambda match: " " * len(match.group()), rest)
    return [decision for _, decision in sorted(found)]


def claims_in(text: str) -> set[str]:
    """The classes of claim in ``text``; what belongs to a decision's own name is none."""
    rest = DECISIONS["do_not_start"].sub(" ", text)
    return {name for name, pattern in CLAIMS.items() if pattern.search(rest)}
