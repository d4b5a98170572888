import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from eaas_assets.reporting import markdown, views
from eaas_assets_tests.reporting.hostile import PAYLOADS, prose, rendered_markdown

LOOKS_LIVE = re.compile(r"(?i)://|www\.|\w@\w|mailto:\w")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_prose_stays_one_paragraph_of_text(payload):
    page = rendered_markdown(markdown.escaped(payload[:5000]))
    assert page.tags == ["p"]
    assert page.unsafe == []
    assert not LOOKS_LIVE.search(page.words)


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: text.strip()))
def test_any_prose_stays_one_paragraph_of_text(text):
    tags = rendered_markdown(markdown.escaped(text)).tags
    assert set(tags) <= {"p", "pre", "code"}  # text that begins with four spaces becomes a code block, which is inert


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_fence_cannot_be_closed_from_within(payload):
    page = rendered_markdown(f"before\n\n{markdown.fenced(payload[:5000])}\n\nafter")
    assert page.tags == ["p", "pre", "code", "p"]
    assert page.text[-2:][0].strip() == "after" or page.text[-1].strip() == "after"


@given(st.text(alphabet="`|\\ a\n", min_size=1, max_size=12))
def test_inline_code_is_one_piece_whatever_it_holds(text):
    page = rendered_markdown(f"x {markdown.code(text)} y")
    assert page.tags in (["p", "code"], ["p"])
    assert page.words.startswith("x")
    assert page.words.strip().endswith("y")


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_a_cell_cannot_leave_its_cell(payload):
    columns = ["a", views.Column("b", True), payload[:200]]
    rows = [(views.words(payload), views.figure("1"), views.code(payload)) for _ in range(3)]
    page = rendered_markdown(markdown.table(views.table("caption", columns, rows, "source")))
    assert [tag for tag in page.tags if tag not in {"code", "p", "strong"}] == [
        "table", "thead", "tr", "th", "th", "th", "tbody", *["tr", "td", "td", "td"] * 3,
    ]  # fmt: skip


def test_addresses_in_prose_are_no_links_to_any_reader():
    for address in ("https://evil.example", "www.evil.example", "b@evil.example", "HTTPS://EVIL.example"):
        assert not LOOKS_LIVE.search(prose(markdown.escaped(address)))


def test_ordinary_prose_stays_readable():
    assert markdown.escaped("0.5 of issue_type (70 %), −20 points; S006, S008.") == (
        "0.5 of issue_type (70 %), −20 points; S006, S008."
    )


def test_a_table_says_what_it_does_not_show():
    view = views.table("Runs", ["Run"], [(views.code("R1"),)], "run_metrics", total=1201)
    assert "1,200 more rows not shown here: see the table run_metrics." in markdown.table(view)


def test_escaped_text_reads_as_it_was_written():
    said = "a*b_c <d> [e](f) & `g` \\ | ~h~ 1. #i"
    html = MarkdownIt("commonmark").render(markdown.escaped(said))
    assert rendered_markdown(html).words.strip().replace("\u2060", "") == said
