"""Secrets come from environment variables, are named in files but never written there, and leave by no other way.

An agent that is given a secret may repeat it: in an error page, on its standard error, in its answer. Whatever comes
back is cleaned before anything else sees it.
"""

from __future__ import annotations

import base64
import json
import os
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

from pydantic import Field

from eaas_assets.errors import InputError, Problem

MIN_LENGTH = 8
"""Characters; a shorter text may stand in an answer by chance, and taking it out would change the answer."""
REDACTED = "[redacted]"

VariableName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,200}$")]
"""Name of an environment variable."""

_SOUNDS_SECRET = re.compile(r"authorization|cookie|token|secret|passw|api[-_]?key|credential", re.IGNORECASE)


def sounds_secret(name: str) -> bool:
    """Whether a field of this name would hold a secret, which must not stand in a file."""
    return bool(_SOUNDS_SECRET.search(name))


class Secrets:
    """Values of environment variables, by name. Its own text shows none of them."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)
        forms = {form for value in values.values() for form in _forms(value)}
        # The longest first: one may be a part of another.
        ordered = sorted(forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    @classmethod
    def read(cls, names: Iterable[tuple[str, str]], file: str) -> Secrets:
        """Read environment variables.

        Args:
            names: (field of the document, name of the variable).
            file: The document, for what is wrong.

        Raises:
            InputError: A variable is not set, is too short to be told from ordinary text, or holds control characters.
        """
        values: dict[str, str] = {}
        problems: list[Problem] = []
        for field, name in names:
            value = os.environ.get(name, "")
            if not value:
                found, expected = f"no environment variable {name}", "one that is set where the agents are run"
                problems.append(Problem(file, "missing_secret", found, expected, field=field))
            elif len(value) < MIN_LENGTH or not value.isprintable():
                found, expected = f"an unusable value in {name}", f"at least {MIN_LENGTH} printable characters"
                problems.append(Problem(file, "unusable_secret", found, expected, field=field))
            values[name] = value
        if problems:
            raise InputError(problems)
        return cls(values)

    def __getitem__(self, name: str) -> str:
        """The value of a variable that was read."""
        return self._values[name]

    def redact(self, text: str) -> str:
        """``text`` without any secret, as it is or encoded in a common way."""
        return text if self._pattern is None else self._pattern.sub(REDACTED, text)

    def clean(self, value: Any) -> Any:
        """A JSON value without any secret in its texts and keys."""
        if self._pattern is None:
            return value
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, list):
            return [self.clean(item) for item in value]
        if isinstance(value, dict):
            return {self.clean(key): self.clean(item) for key, item in value.items()}
        return value


def _forms(value: str) -> set[str]:
    """The value, its last word (a token after its scheme), and what it becomes in JSON, in addresses and in base64."""
    found = {value}
    words = value.split()
    if words and len(words[-1]) >= MIN_LENGTH:
        found.add(words[-1])
    for plain in tuple(found):
        found.add(json.dumps(plain)[1:-1])
        found.add(urllib.parse.quote(plain, safe=""))
        found.add(base64.b64encode(plain.encode()).decode().rstrip("="))
    return found
