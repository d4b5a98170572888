"""Pictures in the Dagster UI: a chart of the reports, as an image within Markdown metadata."""

import base64
from collections.abc import Mapping

import dagster as dg
from markupsafe import Markup

from eaas_assets.reporting.markdown import escaped

SVG, XLINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
LARGEST = 100_000
"""Characters: the event log is no place for more. A larger picture is left to the report."""


def picture(chart: Markup | None, alternative: str, entry: str = "picture") -> Mapping[str, dg.MarkdownMetadataValue]:
    """A metadata entry with a chart; nothing where there is no chart, or too large a one.

    Args:
        chart: Inline SVG.
        alternative: What it shows: for those who cannot see it, and under it for those who can.
        entry: What the entry is called.
    """
    if chart is None:
        return {}
    source = base64.b64encode(_standalone(str(chart)).encode()).decode()
    if len(source) > LARGEST:
        return {}
    words = "".join(char if char.isalnum() or char in " .,:%–-" else " " for char in alternative)
    shown = f"![{' '.join(words.split())}](data:image/svg+xml;base64,{source})"
    return {entry: dg.MetadataValue.md(f"{shown}\n\n{escaped(alternative)}")}


def _standalone(svg: str) -> str:
    """The chart as a document of its own: inline SVG needs no namespace and takes colours and type from the page."""
    if "xmlns=" not in svg.partition(">")[0]:
        svg = svg.replace(
            "<svg", '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"', 1
        )
    return svg.replace("<svg", '<svg color="#333" font-family="system-ui, sans-serif" style="background:#fff"', 1)
