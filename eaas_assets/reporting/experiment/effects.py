"""Why: the effect on every metric, the guardrails, and the segments with those that were harmed by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from eaas_assets.reporting import quantities, sections, text, views
from eaas_assets.reporting.charts.intervals import LEGEND, IntervalPoint, interval_chart
from eaas_assets.reporting.charts.plot import Tone
from eaas_assets.reporting.experiment.figures import arms
from eaas_assets.reporting.experiment.tables import ExperimentReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.sections import Part, Section
from eaas_assets.reporting.views import Column, Columns, TableView

_ROWS = 40
_SEGMENTS = 40
_TONES: dict[str, Tone] = {
    "improved": "good", "non_inferior": "good", "harmed": "bad", "inconclusive": "warn", "no_effect_shown": "plain",
}  # fmt: skip


def effects(tables: ExperimentReportTables) -> Section | None:
    """The section."""
    return sections.section(
        "why",
        "Why",
        [
            *_statements(tables),
            sections.chart(_forest(tables), f"Effects as a share of the control. {LEGEND}"),
            sections.table(_metrics(tables)),
            sections.heading("Guardrails"),
            sections.prose(_guardrails(tables)),
            sections.heading("For whom"),
            sections.prose(_for_whom(tables)),
            sections.points(_harmed(tables), source="segment_impact"),
            sections.chart(_segment_chart(tables), f"Effects within the segments. {LEGEND}"),
            sections.table(_segment_table(tables)),
        ],
    )


def _statements(tables: ExperimentReportTables) -> list[Part | None]:
    rows = tables.impact[tables.impact["role"] == "primary"]
    return [sections.prose(statement) for statement in rows["statement"].head(4)]


def name_of(row: Any, rows: pd.DataFrame) -> str:
    """A metric's name, with its arm where there are several."""
    metric = text.inline(row.metric, 48)
    return f"{metric} ({text.inline(row.arm, 32)})" if rows["arm"].nunique() > 1 else metric


def _forest(tables: ExperimentReportTables) -> Any:
    rows = tables.impact[tables.impact["relative"].notna()]
    drawn = [
        IntervalPoint(name_of(row, rows), row.relative, _end(row.relative_low), _end(row.relative_high),
                      _TONES.get(row.verdict, "plain"))
        for row in records(rows)
    ]  # fmt: skip
    return interval_chart(drawn, "effects", "Relative effect on each metric", "treatment against control, relative",
                          axis_form("proportion"), quantities.relative)  # fmt: skip


def _end(value: Any) -> float | None:
    return float(value) if text.known(value) else None


def _metrics(tables: ExperimentReportTables) -> TableView:
    columns: Columns = ["Metric", "Role", "Verdict", "Treatment against control", "Effect and interval",
                        Column("Relative", True), Column("p", True), "Asked for"]  # fmt: skip
    order = tables.impact.assign(
        order=tables.impact["role"].map({"primary": 0, "guardrail": 1, "secondary": 2})
    ).sort_values("order", kind="stable")
    lines = [
        (views.code(name_of(row, tables.impact)), views.words(row.role), views.state(row.verdict),
         views.words(" against ".join(arms(row))), views.words(_effect(row)),
         views.figure(quantities.relative(row.relative)), views.figure(_p(row)), views.words(_asked(row)))
        for row in records(order.head(_ROWS))
    ]  # fmt: skip
    level = text.percent(tables.impact["level"].iloc[0]) if len(tables.impact) else ""
    caption = f"Effect on each metric; {level} intervals; p corrected where several were tested"
    return views.table(caption, columns, lines, "causal_impact", total=len(tables.impact))


def _effect(row: Any) -> str:
    told = quantities.change(row.estimate, row.kind, row.unit)
    if not text.known(row.low):
        return told
    return f"{told}; {quantities.change_interval(row.low, row.high, row.kind, row.unit)}"


def _p(row: Any) -> str:
    value = row.p_adjusted if text.known(row.p_adjusted) else row.p_value
    return text.p_value(value).removeprefix("= ")


def _asked(row: Any) -> str:
    """What the metric had to show: the effect worth having, or the harm that is tolerated."""
    wanted = (row.margin, "tolerates") if row.role == "guardrail" else (row.minimum_effect, "at least")
    if not text.known(wanted[0]):
        return text.missing("nothing declared")
    kind = row.kind if row.scale == "absolute" else "relative"
    size = quantities.relative(wanted[0]) if kind == "relative" else quantities.change(wanted[0], kind, row.unit)
    return f"{wanted[1]} {size.lstrip('+')}"


def _guardrails(tables: ExperimentReportTables) -> str:
    rows = tables.impact[tables.impact["role"] == "guardrail"]
    if rows.empty:
        return "No guardrail was measured." if len(tables.impact) else ""
    told = []
    total = rows["metric"].nunique()
    for verdict, words in (("harmed", "Harmed"), ("non_inferior", "Clear of the margin"), ("improved", "Improved")):
        names = rows.loc[rows["verdict"] == verdict, "metric"].drop_duplicates()
        if len(names):
            told.append(f"{words}: {text.listed(names)} ({text.count_of(len(names), total)} guardrails).")
    open_ = rows.loc[rows["verdict"].isin(["inconclusive", "refused", "no_effect_shown"]), "metric"].drop_duplicates()
    if len(open_):
        told.append(
            f"Neither harm nor its absence is shown: {text.listed(open_)} ({text.count_of(len(open_), total)})."
        )
    return " ".join(told)


def _for_whom(tables: ExperimentReportTables) -> str:
    rows = tables.segments
    if rows.empty:
        return ""
    judged = int(rows["harmed"].notna().sum())
    harmed = int(rows["harmed"].fillna(False).astype(bool).sum())
    return (f"{text.count_of(harmed, judged)} segment results show harm after correction; {len(rows) - judged:,} could "
            "not be judged.")  # fmt: skip


def _harmed(tables: ExperimentReportTables) -> list[str]:
    rows = tables.segments
    return [row.statement for row in records(rows[rows["harmed"].fillna(False).astype(bool)])]


def _segment_name(row: Any) -> str:
    return f"{text.inline(row.dimension, 32)} = {text.inline(row.value, 32)}"


def _of_primary(tables: ExperimentReportTables) -> pd.DataFrame:
    rows = tables.segments
    if tables.primary is None:
        return rows.head(0)
    return rows[(rows["metric"] == tables.primary.metric) & (rows["arm"] == tables.primary.arm)]


def _segment_chart(tables: ExperimentReportTables) -> Any:
    rows = _of_primary(tables)
    rows = rows[rows["estimate"].notna()]
    if rows.empty:
        return None
    kind, unit = tables.units[tables.primary.metric]  # type: ignore[union-attr]  # rows exist only with a primary
    drawn = [
        IntervalPoint(_segment_name(row), row.estimate, _end(row.low), _end(row.high), _segment_tone(row))
        for row in records(rows)
    ]
    return interval_chart(drawn, "segments", "Effect in each segment", "treatment − control", difference_form(kind),
                          lambda value: quantities.change(value, kind, unit))  # fmt: skip


def axis_form(kind: str) -> Callable[[float], str]:
    """How values of a kind of metric stand at an axis."""
    if kind == "proportion":
        return lambda value: f"{quantities.short(value * 100)} %"
    return quantities.short


def difference_form(kind: str) -> Callable[[float], str]:
    """How differences of a kind of metric stand at an axis; those of proportions are points."""
    if kind == "proportion":
        return lambda value: f"{quantities.short(value * 100)} pts"
    return axis_form(kind)


def _segment_tone(row: Any) -> Tone:
    if text.known(row.harmed) and row.harmed:
        return "bad"
    if not (text.known(row.low) and text.known(row.high) and text.known(row.benefit)):
        return "plain"
    clear = row.low > 0 or row.high < 0
    return ("good" if row.benefit > 0 else "warn") if clear else "warn"


def _segment_table(tables: ExperimentReportTables) -> TableView:
    columns: Columns = ["Metric", "Segment", "Harmed", Column("Units", True), Column("Effect", True),
                        Column("Interval", True), Column("Drawn towards the average", True),
                        "p of no harm"]  # fmt: skip
    lines = []
    order = tables.segments.assign(order=~tables.segments["harmed"].fillna(False).astype(bool))
    for row in records(order.sort_values("order", kind="stable").head(_SEGMENTS)):
        kind, unit = tables.units.get(row.metric, ("mean", None))
        lines.append((
            views.code(name_of(row, tables.segments)), views.code(_segment_name(row)), _harm(row),
            views.figure(_units(row)), views.figure(quantities.change(row.estimate, kind, unit, refused(row))),
            views.figure(quantities.change_interval(row.low, row.high, kind, unit)),
            views.figure(quantities.change(row.shrunk, kind, unit, "not shrunk")),
            views.words(text.p_value(row.p_harm_adjusted).removeprefix("= ")),
        ))  # fmt: skip
    return views.table("Effect in each segment", columns, lines, "segment_impact", total=len(tables.segments),
                       folded=True)  # fmt: skip


def refused(row: Any) -> str:
    """Why a segment has no effect."""
    return text.inline(row.refusal_reason, 120) if text.known(row.refusal_reason) else "refused"


def _harm(row: Any) -> views.Cell:
    if not text.known(row.harmed):
        return views.state("not_known", "cannot be told")
    return views.state("harmed", "harmed") if row.harmed else views.state("ok", "no harm shown")


def _units(row: Any) -> str:
    sides = (row.n_treatment, row.n_control)
    told = [f"{int(side):,}" if text.known(side) else "?" for side in sides]
    return " / ".join(told)
