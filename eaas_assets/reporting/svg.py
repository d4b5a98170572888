"""A matplotlib figure as inline SVG that belongs to the page it stands in.

What a chart shows is decided in ``charts``. Here it is made small, safe and the same for the same data: no
namespaces, scripts, styles, fonts or ids of its own, colours as classes that the page's stylesheet defines for light
and dark, and a title and description for those who cannot see it. Foreign text never passes through matplotlib
(which would read ``$`` as mathematics and warn of glyphs that its font lacks): labels stand there as tokens, and the
text itself is put into the finished document by the XML writer.
"""

from __future__ import annotations

import io
import re
import threading
from collections.abc import Iterator
from xml.etree import ElementTree as ET

import matplotlib as mpl
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from eaas_assets.reporting.text import inline

INK = "#010203"
"""Stands for the page's own text colour."""
PALETTE = {
    # Okabe & Ito (2008), "Color Universal Design": told apart with every common colour blindness.
    "blue": "#0072b2",
    "vermilion": "#d55e00",
    "green": "#009e73",
    "orange": "#e69f00",
}
LABEL_LIMIT = 28
"""Characters of a foreign label within a chart."""

_COLOURS = {colour: name for name, colour in PALETTE.items()}
_KEPT_STYLES = frozenset({
    "clip-path", "fill", "fill-opacity", "font-size", "font-weight", "opacity", "stroke", "stroke-dasharray",
    "stroke-dashoffset", "stroke-linecap", "stroke-linejoin", "stroke-opacity", "stroke-width", "text-anchor",
})  # fmt: skip
_KEPT_ATTRIBUTES = frozenset({"clip-path", "d", "height", "viewBox", "width", "x", "y"})
_REFERENCE = re.compile(r"#([\w.-]+)")
# rcParams belong to the whole process: two charts drawn at once would take each other's settings.
_DRAWING = threading.Lock()


class Labels:
    """Foreign texts and the tokens that stand for them while matplotlib draws."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def token(self, text: object, limit: int = LABEL_LIMIT) -> str:
        """A token to hand to matplotlib in place of ``text``, of which ``limit`` characters will be shown."""
        token = f"label-{len(self._texts)}-"
        foreign = str(text)
        self._texts[token] = inline(foreign if len(foreign) <= limit else f"{foreign[: limit - 1]}…")
        return token

    def resolve(self, text: str) -> str:
        """The text that a token stands for; any other text unchanged."""
        return self._texts.get(text, text)


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of ``width`` × ``height`` units, outside of pyplot's global state."""
    figure = Figure(figsize=(width / 72, height / 72), dpi=72)
    FigureCanvasSVG(figure)
    return figure


def inline_svg(figure: Figure, name: str, title: str, description: str, labels: Labels) -> Markup:
    """``figure`` as an ``<svg>`` element to stand in a page.

    Args:
        figure: From :func:`new_figure`.
        name: Distinguishes the ids of several charts on one page; a plain word.
        title: What the chart shows, in a few words.
        description: The chart's content in sentences, for those who cannot see it.
        labels: The foreign texts that stand in the figure as tokens.
    """
    document = io.BytesIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with _DRAWING, mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name}):
        figure.savefig(document, format="svg", metadata=nothing, transparent=True)
    drawn = ET.fromstring(document.getvalue().split(b"?>", 1)[1])  # noqa: S314 (matplotlib's own output, just made)
    references = {match for element in drawn.iter() for value in element.attrib.values()
                  for match in _REFERENCE.findall(value)}  # fmt: skip
    chart = ET.Element("svg", {
        "class": "chart", "viewBox": drawn.attrib["viewBox"], "role": "img",
        "aria-labelledby": f"{name}-title {name}-desc", "stroke-linejoin": "round", "stroke-linecap": "butt",
    })  # fmt: skip
    for part, words in (("title", title), ("desc", description)):
        ET.SubElement(chart, part, {"id": f"{name}-{part}"}).text = words
    chart.extend(_children(drawn, name, references, labels))
    # Markup: the XML writer has escaped every text and attribute, and all names come from the lists above.
    return Markup(ET.tostring(chart, encoding="unicode"))  # noqa: S704


def _local(name: str) -> str:
    return name.rpartition("}")[2]


def _children(element: ET.Element, name: str, references: set[str], labels: Labels) -> Iterator[ET.Element]:
    for child in element:
        if _local(child.tag) not in {"style", "metadata"}:
            cleaned = _cleaned(child, name, references, labels)
            if len(cleaned) or cleaned.tag not in {"g", "defs"}:
                yield cleaned


def _cleaned(element: ET.Element, name: str, references: set[str], labels: Labels) -> ET.Element:
    cleaned = ET.Element(_local(element.tag))
    classes: list[str] = []
    for key, value in _settings(element):
        if key == "id":
            if value in references:
                cleaned.set("id", f"{name}-{value}")
        elif key == "href":
            cleaned.set("href", value.replace("#", f"#{name}-"))
        elif key in {"fill", "stroke"} and value in _COLOURS:
            cleaned.set(key, value)  # what a viewer without the stylesheet sees
            classes.append(f"{key}-{_COLOURS[value]}")
        elif value == INK:
            cleaned.set(key, "currentColor")
        elif key in _KEPT_STYLES | _KEPT_ATTRIBUTES:
            cleaned.set(key, value.replace("url(#", f"url(#{name}-"))
    if classes:
        cleaned.set("class", " ".join(classes))
    if element.text and element.text.strip():
        cleaned.text = labels.resolve(element.text)
    cleaned.extend(_children(element, name, references, labels))
    return cleaned


def _settings(element: ET.Element) -> Iterator[tuple[str, str]]:
    """Attributes of ``element``, its style taken apart into presentation attributes, which need no inline style."""
    for key, value in element.attrib.items():
        if key != "style":
            yield _local(key), value
            continue
        for declaration in value.split(";"):
            style, _, setting = declaration.partition(":")
            if style.strip() in _KEPT_STYLES:
                yield style.strip(), setting.strip()
