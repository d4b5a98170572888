import re
import sys
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from eaas_assets.reporting.charts.evaluation import (
    MAX_ROWS,
    MAX_RUNS,
    HealthPoint,
    RunPoint,
    health_chart,
    score_chart,
    trend_chart,
)
from eaas_assets_tests.reporting.hostile import PAYLOADS, Page

RUNS = [RunPoint(f"2026-01-{day:02d}", "v1.0", 0.5 + day / 100, 0.3, 0.8, day > 2, day == 9) for day in range(1, 10)]
HEALTH = [
    HealthPoint("refund", 0.5, 0.1, 0.9, "1 of 2", "critical"),
    HealthPoint("other", 1.0, None, None, "2 of 2", "x"),
]


def parsed(svg):
    return ET.fromstring(svg)  # noqa: S314 (made by the code under test)


def trend(label="a"):
    return trend_chart([run._replace(version=label) for run in RUNS], "Pass rate by run")


def scored(names, threshold=0.8):
    values = np.linspace(0, 1, len(names)) if names else np.array([])
    return score_chart(names, values, values >= threshold, threshold, "Scores")


def scores(label="a"):
    return scored([f"{label}{place}" for place in range(11)])


def many_scores(label="a"):
    return scored([f"{label}{place}" for place in range(MAX_ROWS + 1)])


def health(label="a"):
    return health_chart([point._replace(agent=label) for point in HEALTH], "Health")


EVERY = pytest.mark.parametrize("chart", [trend, scores, many_scores, health])


@EVERY
def test_a_chart_is_inline_and_needs_nothing_else(chart):
    svg = chart()
    assert svg.startswith("<svg ")
    assert not re.search(r"http|xmlns|style=|<style|<script|<image|font-family|@", svg)
    assert Page(svg).unsafe == []


@EVERY
def test_a_chart_tells_its_content_in_words(chart):
    root = parsed(chart())
    title, description = root.find("title"), root.find("desc")
    assert title.text
    assert len(description.text) > 20
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-labelledby"] == f"{title.attrib['id']} {description.attrib['id']}"


@EVERY
def test_the_same_numbers_give_the_same_bytes(chart):
    assert chart() == chart()


@EVERY
def test_lines_and_letters_take_the_colour_of_the_page(chart):
    root = parsed(chart())
    palette = {"none", "currentColor", "#0072b2", "#d55e00", "#009e73", "#e69f00"}
    for element in root.iter():
        colours = {element.attrib[key] for key in ("fill", "stroke") if key in element.attrib}
        assert {colour for colour in colours if not colour.startswith("url(#scores-")} <= palette
        if element.tag == "text":
            assert element.attrib["fill"] == "currentColor"
        for key in ("fill", "stroke"):
            if element.attrib.get(key, "").startswith("#"):
                assert re.search(rf"\b{key}-(blue|vermilion|green|orange)\b", element.attrib["class"])


def test_charts_of_one_page_share_no_ids_and_refer_to_their_own():
    page = Page(trend() + scores() + health())
    assert len(page.ids) == len(set(page.ids))
    used = {match for _, _, value in page.attributes for match in re.findall(r"#([a-z]+-[\w-]+)\)?$", value or "")}
    assert used
    assert used <= set(page.ids)


@pytest.mark.parametrize(
    ("draw", "at_once"),
    [
        (lambda names: trend_chart([RUNS[5]._replace(version=name) for name in names], "t"), 6),
        (lambda names: scored(names), 40),
        (lambda names: health_chart([HEALTH[0]._replace(agent=name) for name in names], "t"), 40),
    ],
    ids=["trend", "scores", "health"],
)
def test_labels_are_text_whatever_they_hold(draw, at_once):
    payloads = list(PAYLOADS.values())
    for start in range(0, len(payloads), at_once):
        names = payloads[start : start + at_once]
        svg = draw(names)
        assert Page(svg).tags == Page(draw([f"name {place}" for place in range(len(names))])).tags
        assert Page(svg).unsafe == []
        assert len(svg) < 60_000


def test_labels_that_a_font_lacks_are_kept():
    assert "退款 🚚" in health("退款 🚚")


def test_there_is_no_picture_of_nothing():
    assert trend_chart([], "t") is None
    assert trend_chart(RUNS[:1], "t") is None
    assert scored([]) is None
    assert health_chart([], "t") is None


def test_passed_and_failed_differ_in_shape_as_well_as_colour():
    svg = scored(["S1", "S2"])
    marks = {element.attrib["d"] for element in parsed(svg).iter("path") if "id" in element.attrib}
    assert len(marks) == 2


def test_a_trend_shows_the_latest_runs_only():
    many = [RunPoint("2026-01-01", f"v{n}", 0.5, 0.4, 0.6, True, n == 99) for n in range(100)]
    svg = trend_chart(many, "t")
    bars = [element for element in parsed(svg).iter("path") if element.attrib.get("stroke-width") == "2"]
    assert len(bars) == MAX_RUNS
    assert "v99" in svg


def test_too_many_scenarios_become_counts():
    assert ">S1<" in scored([f"S{place}" for place in range(MAX_ROWS)])
    assert ">S1<" not in scored([f"S{place}" for place in range(MAX_ROWS + 1)])
    assert f"{MAX_ROWS + 1} evaluations of {MAX_ROWS + 1} scenarios, 32 not passed" in many_scores()


def test_trials_of_one_scenario_share_its_row():
    assert re.findall(r">(S\d)<", scored(["S1", "S2", "S1"])) == ["S1", "S2"]


def test_pyplot_and_its_global_state_are_not_used():
    assert trend()
    assert "matplotlib.pyplot" not in sys.modules
