"""What the experiments are worth: the best and the worst by rank, the raw and shrunk effects side by side."""

from __future__ import annotations

from typing import Any

import pandas as pd

from eaas_assets.reporting import quantities, ruling, sections, text, views
from eaas_assets.reporting.charts.intervals import IntervalPoint, interval_chart
from eaas_assets.reporting.charts.plot import Tone
from eaas_assets.reporting.portfolio.outcomes import name, value_reason
from eaas_assets.reporting.portfolio.tables import PortfolioReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.sections import Section
from eaas_assets.reporting.views import Column, Columns, TableView

BEST, WORST = 15, 10
_CHARTED = "Expected net value a year with its interval, each effect drawn towards others of its kind."
LEGEND = "● the interval is above nought, ✕ below, ▲ holds it, ■ has no interval. Arrows: the interval goes on."


def ranking(tables: PortfolioReportTables) -> Section | None:
    """The section."""
    rows = tables.ranked
    best, worst = _ends(rows)
    shown = pd.concat([best, worst])
    caption = "Ranked by risk-adjusted value" if worst.empty else (
        f"The best {len(best):,} and the worst {len(worst):,} of {len(rows):,}")  # fmt: skip
    return sections.section(
        "ranking",
        "Ranking and money",
        [
            sections.prose(_told(tables)),
            sections.chart(
                value_chart(shown),
                f"{_CHARTED} {LEGEND}",
            ),
            sections.table(_table(shown, caption, len(rows))),
            sections.table(_effects(shown, len(rows))),
            sections.table(_without_value(tables)),
        ],
    )


def _ends(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The best and the worst; all are the best where they are few."""
    if len(rows) <= BEST + WORST:
        return rows, rows.head(0)
    return rows.head(BEST), rows.tail(WORST)


def _told(tables: PortfolioReportTables) -> str:
    if tables.portfolio.empty:
        return ""
    return (f"{text.count_of(len(tables.ranked), len(tables.portfolio))} experiments have a value and are ranked by "
            "what they are expected to be worth after luck and risk are taken off.")  # fmt: skip


def value_chart(rows: pd.DataFrame) -> Any:
    """Expected net value of the given rows of `experiment_portfolio`, with intervals; None where there is none."""
    drawn = [
        IntervalPoint(text.inline(row.experiment_id, 64), row.expected_value_usd, _end(row.value_low_usd),
                      _end(row.value_high_usd), _tone(row))
        for row in records(rows[rows["expected_value_usd"].notna()])
    ]  # fmt: skip
    return interval_chart(drawn, "ranking", "Expected net value of each experiment", "USD a year",
                          quantities.short_usd, quantities.usd)  # fmt: skip


def _end(value: Any) -> float | None:
    return float(value) if text.known(value) else None


def _tone(row: Any) -> Tone:
    low, high = _end(row.value_low_usd), _end(row.value_high_usd)
    if low is None or high is None:
        return "plain"
    return "good" if low > 0 else "bad" if high < 0 else "warn"


def _table(rows: pd.DataFrame, caption: str, total: int) -> TableView:
    columns: Columns = [Column("Rank", True), "Experiment", "Decision", Column("Risk-adjusted", True),
                        "Expected, with its interval", Column("Probability of a loss", True), Column("Spent", True),
                        "ROI, with its interval"]  # fmt: skip
    lines = [
        (views.figure(f"{int(row.rank):,}"), views.words(name(row)), _decision(row),
         views.figure(quantities.usd(row.risk_adjusted_value_usd)),
         views.words(_with(quantities.usd(row.expected_value_usd, value_reason(row)),
                           quantities.usd_interval(row.value_low_usd, row.value_high_usd).removeprefix("USD "))),
         views.figure(quantities.probability(row.p_loss)), views.figure(quantities.usd(row.cost_to_date_usd)),
         views.words(_with(quantities.figure(row.roi, "ratio", "no cost or no value"),
                           quantities.figure_interval(row.roi_low, row.roi_high, "ratio"))))
        for row in records(rows)
    ]  # fmt: skip
    return views.table(caption, columns, lines, "experiment_portfolio", total=total)


def _with(value: str, interval: str) -> str:
    return f"{value} ({interval})" if interval and not interval.startswith(text.MISSING) else value


def _decision(row: Any) -> views.Cell:
    if not text.known(row.decision):
        return views.words(text.missing("undecided"))
    return views.state(row.decision, ruling.word(row.decision))


def _effects(rows: pd.DataFrame, total: int) -> TableView:
    columns: Columns = ["Experiment", "Kind", Column("Effect as measured", True),
                        Column("Drawn towards its kind", True), "Interval", Column("One more week costs", True),
                        Column("Waiting is worth", True)]  # fmt: skip
    lines = [
        (views.words(name(row)), views.words(row.effect_class),
         views.figure(quantities.relative(row.raw_effect)), views.figure(quantities.relative(row.shrunk_effect)),
         views.words(quantities.relative_interval(row.shrunk_low, row.shrunk_high)),
         views.figure(quantities.usd(row.cost_of_continuing_usd, "it is not running")),
         views.figure(quantities.usd(row.value_of_waiting_usd, "nothing is waited for")))
        for row in records(rows)
    ]  # fmt: skip
    caption = "Effects as measured and drawn towards their kind, and the price of waiting"
    return views.table(caption, columns, lines, "experiment_portfolio", total=total, folded=True)


def _without_value(tables: PortfolioReportTables) -> TableView:
    """Experiments without a rank, counted by the reason."""
    rows = tables.unranked
    groups = rows.assign(why=rows["value_reason"].fillna("no reason given")).groupby("why", sort=False)
    ordered = sorted(groups, key=lambda item: -len(item[1]))
    lines = [
        (views.words(why), views.figure(f"{len(members):,}"), views.words(text.listed(members["experiment_id"], 6)))
        for why, members in ordered[:BEST]
    ]
    return views.table("Without a value, and why", ["Reason", Column("Experiments", True), "Which"], lines,
                       "experiment_portfolio", total=len(ordered))  # fmt: skip
