"""How the experiment runs: alarms, the confidence sequence over its looks, the latest look of every check."""

from __future__ import annotations

from typing import Any

import pandas as pd

from eaas_assets.reporting import quantities, sections, text, views
from eaas_assets.reporting.charts.series import Band, estimate_chart
from eaas_assets.reporting.experiment.effects import difference_form
from eaas_assets.reporting.experiment.tables import ExperimentReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.sections import Section
from eaas_assets.reporting.views import Column, Columns, TableView

_ROWS = 40
_TOLD = ("effect", "progress")
"""Checks that are told and raise no alarm."""


def monitoring(tables: ExperimentReportTables) -> Section | None:
    """The section."""
    rows = tables.monitoring
    latest = rows[rows["latest"].astype(bool)]
    raised = latest[latest["alarm"].fillna(False).astype(bool)]
    return sections.section(
        "monitoring",
        "Monitoring",
        [
            sections.prose(_alarms(latest, raised)),
            sections.points(list(raised["statement"]), source="experiment_monitoring"),
            *_sequences(tables),
            sections.table(_checks(tables, latest)),
        ],
    )


def _alarms(latest: pd.DataFrame, raised: pd.DataFrame) -> str:
    if latest.empty:
        return ""
    judged = latest[~latest["check"].isin(_TOLD)]
    unknown = int(judged["alarm"].isna().sum())
    return (f"{text.count_of(len(raised), len(judged))} checks raise an alarm at the latest look; {unknown:,} cannot "
            "be told. Every number here may be looked at every night.")  # fmt: skip


def _sequences(tables: ExperimentReportTables) -> list[sections.Part | None]:
    """The effect on the primary metric over the looks, of each arm; three arms at most."""
    rows = tables.monitoring[(tables.monitoring["check"] == "effect") & tables.monitoring["segment"].isna()]
    metric = _metric_shown(tables, rows)
    if metric is None:
        return []
    rows = rows[rows["metric"] == metric]
    kind, _ = tables.units.get(metric, ("mean", None))
    parts = []
    for place, (arm, looks) in enumerate(list(rows.groupby("arm", sort=True, dropna=False))[:3]):
        ordered = looks.sort_values("look")
        title = f"Effect on {text.inline(metric, 48)} over the looks"
        title += f", {text.inline(arm, 32)}" if rows["arm"].nunique() > 1 else ""
        band = Band(*(_values(ordered[name]) for name in ("estimate", "low", "high")))
        svg = estimate_chart(_looks(ordered), band, f"sequence{place}", title, "data up to", difference_form(kind))
        parts.append(
            sections.chart(svg, f"{title}. The band is a confidence sequence: it holds at all looks together.")
        )
    return parts


def _metric_shown(tables: ExperimentReportTables, rows: pd.DataFrame) -> Any | None:
    names = rows["metric"].dropna().unique()
    if not len(names):
        return None
    return tables.row.primary_metric if tables.row.primary_metric in names else names[0]


def _values(column: pd.Series) -> list[float | None]:
    return [float(value) if text.known(value) else None for value in column]


def _looks(rows: pd.DataFrame) -> list[str]:
    return [text.day(row.looked_at)[2:] if text.known(row.looked_at) else f"look {row.look}" for row in records(rows)]


def _checks(tables: ExperimentReportTables, latest: pd.DataFrame) -> TableView:
    columns: Columns = ["Check", "Alarm", "About", Column("Units", True), "Estimate", "p", "In words"]
    order = latest.assign(order=[_urgency(row) for row in records(latest)])
    lines = []
    for row in records(order.sort_values("order", kind="stable").head(_ROWS)):
        lines.append((
            views.words(row.check.replace("_", " ")), _alarm(row), views.words(_about(row)),
            views.figure(_units(row)), views.words(_estimate(tables, row)),
            views.words(text.p_value(row.p_value).removeprefix("= ")), views.words(row.statement),
        ))  # fmt: skip
    return views.table("The latest look of every check", columns, lines, "experiment_monitoring", total=len(latest),
                       folded=True)  # fmt: skip


def _urgency(row: Any) -> int:
    """Alarms first, then what cannot be told, then what raises no alarm."""
    if row.check in _TOLD:
        return 2
    return 1 if not text.known(row.alarm) else 0 if row.alarm else 3


def _alarm(row: Any) -> views.Cell:
    if row.check in _TOLD:
        return views.state("told", "for information")
    if not text.known(row.alarm):
        return views.state("not_known", "cannot be told")
    return views.state("alarm") if row.alarm else views.state("clear", "no alarm")


def _about(row: Any) -> str:
    named = [text.inline(part, 48) for part in (row.metric, row.arm, row.segment) if text.known(part)]
    return ", ".join(named) or "the whole"


def _units(row: Any) -> str:
    return f"{row.units:,} of {int(row.planned_units):,}" if text.known(row.planned_units) else f"{row.units:,}"


def _estimate(tables: ExperimentReportTables, row: Any) -> str:
    if not text.known(row.estimate):
        return text.missing("none")
    if row.check in {"effect", "guardrail_harm", "segment_anomaly"} and row.metric in tables.units:
        kind, unit = tables.units[row.metric]
        told = quantities.change(row.estimate, kind, unit)
        return f"{told} ({quantities.change_interval(row.low, row.high, kind, unit)})" if text.known(row.low) else told
    return quantities.measure(row.estimate, "mean", None)
