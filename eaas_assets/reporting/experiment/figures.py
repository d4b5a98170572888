"""The numbers that a decision maker looks for first: effect, value, sample, design, money spent."""

from __future__ import annotations

from typing import Any

from eaas_assets.reporting import quantities, text
from eaas_assets.reporting.experiment.tables import ExperimentReportTables
from eaas_assets.reporting.records import first
from eaas_assets.reporting.views import KeyFigure

INFERENCES = {
    "fixed_horizon": "valid once, at the planned end",
    "anytime": "valid at every look",
    "group_sequential": "valid at the planned looks",
}
_PANELS = ("quasi_experiment", "before_after")


def key_figures(tables: ExperimentReportTables) -> tuple[KeyFigure, ...]:
    """In order of weight."""
    return (*_effect(tables), _value(tables), _loss(tables), _sample(tables), _design(tables), _spent(tables),
            _standing(tables))  # fmt: skip


def interval(row: Any) -> str:
    """The interval of an effect with its level."""
    level = text.percent(row.level)
    return f"{level} CI {quantities.change_interval(row.low, row.high, row.kind, row.unit)}"


def arms(row: Any) -> tuple[str, str]:
    """Value and denominator of the treatment and of the control: ``26.0 % of 520``, ``12.4 min (520 units)``.

    In panels a share is that of many, and no share of the number of units or periods.
    """
    told = []
    for value, number in ((row.treatment_value, row.n_treatment), (row.control_value, row.n_control)):
        shown = quantities.measure(value, row.kind, row.unit, None if row.strength in _PANELS else number)
        told.append(_over(shown, row, number) if text.known(value) else shown)
    return told[0], told[1]


def _over(shown: str, row: Any, number: Any) -> str:
    if not text.known(number):
        return f"{shown} (units not recorded)"
    if row.kind == "proportion" and row.strength not in _PANELS:
        return f"{shown} of {int(number):,}"
    return f"{shown} ({text.counted(int(number), 'period' if row.strength == 'before_after' else 'unit')})"


def refusal(row: Any) -> str:
    """Why an effect has no interval."""
    return text.inline(row.refusal_reason, 200) if text.known(row.refusal_reason) else "refused"


def _effect(tables: ExperimentReportTables) -> tuple[KeyFigure, ...]:
    row = tables.primary
    if row is None:
        metric = text.inline(tables.row.primary_metric, 48) if text.known(tables.row.primary_metric) else "primary"
        return (KeyFigure(f"Effect on {metric}", text.MISSING, "there is no effect yet"),)
    label = f"Effect on {text.inline(row.metric, 48)}"
    treated, control = arms(row)
    if not text.known(row.low):
        return (KeyFigure(label, text.MISSING, refusal(row)), KeyFigure("Treatment", treated, f"control {control}"))
    return (
        KeyFigure(label, quantities.change(row.estimate, row.kind, row.unit),
                  f"{interval(row)}; {INFERENCES.get(row.inference, row.inference)}"),
        KeyFigure("Treatment", treated, f"control {control}"),
    )  # fmt: skip


def _value(tables: ExperimentReportTables) -> KeyFigure:
    row = tables.primary
    if row is None or not text.known(row.net_value_usd):
        reason = row.value_reason if row is not None and text.known(row.value_reason) else "no value can be told"
        return KeyFigure("Net value a year", text.MISSING, text.inline(reason, 160))
    between = quantities.usd_interval(row.net_value_low_usd, row.net_value_high_usd)
    return KeyFigure("Net value a year", quantities.usd(row.net_value_usd), f"{text.percent(row.level)} CI {between}")


def _loss(tables: ExperimentReportTables) -> KeyFigure:
    row = tables.primary
    if row is None or not text.known(row.p_loss):
        return KeyFigure("Probability of a loss", text.MISSING, "no value can be told")
    metric = text.inline(row.metric, 48)
    even = f"break-even at {quantities.change(row.break_even, row.kind, row.unit)} of {metric}"
    note = even if text.known(row.break_even) else "break-even not known"
    return KeyFigure("Probability of a loss", quantities.probability(row.p_loss), note)


def _sample(tables: ExperimentReportTables) -> KeyFigure:
    row = tables.row
    planned = f"of {int(row.planned_units):,} planned" if text.known(row.planned_units) else "no plan was registered"
    if not text.known(row.observed_units):
        return KeyFigure("Units observed", text.MISSING, f"none yet; {planned}")
    return KeyFigure("Units observed", f"{int(row.observed_units):,}", planned)


def _design(tables: ExperimentReportTables) -> KeyFigure:
    row = first(tables.design)
    if row is None:
        return KeyFigure("Design", text.MISSING, "not checked")
    counts = tables.design["outcome"].value_counts()
    note = ", ".join([text.counted(int(counts.get("error", 0)), "error"),
                      text.counted(int(counts.get("warning", 0)), "warning")])  # fmt: skip
    checks = text.counted(len(tables.design), "check")
    return KeyFigure("Grade of the design", row.grade, f"{note} in {checks}")


def _spent(tables: ExperimentReportTables) -> KeyFigure:
    row = tables.row
    week = quantities.usd(row.cost_per_week_usd, "running cost not known")
    note = f"{week} a week" if text.known(row.cost_per_week_usd) else "running cost not known"
    return KeyFigure("Spent so far", quantities.usd(row.cost_to_date_usd), note)


def _standing(tables: ExperimentReportTables) -> KeyFigure:
    row = tables.standing
    if row is None or not text.known(row.rank):
        reason = row.value_reason if row is not None and text.known(row.value_reason) else "it is not ranked"
        return KeyFigure("Rank in the portfolio", text.MISSING, text.inline(reason, 160))
    worth = quantities.usd(row.risk_adjusted_value_usd)
    return KeyFigure("Rank in the portfolio", f"{int(row.rank):,}", f"risk-adjusted value {worth} a year")
