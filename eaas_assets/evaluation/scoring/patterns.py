"""Regular expressions over hostile text. Python's own engine can take years over thirty characters; RE2 cannot.

RE2 comes with Arrow. It knows neither look-around nor back-references, and in return its time is linear in the text,
whatever the pattern.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from eaas_assets.contracts.conditions import pattern_fault


def check_pattern(pattern: str) -> None:
    """Whether RE2 takes the pattern.

    Raises:
        ValueError: It does not; the message says what is wanted and why.
    """
    if (reason := pattern_fault(pattern)) is not None:
        raise ValueError(f"a valid pattern in RE2 syntax ({reason})")


def fits_part(pattern: str, text: str) -> bool:
    """Whether a valid pattern fits some part of the text."""
    try:
        return bool(pc.match_substring_regex(pa.scalar(text), pattern=pattern).as_py())
    except UnicodeEncodeError:  # half a character is not text
        return False


def fits_whole(pattern: str, text: str) -> bool:
    """Whether a valid pattern fits the text from its beginning to its end."""
    return fits_part(rf"\A(?:{pattern})\z", text)
