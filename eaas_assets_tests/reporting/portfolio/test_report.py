import itertools
import json
import re
import time
from dataclasses import replace
from datetime import timedelta
from functools import cache
from pathlib import Path

import pandas as pd
import pytest

from eaas_assets.contracts.tables import build
from eaas_assets.reporting.portfolio.report import portfolio_page, render_portfolio_report
from eaas_assets_tests.reporting.experiment.world import portfolio_row
from eaas_assets_tests.reporting.hostile import PAYLOADS, Page, has_invisible, prose, rendered_markdown
from eaas_assets_tests.reporting.portfolio import world

EXPECTED = Path(__file__).parent / "expected" / "report.md"
TABLES = world.make_tables()
SECTIONS = ["What worked", "What did not work", "What is still open", "What was proposed", "What happens next",
            "What would change the recommendations", "Ranking and money", "Which proposals to fund", "Agent versions",
            "Money", "Risk and its concentration", "Pace and error budget", "What was learned", "Trace"]  # fmt: skip
JOINED = {"decisions": {"decision_id"}, "counterfactuals": {"decision_id"}, "portfolio": {"status"},
          "summary": {"unit", "figure", "grouping"}}  # fmt: skip
JSONS = {"decisions": {"missing_json": lambda text: {"roles": [text], "people": 3}}}


def texts_of(name):
    """Columns of a table in which someone else's text may stand, by its contract."""
    return [column for column, spec in world.CONTRACTS[name].to_schema().columns.items()
            if "str" in str(spec.dtype) and not column.endswith("_json") and column not in JOINED.get(name, set())
            and not any(check.name == "isin" for check in spec.checks)]  # fmt: skip


def written_by_others(text):
    """The portfolio with ``text`` wherever anyone can write."""
    changed = {}
    for name in world.CONTRACTS:
        table = getattr(TABLES, name).head(4)
        changed[name] = table.assign(**dict.fromkeys(texts_of(name), text)).assign(
            **{column: json.dumps(make(text)) for column, make in JSONS.get(name, {}).items()}
        )
    groups = TABLES.summary[TABLES.summary["grouping"].notna()].head(2)
    changed["summary"] = pd.concat([changed["summary"].assign(group=None), groups.assign(group=text, statement=text)])
    return replace(TABLES, **changed, pages={}, data_versions={text: text}, audit_head=text)


@pytest.fixture(scope="module")
def report():
    return render_portfolio_report(TABLES)


@pytest.fixture(scope="module")
def page(report):
    return Page(report.html)


def test_the_markdown_is_as_reviewed(report):
    """To accept a change: ``python -m eaas_assets_tests.reporting.portfolio.test_report``."""
    assert report.markdown == EXPECTED.read_text("utf-8")


def test_the_page_begins_with_what_is_to_be_done_in_one_sentence(report, page):
    assert report.verdict == (
        "10 experiments: 1 to scale, 1 to change course, 2 to pause, 1 to continue, 1 to retire, 1 to start, "
        "1 to mend before they start, 1 not to start and 1 without a decision."
    )
    assert page.words.index("1 decision waiting for approval") < page.words.index(report.verdict)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_there(report, page, section):
    assert f"## {section}" in report.markdown
    assert section in page.words


@pytest.mark.parametrize(
    "fact",
    ["USD 120,000", "interval USD −4,000 to 260,000", "Rule retire holds for E003.", "Rule scale holds for E001.",
     "USD 11,000 to 81,000", "With no harmed segment it would be: scale.", "400 units, 12 days, USD 1,600 more",
     "legal, signed", "1 of 2 proposals should be funded.", "It fits the budget.", "no variance was given",
     "v1.1 loses 2 of 10 scenarios.", "5 of 10", "In support 2 of 6 experiments worked.", "35 %, interval 10–66 %",
     "0.4 of 3 wins are expected to be none.", "42 9f8e7d6c", "its owner may not approve it"],
)  # fmt: skip
def test_every_fact_is_in_both_formats(report, page, fact):
    assert fact in page.words
    assert fact in report.markdown.replace("\\", "")


def test_an_experiment_leads_to_its_own_page(report, page):
    assert ("a", "href", "experiments/E001.html") in page.attributes
    assert "[E001](experiments/E001.html)" in report.markdown
    with pytest.raises(ValueError, match="must be relative"):
        render_portfolio_report(replace(TABLES, pages={"E001": "javascript:alert(1)"}))


def test_the_page_loads_and_runs_nothing(report, page):
    assert page.unsafe == []
    assert page.open == []
    assert page.tags.count("svg") == 1
    assert not re.search(r"https?:|url\((?!#)|@import", report.html)


def test_the_page_can_be_read_by_machines_and_assistive_technology(page):
    headings = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    assert len(page.ids) == len(set(page.ids))


@cache
def rendered_harmless():
    return render_portfolio_report(written_by_others("harmless"))


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_is_inert(payload):
    harmless = rendered_harmless()
    report = render_portfolio_report(written_by_others(payload))
    page = Page(report.html)
    assert page.unsafe == []
    assert page.tags == Page(harmless.html).tags
    assert not has_invisible(report.html)
    assert not has_invisible(report.markdown)
    assert len(report.html) < 400_000
    told = rendered_markdown(report.markdown)
    assert [tag for tag in told.tags if tag != "code"] == [
        tag for tag in rendered_markdown(harmless.markdown).tags if tag != "code"
    ]
    assert not re.search(r"(?i)://|www\.|\w@\w|mailto:\w", prose(report.markdown))


def test_nulls_are_dashes_with_reasons():
    emptied = {}
    for name, contract in world.CONTRACTS.items():
        nullable = [column for column, schema in contract.to_schema().columns.items() if schema.nullable]
        rows = getattr(TABLES, name).to_dict("records")
        emptied[name] = build(contract, [row | dict.fromkeys(nullable) for row in rows])
    report = render_portfolio_report(replace(TABLES, **emptied))
    for told in (Page(report.html).words, report.markdown):
        assert not re.search(r"\b(None|nan|NaN|NaT|<NA>|null)\b", told)
        assert "USD 0" not in told
        assert "not known" in told


@pytest.mark.parametrize("table", world.CONTRACTS)
def test_any_table_may_be_empty(table):
    report = render_portfolio_report(replace(TABLES, **{table: getattr(TABLES, table).head(0)}))
    assert Page(report.html).unsafe == []
    assert Page(report.html).open == []


def test_a_portfolio_of_nothing_says_so():
    report = render_portfolio_report(world.empty_tables())
    assert report.verdict == "No experiment is registered yet."
    assert "Nothing decided yet" in report.html
    assert "svg" not in Page(report.html).tags


def test_the_most_money_waits_first():
    pending = TABLES.decisions.assign(state="pending_approval", at_stake_usd=[float(n) for n in range(10)])
    pending.loc[3, "at_stake_usd"] = None
    page = portfolio_page(replace(TABLES, decisions=pending))
    following = next(section for section in page.sections if section.anchor == "next")
    waiting = next(part.value for part in following.parts if part.kind == "table")
    assert [row[2].text for row in waiting.rows][:2] == ["USD 8", "USD 7"]
    assert waiting.rows[-1][2].text == "– (not known)"


def many(count):
    rows = [portfolio_row(experiment_id=f"X{place:05d}", title=f"Change {place}", rank=place + 1,
                          decision=world.WORDS[place % 8], decision_state="made", owner=f"owner{place % 300}",
                          expected_value_usd=1e6 / (place + 1) - 2e3, value_low_usd=-5e5, value_high_usd=2e6,
                          domain=f"domain{place % 40}")
            for place in range(count)]  # fmt: skip
    decisions = [world.decision_rows()[0] | {"decision_id": f"{place:064d}", "subject_id": f"X{place:05d}",
                                             "decision": world.WORDS[place % 8],
                                             "state": "pending_approval" if place % 5 == 0 else "made",
                                             "next_review_on": world.AT + timedelta(days=place % 90)}
                 for place in range(count)]  # fmt: skip
    flips = pd.concat([TABLES.counterfactuals.assign(decision_id=f"{place:064d}") for place in range(0, count, 10)])
    return replace(TABLES, portfolio=build(world.ExperimentPortfolio, rows),
                   decisions=build(world.Decisions, decisions), counterfactuals=flips)  # fmt: skip


def test_five_thousand_experiments_are_a_readable_page_within_seconds():
    tables = many(5000)
    began = time.perf_counter()
    report = render_portfolio_report(tables)
    assert time.perf_counter() - began < 10
    assert len(report.html) < 250_000
    page = Page(report.html)
    assert page.tags.count("tr") < 250
    for told in ("5,000 experiments: 625 to scale", "615 more rows not shown here: see the table experiment_portfolio.",
                 "The best 15 and the worst 10 of 5,000", "1,000 of 5,000 current decisions wait for approval.",
                 "X00000: Change 0", "X04999: Change 4999", "counted by domain"):  # fmt: skip
        assert told in page.words


if __name__ == "__main__":
    EXPECTED.parent.mkdir(exist_ok=True)
    EXPECTED.write_text(render_portfolio_report(TABLES).markdown, "utf-8")
