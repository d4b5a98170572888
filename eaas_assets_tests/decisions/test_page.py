"""The page on decisions explains every rule, fact and cap of the shipped policy."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from eaas_assets.contracts.facts import FACTS
from eaas_assets_tests.decisions.facts_by_hand import shipped

PAGE = (Path(__file__).parents[2] / "docs" / "decisions.md").read_text(encoding="utf-8")
POLICY = shipped()


def part(heading: str) -> str:
    """The text below a heading, to the next one of its level or a higher one."""
    level = heading.split(" ")[0]
    text = PAGE.split(f"\n{heading}\n", 1)[1]
    return re.split(rf"\n#{{2,{len(level)}}} ", text, maxsplit=1)[0]


@pytest.mark.parametrize(
    ("heading", "phase"),
    [
        ("### Proposals", "proposal"),
        ("### Running", "running"),
        ("### Concluded", "concluded"),
        ("### Releases", "release"),
    ],
)
def test_every_rule_is_explained_with_its_word_and_in_its_order(heading: str, phase: str) -> None:
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| .+ \|$", part(heading), re.MULTILINE)
    assert told == [(rule.rule, rule.decision) for rule in POLICY.rules if rule.phase == phase]


def test_every_fact_is_in_the_vocabulary_as_the_contract_says() -> None:
    told = [line for line in part("## Facts").splitlines() if line.startswith("| `")]
    assert told == [f"| `{fact.name}` | {fact.type} | {', '.join(fact.subjects)} | {fact.meaning} |" for fact in FACTS]


def test_every_cap_is_told() -> None:
    told = re.findall(r"^\| `(\w+)` \| (\w+) \| (\w+) \|", part("## Caps"), re.MULTILINE)
    assert told == [(cap.strength, ", ".join(cap.forbidden), cap.instead) for cap in POLICY.caps]
