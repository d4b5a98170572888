"""One picture per part of the table, as SVG: how often a promise is missed, with its Monte-Carlo interval.

Coverage is shown as its opposite, so that all rates of a picture are errors and stand on one scale; power has pictures
of its own.
"""

from __future__ import annotations

from pathlib import Path
from xml.sax.saxutils import escape

from simulations.tally import Row

_ROW, _LEFT, _RIGHT, _WIDTH = 22, 470, 40, 900
_STYLE = (
    "text{font:12px sans-serif;fill:#1b1b1b}.promise{stroke:#d55e00;stroke-width:2}.bar{stroke:#0072b2;stroke-width:2}"
    ".dot{fill:#0072b2}.grid{stroke:#d9d9d9}.small{font-size:10px;fill:#555}"
    "@media(prefers-color-scheme:dark){text{fill:#eee}.small{fill:#bbb}.grid{stroke:#444}}"
)


def draw(title: str, rows: list[Row], path: Path) -> None:
    """Write the picture of one part of the table."""
    rows = [_error(row) for row in rows if row.promise != "finds"] or rows
    low, high = _range(rows)
    height = 60 + _ROW * len(rows)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<text x="0" y="16" font-weight="bold">{escape(title)}</text>',
    ]
    for tick in range(6):
        value = low + (high - low) * tick / 5
        x = _x(value, low, high)
        parts.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="28" y2="{height - 24}"/>')
        parts.append(f'<text class="small" x="{x:.1f}" y="{height - 8}" text-anchor="middle">{value:.2g}</text>')
    for place, row in enumerate(rows):
        y = 42 + _ROW * place
        label = f"{row.case}: {row.count}" if len(row.case) < 52 else f"{row.case[:50]}…: {row.count}"
        parts.append(f'<text x="0" y="{y + 4}">{escape(label)}</text>')
        if row.promised == row.promised:  # not nan
            x = _x(row.promised, low, high)
            parts.append(f'<line class="promise" x1="{x:.1f}" x2="{x:.1f}" y1="{y - 8}" y2="{y + 8}"/>')
        ends = (_x(row.low, low, high), _x(row.high, low, high))
        parts.append(f'<line class="bar" x1="{ends[0]:.1f}" x2="{ends[1]:.1f}" y1="{y}" y2="{y}"/>')
        parts.append(f'<circle class="dot" cx="{_x(row.rate, low, high):.1f}" cy="{y}" r="4"/>')
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8", newline="\n")


def _error(row: Row) -> Row:
    """Coverage as the rate of intervals that miss."""
    if row.promise != "covers":
        return row
    ends = {"low": 1.0 - row.high, "high": 1.0 - row.low}
    return row._replace(count=f"{row.count}, misses", promised=1.0 - row.promised, rate=1.0 - row.rate, **ends)


def _range(rows: list[Row]) -> tuple[float, float]:
    values = [value for row in rows for value in (row.low, row.high, row.promised) if value == value]
    span = max(max(values) - min(values), 0.02)
    return max(0.0, min(values) - 0.1 * span), min(1.0, max(values) + 0.1 * span)


def _x(value: float, low: float, high: float) -> float:
    return _LEFT + (value - low) / (high - low) * (_WIDTH - _LEFT - _RIGHT)
