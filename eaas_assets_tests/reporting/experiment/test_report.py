import itertools
import json
import re
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

from eaas_assets.contracts.tables import build
from eaas_assets.reporting.experiment.figures import arms
from eaas_assets.reporting.experiment.report import experiment_page, render_experiment_report
from eaas_assets.reporting.narrative.facts import Told
from eaas_assets_tests.reporting.experiment import world
from eaas_assets_tests.reporting.hostile import PAYLOADS, Page, has_invisible, prose, rendered_markdown

EXPECTED = Path(__file__).parent / "expected" / "report.md"
TABLES = world.make_tables()
SECTIONS = ["What would change this recommendation", "Why", "Over time", "Monitoring", "Design",
            "Assumptions and refusals", "As registered", "History of decisions", "Trace"]  # fmt: skip

# Columns that join rows to each other; they have a test of their own.
JOINED = {"monitoring": {"metric", "arm"}, "segments": {"metric", "arm"}, "impact": {"metric", "arm"}}


def texts_of(name):
    """Columns of a table in which someone else's text may stand, by its contract."""
    schema = world.CONTRACTS[name].to_schema()
    kept = {"grade", "area", "check", "experiment_id", "inference", "level"} | JOINED.get(name, set())
    return [column for column, spec in schema.columns.items()
            if spec.dtype.type in (str, "str") or "str" in str(spec.dtype)
            if not column.endswith("_json") and column not in kept and not any(
                check.name == "isin" for check in spec.checks)]  # fmt: skip


JSONS = {
    "registry": {name: lambda text: {text: [text]} for name in
                 ("variants_json", "metrics_json", "segments_json", "conditions_json")}
    | {"problems_json": lambda text: [{"file": text, "code": "x", "found": text, "expected": text, "row": 1,
                                       "field": text}]},
    "design": {"evidence_json": lambda text: {"a": text}, "grade_reasons_json": lambda text: [text]},
    "impact": {"refusals_json": lambda text: {text + "2": text}, "assumptions_json": lambda text: [text],
               "paths_json": lambda text: {text: {"event": [text, text + "b"], "event_estimate": [1, 2]},
                                           "intervention": {"time": [text]}}},
    "decisions": {"required_json": lambda text: {"roles": [text]}, "missing_json": lambda text: {"roles": [text]},
                  "facts_json": lambda text: {text: text}, "missing_facts_json": lambda text: [text],
                  "reversal_triggers_json": lambda text: [text], "data_versions_json": lambda text: {text: text}},
}  # fmt: skip


def written_by_others(text):
    """The experiment with ``text`` wherever anyone can write."""
    changed = {}
    for name in world.CONTRACTS:
        table = getattr(TABLES, name)
        changed[name] = table.assign(**dict.fromkeys(texts_of(name), text)).assign(
            **{column: json.dumps(make(text)) for column, make in JSONS.get(name, {}).items()}
        )
    return replace(TABLES, **changed, data_versions={text: text}, audit_head=text)


@pytest.fixture(scope="module")
def report():
    return render_experiment_report(TABLES)


@pytest.fixture(scope="module")
def page(report):
    return Page(report.html)


def test_the_markdown_is_as_reviewed(report):
    """To accept a change: ``python -m eaas_assets_tests.reporting.experiment.test_report``."""
    assert report.markdown == EXPECTED.read_text("utf-8")


def test_the_decision_comes_first_with_its_state_and_reason(report, page):
    assert report.verdict == "Pivot: The average rose by 8.0 points but 1 of 2 segments is harmed."
    for told in (page.words, report.markdown):
        order = [told.index(part) for part in
                 ("Pivot", "waits for approval", "1 of 2 segments is harmed", "Missing: legal, signed",
                  "Effect on reply_rate", "What would change this recommendation")]  # fmt: skip
        assert order == sorted(order)


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_is_there(report, page, section):
    assert f"## {section}" in report.markdown
    assert section in page.words


@pytest.mark.parametrize(
    "fact",
    ["26.0 % of 520", "control 18.0 % of 500", "+8.0 points", "95 % CI +2.9 to +13.0 points", "USD 35,760",
     "95 % CI USD 5,100 to 66,060", "valid once, at the planned end", "1,020", "Harmed: complaints (1 of 2 guardrails)",
     "plan = enterprise is harmed: −15 points of 80 units", "With no harmed segment it would be: scale.",
     "400 units, 12 days, USD 1,600 more", "no variance was given (no variance)", "units do not affect each other",
     "plan = enterprise falls behind.", "its owner may not approve it", "Two units sit in both arms.",
     "96 of 2,000 (4.8 %, 95 % CI 3.9–5.8 %)", "42 9f8e7d6c", world.EVIDENCE, world.DECISION, world.RULES,
     "It is looked at again on 2026-03-15."],
)  # fmt: skip
def test_every_fact_is_in_both_formats(report, page, fact):
    assert fact in page.words
    assert fact in report.markdown.replace("\\", "")


def test_every_design_has_its_picture(page):
    assert page.tags.count("svg") == 6
    titles = " ".join(page.text)
    for title in ("Relative effect on each metric", "Effect in each segment", "Effect on reply_rate over the looks",
                  "Effect on reply_rate by time since the change",
                  "complaints with and without the change"):  # fmt: skip
        assert title in titles


def test_the_page_loads_and_runs_nothing(report, page):
    assert page.unsafe == []
    assert page.open == []
    assert not re.search(r"https?:|url\((?!#)|@import", report.html)
    assert ("meta", "http-equiv", "Content-Security-Policy") in page.attributes


def test_the_page_can_be_read_by_machines_and_assistive_technology(page):
    headings = [int(tag[1]) for tag in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert headings[0] == 1
    assert headings.count(1) == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    assert len(page.ids) == len(set(page.ids))
    targets = {value[1:] for _, name, value in page.attributes if name == "href" and value.startswith("#")}
    assert targets <= set(page.ids)


def test_the_same_tables_give_the_same_bytes(report):
    assert render_experiment_report(world.make_tables()) == report


@pytest.fixture
def without_charts(monkeypatch):
    """Charts take most of the time, and have their own tests with the same payloads."""
    for chart in ("effects.interval_chart", "monitoring.estimate_chart", "pictures.estimate_chart",
                  "pictures.outcome_chart"):  # fmt: skip
        monkeypatch.setattr(f"eaas_assets.reporting.experiment.{chart}", lambda *_: None)


@cache
def rendered_harmless():
    return render_experiment_report(written_by_others("harmless"))


@pytest.mark.usefixtures("without_charts")
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_text_is_inert(payload):
    harmless = rendered_harmless()
    report = render_experiment_report(written_by_others(payload))
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
    assert "\n" not in report.verdict


@cache
def rendered_as_it_is():
    return render_experiment_report(TABLES)


@pytest.mark.usefixtures("without_charts")
@pytest.mark.parametrize("payload", PAYLOADS.values(), ids=PAYLOADS)
def test_hostile_names_of_metrics_arms_and_segments_stay_names(payload):
    named = {"metric": {"reply_rate": payload}, "arm": {"short": payload[::-1]}}
    changed = {
        name: table.assign(**{column: table[column].replace(new) for column, new in named.items()})
        for name in ("monitoring", "impact", "segments")
        if isinstance(table := getattr(TABLES, name), pd.DataFrame)
    }
    page = Page(render_experiment_report(replace(TABLES, **changed)).html)
    assert page.unsafe == []
    assert page.tags == Page(rendered_as_it_is().html).tags
    assert page.open == []


def test_every_text_column_of_every_table_is_tried():
    tried = {(name, column) for name in world.CONTRACTS for column in (*texts_of(name), *JSONS.get(name, {}))}
    for column in ("title", "hypothesis", "owner", "population", "risk_notes", "problems_json"):
        assert ("registry", column) in tried
    for pair in (("impact", "statement"), ("impact", "refusal_reason"), ("decisions", "rationale"),
                 ("approvals", "reason"), ("approvals", "person"), ("counterfactuals", "statement"),
                 ("segments", "value"), ("monitoring", "statement"), ("design", "action"),
                 ("portfolio", "value_reason")):  # fmt: skip
        assert pair in tried


def nulls():
    """The experiment with null in every column that may be null."""
    emptied = {}
    for name, contract in world.CONTRACTS.items():
        nullable = [column for column, schema in contract.to_schema().columns.items() if schema.nullable]
        emptied[name] = build(
            contract, [row | dict.fromkeys(nullable) for row in getattr(TABLES, name).to_dict("records")]
        )
    return replace(TABLES, **emptied)


def test_nulls_are_dashes_with_reasons():
    report = render_experiment_report(nulls())
    words = Page(report.html).words
    for told in (words, report.markdown):
        assert not re.search(r"\b(None|nan|NaN|NaT|<NA>|null)\b", told)
    assert not re.search(r"(?<![\d.,–])0 %", words)
    assert "USD 0" not in words
    for reason in ("no value can be told", "none yet", "it is not ranked", "cannot be told", "not tested", "missing"):
        assert reason in words


def test_an_experiment_without_anything_says_so_and_why():
    report = render_experiment_report(world.empty_tables())
    assert report.verdict.startswith("No decision yet: Nothing has been decided yet. Its files cannot be used:")
    assert "row 3, field metrics: found a tab; expected YAML." in report.markdown
    page = Page(report.html)
    assert "svg" not in page.tags
    assert page.unsafe == []
    assert not re.search(r"\b(None|nan|null)\b", page.words)


@pytest.mark.usefixtures("without_charts")
@pytest.mark.parametrize("table", [name for name in world.CONTRACTS if name != "registry"])
def test_any_table_but_the_registry_may_be_empty(table):
    report = render_experiment_report(replace(TABLES, **{table: getattr(TABLES, table).head(0)}))
    assert Page(report.html).unsafe == []


@pytest.mark.parametrize(
    ("state", "effective", "first", "remark"),
    [("made", "pivot", "Pivot", "asks for nobody's approval"),
     ("approved", "pivot", "Pivot", "It holds: it was approved."),
     ("rejected", None, "Pivot", "It does not hold: it was rejected."),
     ("overridden", "scale", "Scale", "The rule says pivot; people decided against it")],
)  # fmt: skip
def test_what_holds_is_said_for_every_state(state, effective, first, remark):
    row = world.decision_row(state=state, effective_decision=effective)
    page = experiment_page(replace(TABLES, decisions=build(world.Decisions, [row])))
    assert page.decision.word == first
    assert remark in page.remarks[0]


def test_a_cap_of_the_design_is_said():
    row = world.decision_row(capped_from="scale", strength="before_after")
    page = experiment_page(replace(TABLES, decisions=build(world.Decisions, [row])))
    assert page.remarks[1] == (
        "The rule itself says scale; a design of strength “before after” allows no more than pivot."
    )


def test_a_narrators_text_is_marked_and_stays_text():
    report = render_experiment_report(TABLES, Told("<b>Pivot</b> it.", "Written by a model."))
    assert "&lt;b&gt;Pivot&lt;/b&gt; it." in report.html
    assert "Written by a model." in report.html


def test_long_lists_are_cut_and_say_where_the_rest_is():
    many = build(world.CausalImpact, [world.impact_row(f"metric{place}", "secondary", "inconclusive", relative=0.1)
                                      for place in range(300)])  # fmt: skip
    report = render_experiment_report(replace(TABLES, impact=many))
    assert "260 more rows not shown here: see the table causal_impact." in Page(report.html).words
    assert len(report.html) < 300_000


@pytest.mark.parametrize(
    "paths", ["null", "[]", '"x"', '{"event": [1]}', '{"a": {"time": [1], "treated": ["x", null], "control": [1]}}',
              '{"a": {"time": [], "observed": [], "control": []}, "intervention": {"time": [1]}}',
              '{"a": {"event": [1]}}',
              '{"a": {"event": [0, 1], "event_estimate": [1e999, true]}, "intervention": []}'],
)  # fmt: skip
def test_series_that_cannot_be_drawn_are_no_picture(paths):
    impact = TABLES.impact.assign(paths_json=paths)
    assert "Over time" not in render_experiment_report(replace(TABLES, impact=impact)).html


def test_two_experiments_are_no_single_page():
    with pytest.raises(ValueError, match="must have 1"):
        replace(TABLES, registry=pd.concat([TABLES.registry] * 2))


if __name__ == "__main__":
    EXPECTED.parent.mkdir(exist_ok=True)
    EXPECTED.write_text(render_experiment_report(TABLES).markdown, "utf-8")


@pytest.mark.parametrize(
    ("strength", "kind", "told"),
    [
        ("randomised", "proportion", "26.0 % of 520"),
        ("quasi_experiment", "proportion", "26 % (520 units)"),
        ("before_after", "proportion", "26 % (520 periods)"),
        ("before_after", "mean", "0.260 (520 periods)"),
    ],
)
def test_a_share_in_a_panel_is_no_share_of_its_units_or_periods(strength, kind, told):
    row = SimpleNamespace(strength=strength, kind=kind, unit=None, treatment_value=0.26, n_treatment=520,
                          control_value=None, n_control=None)  # fmt: skip
    assert arms(row)[0] == told
