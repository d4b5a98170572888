from datetime import UTC, datetime, timedelta

import pytest

from eaas_assets.contracts.decisions import Decisions
from eaas_assets.contracts.experiments import ExperimentRegistry
from eaas_assets.contracts.reports import ExperimentReport, PortfolioReport
from eaas_assets.contracts.tables import build
from eaas_assets.reporting.index.entries import experiment_entries, portfolio_entry
from eaas_assets.reporting.index.report import ExperimentEntry, IndexEntry, PortfolioEntry, render_index
from eaas_assets_tests.reporting.experiment import world
from eaas_assets_tests.reporting.hostile import PAYLOADS, Page, rendered_markdown

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


def experiment(name="E001", decision="scale", **more):
    facts = {"experiment_id": name, "title": "Shorter replies", "decision": decision, "state": "made",
             "verdict": "Scale: it works.", "path": f"experiments/{name}.html"}  # fmt: skip
    return ExperimentEntry(**facts | more)


def test_the_portfolio_stands_first_then_the_experiments_by_decision_then_the_versions():
    report = render_index(
        [entry()],
        [experiment("E002", "retire"), experiment(), experiment("E003", None, state=None, title=None)],
        PortfolioEntry("3 experiments: 1 to scale.", "portfolio.html"),
    )
    assert report.verdict == ("3 experiments: 1 to scale. 1 of 1 agent versions is safe to ship: orchestrator v1.0.")
    page = Page(report.html)
    assert [value for tag, name, value in page.attributes if (tag, name) == ("a", "href")] == [
        "portfolio.html", "experiments/E001.html", "experiments/E002.html", "experiments/E003.html",
        "orchestrator/v1.0/report.html",
    ]  # fmt: skip
    for told in ("Scale (1)", "Retire (1)", "No decision yet (1)", "– (its document cannot be read)"):
        assert told in page.words
        assert told in report.markdown
    assert page.unsafe == []
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_many_experiments_are_folded_and_counted():
    report = render_index([], [experiment(f"E{place:04d}") for place in range(5000)])
    assert "Scale (5,000)" in report.html
    assert "4,600 more rows not shown here: see the table experiment_report." in report.html
    assert len(report.html) < 250_000


@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_titles_and_verdicts_of_experiments_stay_text(payload):
    report = render_index([], [experiment(title=payload, verdict=payload)], PortfolioEntry(payload, "portfolio.html"))
    harmless = render_index([], [experiment(title="x", verdict="x")], PortfolioEntry("x", "portfolio.html"))
    assert Page(report.html).unsafe == []
    assert Page(report.html).tags == Page(harmless.html).tags
    assert rendered_markdown(report.markdown).tags.count("a") == 2


@pytest.mark.parametrize("path", ["../x.html", "javascript:alert(1)", "//evil.example/x.html"])
def test_a_link_to_an_experiment_out_of_the_folder_is_refused(path):
    with pytest.raises(ValueError, match="must be relative"):
        render_index([], [experiment(path=path)])
    with pytest.raises(ValueError, match="must be relative"):
        render_index([], [], PortfolioEntry("x", path))


def test_entries_follow_from_the_tables_of_reports_registry_and_decisions():
    page = {"experiment_id": world.EXPERIMENT, "evidence_id": world.EVIDENCE, "format": "html", "digest": "d",
            "path": "reports/experiments/E105.html", "verdict": "Pivot: so it is.", "written_at": AT}  # fmt: skip
    reports = build(ExperimentReport, [page, page | {"format": "md"}, page | {"experiment_id": "E200"}])
    decisions = build(Decisions, [world.decision_row(), world.earlier_row()])
    first, second = experiment_entries(reports, build(ExperimentRegistry, [world.registry_row()]), decisions)
    assert (first.decision, first.state, first.title) == ("pivot", "pending_approval", "Shorter replies")
    assert first.path == "experiments/E105.html"
    assert (second.decision, second.state, second.title) == (None, None, None)


def test_the_last_page_of_the_portfolio_is_the_one():
    page = {"format": "html", "path": "reports/portfolio.html", "digest": "d", "verdict": "old", "experiments": 1}
    reports = build(
        PortfolioReport, [page | {"written_at": AT}, page | {"verdict": "new", "written_at": AT + timedelta(1)}]
    )
    assert portfolio_entry(reports) == PortfolioEntry("new", "portfolio.html")
    assert portfolio_entry(reports.head(0)) is None


def test_the_decision_on_a_version_stands_beside_the_advice_of_its_report():
    page = render_index([entry(ruled="retire", state="made"), entry(version="v2", ruled=None)])
    assert "Decided: retire, in force" in Page(page.html).words
    assert page.markdown.count("Decided:") == 1


def test_the_word_of_a_decision_is_not_said_twice():
    page = render_index([], [experiment(decision="pivot", verdict="Pivot: one segment is harmed.")])
    assert "one segment is harmed." in Page(page.html).words
    assert "Pivot: one" not in page.html
