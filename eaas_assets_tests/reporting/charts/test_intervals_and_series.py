import re
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest

from eaas_assets.reporting import quantities
from eaas_assets.reporting.charts.intervals import MAX_ROWS, IntervalPoint, interval_chart
from eaas_assets.reporting.charts.plot import CHARACTER, WIDTH
from eaas_assets.reporting.charts.series import MAX_PLACES, Band, estimate_chart, outcome_chart
from eaas_assets_tests.reporting.hostile import PAYLOADS, Page


def forest(label="a", count=3):
    tones = ("good", "bad", "warn", "plain")
    points = [IntervalPoint(f"{label}{place}", 0.1 * place, -0.1, 0.3, tones[place % 4]) for place in range(count)]
    return interval_chart(points, "forest", "Effects", "effect", str, quantities.relative)


def sequence(label="a", count=4):
    band = Band([0.1] * count, [-0.1] * count, [0.3] * count)
    return estimate_chart([f"{label}{place}" for place in range(count)], band, "sequence", "Effect", "look", str, 2)


def outcomes(label="a", count=6):
    band = Band([2.0] * count, [None] * 2 + [1.0] * (count - 2), [None] * 2 + [3.0] * (count - 2))
    places = [f"{label}{place}" for place in range(count)]
    return outcome_chart(places, [float(place) for place in range(count)], band, "outcomes", "Sales", str, 2)


EVERY = pytest.mark.parametrize("chart", [forest, sequence, outcomes])


def parsed(svg):
    return ET.fromstring(svg)  # noqa: S314 (made by the code under test)


@EVERY
def test_a_chart_is_inline_and_needs_nothing_else(chart):
    assert not re.search(r"http|xmlns|style=|<style|<script|<image|font-family|@", chart())
    assert Page(chart()).unsafe == []


@EVERY
def test_a_chart_tells_its_content_in_words(chart):
    root = parsed(chart())
    assert root.find("title").text
    assert len(root.find("desc").text) > 20
    assert root.attrib["role"] == "img"


@EVERY
def test_the_same_numbers_give_the_same_bytes(chart):
    assert chart() == chart()


@EVERY
def test_colours_follow_the_page_in_light_and_dark(chart):
    palette = {"none", "currentColor", "#0072b2", "#d55e00", "#009e73", "#e69f00"}
    for element in parsed(chart()).iter():
        for key in ("fill", "stroke"):
            colour = element.attrib.get(key, "none")
            assert colour in palette
            if colour.startswith("#"):
                assert re.search(rf"\b{key}-(blue|vermilion|green|orange)\b", element.attrib["class"])


@EVERY
def test_labels_are_text_whatever_they_hold(chart):
    harmless = Page(chart("x")).tags
    for payload in PAYLOADS.values():
        svg = chart(payload)
        assert Page(svg).unsafe == []
        assert Page(svg).tags == harmless
        assert len(svg) < 60_000


def test_good_bad_uncertain_and_untested_differ_in_shape_as_well_as_colour():
    marks = {element.attrib["d"] for element in parsed(forest(count=4)).iter("path") if "id" in element.attrib}
    assert len(marks) == 4


def test_an_interval_far_wider_than_the_rest_is_cut_and_marked():
    near = [IntervalPoint("a", 0.1, 0.05, 0.2, "good"), IntervalPoint("b", 0.1, -0.15, 0.15, "warn")]
    far = [near[0], near[1]._replace(low=-1e6, high=1e6)]
    draw = {"name": "f", "title": "t", "axis": "x", "form": str, "told": quantities.relative}
    assert interval_chart(far, **draw).count("<use") == interval_chart(near, **draw).count("<use") + 2
    assert "+100,000,000" in interval_chart(far, **draw)


def test_at_most_so_many_rows_and_places_are_drawn():
    assert f"The first {MAX_ROWS} of {MAX_ROWS + 9} are drawn." in forest(count=MAX_ROWS + 9)
    assert len(sequence(count=MAX_PLACES * 20)) < 80_000
    assert len(outcomes(count=MAX_PLACES * 20)) < 80_000


def test_there_is_no_picture_of_nothing():
    assert interval_chart([], "f", "t", "x", str, str) is None
    assert estimate_chart(["a", "b"], Band([None, 1.0], [None] * 2, [None] * 2), "s", "t", "x", str) is None
    assert outcome_chart([], [], Band([], [], []), "o", "t", str) is None


@pytest.mark.parametrize("value", [0.0, 1e-12, 1e12, -5.0])
def test_any_size_of_value_can_be_drawn(value):
    assert interval_chart([IntervalPoint("a", value, None, None, "plain")], "f", "t", "x", str, str) is not None
    assert estimate_chart(["a", "b"], Band([value] * 2, [value] * 2, [value] * 2), "s", "t", "x", str) is not None


@pytest.mark.parametrize("chart", [sequence, outcomes])
@pytest.mark.parametrize("name", ["2025-06-2", "25-06-1", "9"])
@pytest.mark.parametrize("count", [6, 60])
def test_names_of_places_lie_within_the_picture_and_apart_from_each_other(chart, name, count):
    """At the type of small screens, the largest; a picture in the Dagster UI is cut at its edge."""
    found = [(float(at.attrib["x"]), at.text) for at in parsed(chart(name, count)).iter("text") if name in at.text]
    ends = [(x - CHARACTER * len(told) / 2.0, x + CHARACTER * len(told) / 2.0) for x, told in sorted(found)]
    assert len(ends) >= 3
    assert ends[-1][1] <= WIDTH
    assert all(left[1] < right[0] for left, right in pairwise(ends))
