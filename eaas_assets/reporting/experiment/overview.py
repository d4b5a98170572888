"""Pictures over all experiments, for the assets that hold them: effects side by side, one sequence, one path a method.

What a page of one experiment draws is in its own modules; here it is decided which experiments are shown.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pandas as pd
from markupsafe import Markup

from eaas_assets.reporting import quantities, text
from eaas_assets.reporting.charts.intervals import LEGEND, IntervalPoint, interval_chart
from eaas_assets.reporting.charts.plot import Tone
from eaas_assets.reporting.charts.series import Band, estimate_chart
from eaas_assets.reporting.experiment.effects import difference_form
from eaas_assets.reporting.experiment.pictures import drawn
from eaas_assets.reporting.records import records

PATHS = ("event_study", "synthetic_control", "difference_in_differences", "forecast")
"""Series of effects over time, of each of which one picture is shown."""

TONES: dict[str, Tone] = {"improved": "good", "non_inferior": "good", "harmed": "bad", "inconclusive": "warn"}


class Shown(NamedTuple):
    """A chart, None where there is nothing to draw; and what it shows, in words."""

    chart: Markup | None
    words: str


def effects_overview(impact: pd.DataFrame) -> Shown:
    """The relative effect on the primary metric of every experiment, with its interval.

    Args:
        impact: Table `causal_impact`.
    """
    rows = impact[(impact["role"] == "primary") & impact["relative"].notna()]
    several = rows["experiment_id"].duplicated(keep=False)
    points = [
        IntervalPoint(
            text.inline(f"{row.experiment_id} {row.arm}" if many else row.experiment_id, 40),
            row.relative,
            _end(row.relative_low),
            _end(row.relative_high),
            TONES.get(row.verdict, "plain"),
        )
        for row, many in zip(records(rows), several, strict=True)
    ]
    title = "Relative effect on the primary metric of each experiment, with its interval"
    chart = interval_chart(points, "effects", title, "treatment against control, relative",
                           lambda value: f"{text.number(round(value * 100, 4))} %", quantities.relative)  # fmt: skip
    return Shown(chart, f"{title}. {LEGEND}")


def looks_overview(monitoring: pd.DataFrame, impact: pd.DataFrame) -> Shown:
    """The confidence sequence of one watched experiment: the one with most alarms, and of these with most looks.

    Args:
        monitoring: Table `experiment_monitoring`.
        impact: Table `causal_impact`, for the kind of the metric.
    """
    rows = monitoring[(monitoring["check"] == "effect") & monitoring["segment"].isna() & monitoring["estimate"].notna()]
    if rows.empty:
        return Shown(None, "")
    alarms = monitoring[monitoring["latest"]].groupby("experiment_id")["alarm"].sum()
    looks = rows.groupby(["experiment_id", "metric", "arm"], sort=True).size().rename("looks").reset_index()
    looks["alarms"] = looks["experiment_id"].map(alarms)
    chosen = looks.sort_values(["alarms", "looks"], ascending=False, kind="stable").iloc[0]
    own = rows.merge(chosen[["experiment_id", "metric", "arm"]].to_frame().T).sort_values("look")
    band = Band(*([_end(value) for value in own[name]] for name in ("estimate", "low", "high")))
    places = [text.day(row.looked_at)[2:] if text.known(row.looked_at) else f"look {row.look}" for row in records(own)]
    title = f"{text.inline(chosen['experiment_id'], 40)}: effect on {text.inline(chosen['metric'], 40)} over the looks"
    same = (impact["experiment_id"] == chosen["experiment_id"]) & (impact["metric"] == chosen["metric"])
    kind = next(iter(impact.loc[same, "kind"]), "mean")
    chart = estimate_chart(places, band, "looks", title, "data up to", difference_form(kind))
    return Shown(chart, f"{title}. The band is a confidence sequence: it holds at all looks together.")


def paths_overview(impact: pd.DataFrame) -> dict[str, Shown]:
    """One picture of each method over time (event study, synthetic control, forecast), by the name of its series.

    Args:
        impact: Table `causal_impact`. Primary metrics are preferred, and of these the first experiment.
    """
    rows = impact[impact["paths_json"].notna()]
    found: dict[str, Shown] = {}
    for row in records(rows.sort_values("role", key=lambda role: role != "primary", kind="stable")):
        metric = f"{text.inline(row.experiment_id, 40)}, {text.inline(row.metric, 40)}"
        missing = [sheet for sheet in PATHS if sheet not in found]
        for picture in drawn(row.paths_json, f"over-time-{len(found)}", metric, row.kind, missing):
            found[picture.sheet] = Shown(picture.chart, picture.caption)
    return {sheet: found[sheet] for sheet in PATHS if sheet in found}


def _end(value: Any) -> float | None:
    return float(value) if text.known(value) else None
