"""Values as words: rates with their counts and intervals, points, times, and hostile text made harmless to look at.

Pure formatting. What a value means is decided where its table is made; how a page is laid out, in the templates.
Three promises hold for every function: a null becomes a dash with its reason, never 0; nothing is rounded to 0 %
or 100 % that is not; and characters that a reader cannot see become characters that a reader can see.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Literal

import pandas as pd

MISSING = "–"
INLINE_LIMIT = 300
"""Characters of a foreign text that are shown within a line."""
BLOCK_LIMIT = 2_000
"""Characters of a foreign text that are shown in a box of its own."""

MetricKind = Literal["rate", "ms", "usd", "score", "number"]

_INVISIBLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u115f\u1160\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
    "|(?<![^\x00-\x7f])[\u200c\u200d]"  # joiners are part of many scripts and of emoji, but not after ASCII
)
_ACRONYMS = {"ms": "(ms)", "usd": "(USD)", "avg": "average", "p95": "p95"}


def known(value: Any) -> bool:
    """Whether a table's scalar is there at all (not None, NaN, NA or NaT), and no infinite number."""
    return not (value is None or bool(pd.isna(value)) or (isinstance(value, float) and math.isinf(value)))


def missing(reason: str) -> str:
    """How a value that is not there is written: a dash and why."""
    return f"{MISSING} ({reason})"


# --- foreign text ---------------------------------------------------------------------------------------------------


def visible(text: str, *, block: bool = False) -> str:
    """``text`` with control, bidirectional and zero-width characters and lone surrogates written out.

    Args:
        text: Anything that an agent or a user wrote.
        block: Keep line breaks and tabs, for text that stands in a box of its own.
    """

    def written_out(match: re.Match[str]) -> str:
        character = match.group()
        code = ord(character)
        if block and character in "\n\t":
            return character
        if code < 0x20:
            return chr(0x2400 + code)  # the control pictures: ␀ … ␟
        return "␡" if code == 0x7F else f"⟨U+{code:04X}⟩"

    return _INVISIBLE.sub(written_out, text)


def shorten(text: str, limit: int) -> str:
    """At most ``limit`` characters of ``text``, and how many are left out."""
    if len(text) <= limit:
        return text
    return f"{text[:limit]} … ({len(text) - limit:,} more characters)"


def inline(value: object, limit: int = INLINE_LIMIT) -> str:
    """A foreign value within a line: one line, shortened, nothing invisible."""
    return visible(shorten(str(value), limit))


def block(value: object, limit: int = BLOCK_LIMIT) -> str:
    """A foreign text in a box of its own: line breaks kept, shortened, nothing else invisible."""
    text = str(value).replace("\r\n", "\n")
    return visible(shorten(text, limit), block=True)


def parsed(text: Any) -> Any:
    """The value of a ``_json`` column; None where the column is null."""
    return json.loads(text) if known(text) else None


def json_shown(text: Any, limit: int = INLINE_LIMIT) -> str:
    """A ``_json`` column's value as a person would write it: strings bare, lists joined, the rest as JSON."""
    value = parsed(text)
    if isinstance(value, str):
        return inline(value, limit) if value.strip() else json.dumps(value)
    if isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        return inline(", ".join(value), limit)
    return inline(json.dumps(value, ensure_ascii=False), limit)


def listed(items: Iterable[object], cap: int = 8, limit: int = 64) -> str:
    """Names in a row, the first ``cap`` of them, and how many more there are."""
    names = [inline(item, limit) for item in items]
    more = f" and {len(names) - cap:,} more" if len(names) > cap else ""
    return ", ".join(names[:cap]) + more


def counted(count: int, singular: str, plural: str | None = None) -> str:
    """``1 scenario``, ``2 scenarios``, ``1,200 scenarios``."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def joined(parts: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)


# --- numbers --------------------------------------------------------------------------------------------------------


_MOST_PLACES = 15


def decimals(value: float, digits: int) -> str:
    """``value`` with ``digits`` decimals, rounded half up as people do, with a real minus sign.

    From a thousand million millions on it is a power of ten: nobody counts so many digits.
    """
    exact = Decimal(repr(float(value)))
    if exact.adjusted() >= _MOST_PLACES:
        return f"{value:.2e}".replace("-", "−")
    rounded = exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP)
    rounded = abs(rounded) if rounded == 0 else rounded
    return f"{rounded:,f}".replace("-", "−")


def number(value: Any, reason: str = "not known") -> str:
    """A count or measure without a unit, to six decimals at most."""
    if not known(value):
        return missing(reason)
    text = decimals(value, 6)
    return text.rstrip("0").rstrip(".") if "." in text else text


def score(value: Any, reason: str = "undefined") -> str:
    """A score of 0 to 1, to three decimals."""
    return decimals(value, 3) if known(value) else missing(reason)


def percent(value: float, total: int | None = None) -> str:
    """A share of 0 to 1 as a percentage, as fine as its denominator can carry.

    Args:
        value: The share.
        total: Its denominator; from 200 on there is one decimal. None where it is not known.
    """
    return f"{_percent_digits(value, total)} %"


def _percent_digits(value: float, total: int | None) -> str:
    share = _hundredfold(value)
    digits = 1 if (total or 0) >= 200 or (total is None and share != share.to_integral_value()) else 0
    text = decimals(float(share), digits)
    while digits < 4 and _rounded_away(text, share):
        digits += 1  # 999 of 1,000 is not 100 %
        text = decimals(float(share), digits)
    return text


def _rounded_away(text: str, share: Decimal) -> bool:
    """Whether ``text`` says 0 or 100 of a share that is neither."""
    return Decimal(text.replace("−", "-").replace(",", "")) in (0, 100) and share not in (0, 100)


def _hundredfold(share: float) -> Decimal:
    """``share`` times 100, without the noise that binary fractions leave in the last places."""
    return Decimal(repr(round(float(share), 12))) * 100


def percent_interval(low: Any, high: Any, total: int | None = None) -> str:
    """``40–89 %``; a dash where either end is not known."""
    if not (known(low) and known(high)):
        return missing("no interval")
    ends = [_percent_digits(float(end), total if total is not None else 100) for end in (low, high)]
    return "–".join(ends) + " %"


def rate(
    count: Any,
    total: Any,
    value: Any,
    low: Any = None,
    high: Any = None,
    *,
    reason: str = "nothing was evaluated",
    interval: str = "95 % CI ",
) -> str:
    """A rate with its denominator and interval: ``7 of 10 (70 %, 95 % CI 40–89 %)``.

    Args:
        count: Above the line; null where only the rate was recorded.
        total: Below the line; null likewise.
        value: The rate as its table has it.
        low: Lower end of its 95 % interval.
        high: Upper end.
        reason: Why the rate is undefined, said where ``value`` is null.
        interval: What stands before the interval; empty where a caption has said it.
    """
    if not known(value):
        return missing(reason)
    if not (known(count) and known(total)):
        return f"{percent(value)} (count not recorded)"
    inner = percent(value, int(total))
    if known(low) and known(high):
        inner += f", {interval}{percent_interval(low, high, int(total))}"
    return f"{count_of(count, total)} ({inner})"


def count_of(count: Any, total: Any) -> str:
    """``7 of 10``; a dash where the counts are not known."""
    if not (known(count) and known(total)):
        return missing("count not recorded")
    return f"{int(count):,} of {int(total):,}"


def signed(text: str) -> str:
    """A number's text with its sign, whichever it is; zero has none."""
    return text if text.startswith("−") or not text.strip("0.,") else f"+{text}"


def points(change: Any, reason: str = "cannot be told") -> str:
    """A difference of two rates in percentage points: ``−20 points``."""
    if not known(change):
        return missing(reason)
    text = _points_digits(change)
    return f"{text} point" if text in {"+1", "−1"} else f"{text} points"


def _points_digits(change: Any) -> str:
    exact = _hundredfold(change)
    digits = 0 if exact == exact.to_integral_value() else 1
    return signed(decimals(float(exact), digits))


def points_interval(low: Any, high: Any) -> str:
    """``−51 to +7 points``."""
    if not (known(low) and known(high)):
        return missing("no interval")
    return f"{_points_digits(low)} to {_points_digits(high)} points"


def milliseconds(value: Any, reason: str = "no time known") -> str:
    """``860 ms``."""
    return f"{decimals(value, 0)} ms" if known(value) else missing(reason)


def seconds(value: Any, reason: str = "no time known") -> str:
    """A duration in the unit that suits it: ``12 ms``, ``1.4 s``, ``2 min 5 s``."""
    if not known(value):
        return missing(reason)
    if value < 1:
        return f"{decimals(value * 1000, 0)} ms" if value >= 0.001 or value == 0 else "less than 1 ms"
    if value < 60:
        return f"{decimals(value, 1)} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes:,} min {rest} s"


def moment(value: Any, reason: str = "not known") -> str:
    """A UTC timestamp to the minute: ``2026-01-24 09:00 UTC``."""
    return f"{value:%Y-%m-%d %H:%M} UTC" if known(value) else missing(reason)


def day(value: datetime) -> str:
    """A UTC timestamp's date."""
    return f"{value:%Y-%m-%d}"


# --- metrics by their names -----------------------------------------------------------------------------------------


def metric_kind(metric: str) -> MetricKind:
    """What unit a run metric has, by the endings that the history's contract gives them."""
    if metric.endswith(("_rate", "_accuracy")):
        return "rate"
    if metric.endswith("_ms"):
        return "ms"
    if metric.endswith("_usd"):
        return "usd"
    return "score" if metric.endswith("_score") else "number"


def label(name: str) -> str:
    """A column's or metric's name as words: ``avg_latency_ms`` becomes ``Average latency (ms)``."""
    words = " ".join(_ACRONYMS.get(word, word) for word in inline(name, 64).split("_"))
    return words[:1].upper() + words[1:] if words[:3] != "p95" else words


def metric_value(metric: str, value: Any, reason: str = "not known") -> str:
    """A run metric in its unit."""
    if not known(value):
        return missing(reason)
    kind = metric_kind(metric)
    if kind == "rate":
        return percent(value)
    if kind == "ms":
        return milliseconds(value)
    if kind == "usd":
        return f"USD {decimals(value, 2)}"
    return score(value) if kind == "score" else number(value)


def metric_change(metric: str, change: Any, reason: str = "cannot be told") -> str:
    """A difference of two values of one metric: rates in points, the rest in the metric's own unit, with the sign."""
    if not known(change):
        return missing(reason)
    if metric_kind(metric) == "rate":
        return points(change)
    if metric_kind(metric) == "usd":
        return f"USD {signed(decimals(change, 2))}"
    return signed(metric_value(metric, change))


def p_value(value: Any, reason: str = "not tested") -> str:
    """``= 0.508``, ``= 0.0073``, ``< 0.0001``."""
    if not known(value):
        return missing(reason)
    if value < 0.0001:
        return "< 0.0001"
    return f"= {decimals(value, 3 if value >= 0.01 else 4)}"
