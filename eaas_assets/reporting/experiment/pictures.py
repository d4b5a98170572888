"""The pictures behind an effect that was measured over time: event study, synthetic control, or forecast.

``paths_json`` has a sheet of series for each picture, by name, and the period of the change as ``intervention``. What
is drawn of a sheet follows from its series: ``event`` with ``event_estimate`` and its interval; or ``time`` with
``treated`` or ``observed`` beside ``synthetic``, ``counterfactual`` or ``control``.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from markupsafe import Markup

from eaas_assets.reporting import sections, text
from eaas_assets.reporting.charts.series import Band, Values, estimate_chart, outcome_chart
from eaas_assets.reporting.experiment.effects import axis_form, difference_form, name_of
from eaas_assets.reporting.experiment.tables import ExperimentReportTables
from eaas_assets.reporting.records import records
from eaas_assets.reporting.sections import Part, Section

_MOST = 4
_OTHERS = ("synthetic", "counterfactual", "control")


class Drawn(NamedTuple):
    """One picture.

    Attributes:
        sheet: Name of its series in ``paths_json``.
        chart: Inline SVG.
        caption: What it shows.
    """

    sheet: str
    chart: Markup
    caption: str


def pictures(tables: ExperimentReportTables) -> Section | None:
    """The section; None where no effect has a series."""
    rows = tables.impact[tables.impact["paths_json"].notna()]
    parts: list[Part | None] = [
        sections.chart(found.chart, found.caption)
        for number, row in enumerate(records(rows))
        for found in drawn(row.paths_json, f"path{number}", name_of(row, tables.impact), row.kind)
    ]
    return sections.section("paths", "Over time", parts[:_MOST])


def drawn(paths_json: Any, name: str, metric: str, kind: str, only: Collection[str] | None = None) -> Iterator[Drawn]:
    """Every picture that the series of one effect allow.

    Args:
        paths_json: The series, as `causal_impact` has them.
        name: Distinguishes these charts from others of one page.
        metric: What is measured.
        kind: Its kind.
        only: Sheets that are wanted; None: all.
    """
    sheets = _sheets(paths_json)
    change = next(iter(sheets.pop("intervention", {}).get("time", [])), None)
    for number, (sheet, series) in enumerate(sheets.items()):
        if only is not None and sheet not in only:
            continue
        svg, caption = draw(series, change, f"{name}-{number}", metric, kind)
        if svg is not None:
            yield Drawn(sheet, svg, caption)


def _sheets(paths_json: Any) -> dict[str, dict[str, list[Any]]]:
    """The series of each sheet by name; whatever is no sheet of lists is left out."""
    sheets = text.parsed(paths_json)
    if not isinstance(sheets, Mapping):
        return {}
    return {
        str(name): {str(key): series for key, series in sheet.items() if isinstance(series, list)}
        for name, sheet in list(sheets.items())[:20]
        if isinstance(sheet, Mapping)
    }


def draw(
    paths: Mapping[str, Sequence[Any]], change: Any, name: str, metric: str, kind: str
) -> tuple[Markup | None, str]:
    """The picture that the series allow, and its caption; None where they allow none.

    Args:
        paths: Series by name, those of one picture of one length.
        change: The first period after the change; None where it is not known.
        name: Distinguishes the charts of one page.
        metric: What is measured.
        kind: Its kind.
    """
    if "event" in paths and "event_estimate" in paths:
        return _event_study(paths, name, metric, kind)
    seen = paths.get("treated", paths.get("observed"))
    other = next((paths[key] for key in _OTHERS if key in paths), None)
    if "time" not in paths or seen is None or other is None:
        return None, ""
    times = [text.inline(time, 20) for time in paths["time"]]
    count = len(times)
    empty = [None] * count
    band = Band(_numbers(other, count), *(_numbers(paths.get(end, empty), count) for end in ("low", "high")))
    svg = outcome_chart(times, _numbers(seen, count), band, name, f"{metric} with and without the change",
                        axis_form(kind), _start(paths["time"], change))  # fmt: skip
    what = "synthetic control" if "synthetic" in paths else "the series without the change"
    forecast = " The band is where it would have been expected." if "low" in paths else ""
    return svg, f"{metric}. Solid: observed; dashed: {what}.{forecast} Upright line: the change."


def _event_study(paths: Mapping[str, Sequence[Any]], name: str, metric: str, kind: str) -> tuple[Markup | None, str]:
    events = [text.number(event) if _finite(event) else text.inline(event, 20) for event in paths["event"]]
    count = len(events)
    empty = [None] * count
    ends = ("band_low", "band_high") if "band_low" in paths else ("event_low", "event_high")
    band = Band(_numbers(paths["event_estimate"], count), *(_numbers(paths.get(end, empty), count) for end in ends))
    moments = _numbers(paths["event"], count)
    start = next((place for place, moment in enumerate(moments) if moment is not None and moment >= 0), None)
    svg = estimate_chart(events, band, name, f"Effect on {metric} by time since the change",
                         "periods since the change", difference_form(kind), start)  # fmt: skip
    return svg, (f"Effect on {metric} by periods since the change. Before the upright line nothing should be seen; "
                 "the band holds for all periods together.")  # fmt: skip


def _start(times: Sequence[Any], change: Any) -> int | None:
    """First place at or after the change; None where it is not known."""
    if change is None:
        return None
    return next((place for place, time in enumerate(times) if type(time) is type(change) and time >= change), None)


def _numbers(series: Sequence[Any], count: int) -> Values:
    """The series as numbers, one for each of ``count`` places; None for what is no finite number."""
    padded = [*series[:count], *([None] * (count - len(series)))]
    return [float(value) if _finite(value) else None for value in padded]


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300
