from datetime import UTC, datetime, timedelta

import pytest

from eaas_assets.reporting.index.report import IndexEntry, render_index
from eaas_assets_tests.reporting.hostile import Page, rendered_markdown

AT = datetime(2026, 3, 1, 9, tzinfo=UTC)


def entry(version="v1.0", verdict="All is well. Safe to ship.", **more):
    facts = {
        "agent": "orchestrator", "version": version, "run_id": f"RUN_{version}", "run_at": AT, "verdict": verdict,
        "passed": 9, "total": 10, "pass_rate": 0.9, "low": 0.596, "high": 0.982, "health": "healthy",
        "path": f"orchestrator/{version}/report.html",
    }  # fmt: skip
    return IndexEntry(**facts | more)


def test_every_version_is_listed_with_its_numbers_and_link():
    entries = [
        entry(),
        entry("v1.1", "Worse. Do not ship.", health="critical"),
        entry("v2", "Hm. Review before shipping."),
    ]
    report = render_index(entries)
    assert report.verdict == "1 of 3 agent versions is safe to ship: orchestrator v1.0."
    page = Page(report.html)
    assert [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")] == [
        "orchestrator/v2/report.html", "orchestrator/v1.1/report.html", "orchestrator/v1.0/report.html",
    ]  # fmt: skip
    for expected in ("9 of 10 (90 %, 95 % CI 60–98 %)", "Do not ship", "Review before shipping", "critical"):
        assert expected in page.words
        assert expected in report.markdown
    assert page.unsafe == []


def test_agents_stand_apart_and_the_latest_run_first():
    entries = [entry("v1", run_at=AT - timedelta(days=2)), entry("v2"), entry("v1", agent="another")]
    markdown = render_index(entries).markdown
    assert markdown.index("## another") < markdown.index("## orchestrator")
    assert markdown.index("[v2]") < markdown.rindex("[v1]")


def test_an_empty_index_says_so():
    report = render_index([])
    assert report.verdict == "No agent version has been evaluated yet."
    assert "none yet" in report.html


def test_a_version_without_results_has_no_zero():
    report = render_index([entry(passed=0, total=0, pass_rate=None, low=None, high=None, health=None)])
    assert "– (nothing was evaluated)" in report.html
    assert "health not known" in report.html
    assert "0 %" not in report.html


def test_hostile_verdicts_and_names_stay_text():
    report = render_index([entry(verdict="<script>x</script> [a](javascript:b) | c. Do not ship.", run_id="`|`")])
    assert Page(report.html).unsafe == []
    assert "script" not in rendered_markdown(report.markdown).tags
    assert rendered_markdown(report.markdown).tags.count("a") == 1


@pytest.mark.parametrize("path", ["../x.html", "javascript:alert(1)", "https://evil.example/x.html"])
def test_a_link_out_of_the_folder_is_refused(path):
    with pytest.raises(ValueError, match="must be relative"):
        render_index([entry(path=path)])


def test_a_verdict_without_a_decision_is_refused():
    with pytest.raises(ValueError, match="must end with one of"):
        render_index([entry(verdict="Looks fine.")])
