import dataclasses

from eaas_assets.reporting import sections, views
from eaas_assets.reporting.pages import render
from eaas_assets.reporting.sections import SectionedPage


def test_a_section_without_parts_is_left_out():
    assert sections.section("a", "A", []) is None
    assert sections.section("a", "A", [None, sections.prose(""), sections.points([]), sections.chart(None)]) is None
    assert sections.section("a", "A", [sections.table(views.table("t", ["x"], [], "s")), sections.prose(None)]) is None


def test_a_heading_over_nothing_is_left_out():
    parts = [sections.heading("one"), sections.heading("two"), sections.prose("told"), sections.heading("three")]
    section = sections.section("a", "A", parts)
    assert section is not None
    assert [part.value for part in section.parts] == ["two", "told"]


def test_a_list_that_is_cut_says_how_much_is_missing_and_where():
    part = sections.points([str(n) for n in range(20)], cap=3, source="causal_impact")
    assert part is not None
    assert part.value == ("0", "1", "2", "17 more rows not shown here: see the table causal_impact.")
    bare = sections.points(["a", "b"], cap=1)
    assert bare is not None
    assert bare.value == ("a", "1 more not shown here.")


def test_long_statements_are_shortened():
    part = sections.prose("x" * 1_000_000)
    assert part is not None
    assert len(part.value) < 700


def test_every_cell_of_a_table_carries_its_columns_title_for_small_screens():
    view = views.table("T", ["A <b>", views.Column("B", True)], [(views.words("x"), views.figure("1"))], "somewhere")
    page = SectionedPage("P", (), "", views.status("clear"), (), "", (), "", "", (), (), ())
    section = sections.section("s", "S", [sections.table(view)])
    assert section is not None
    html = render("sectioned", "", page=dataclasses.replace(page, sections=(section,))).html
    assert 'data-label="A &lt;b&gt;"' in html
    assert 'data-label="B" class="number">1</td>' in html
