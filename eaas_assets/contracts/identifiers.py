"""Names that are safe as a file name, a partition key and a table value; and the keys made of them."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple

from pydantic import StringConstraints

from eaas_assets.errors import InputError, Problem, shown

IDENTIFIER_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$"
_IDENTIFIER = re.compile(IDENTIFIER_PATTERN.removesuffix("$") + r"\Z")

Identifier = Annotated[str, StringConstraints(pattern=_IDENTIFIER, strict=True)]
"""Letters, digits, dots, dashes and underscores; starts with a letter or digit; at most 64 characters."""


def is_identifier(text: object) -> bool:
    """Whether ``text`` is a safe name."""
    return isinstance(text, str) and _IDENTIFIER.match(text) is not None


class VersionKey(NamedTuple):
    """An agent version; its text ``agent@version`` is the partition key."""

    agent: str
    version: str

    def __str__(self) -> str:
        return f"{self.agent}@{self.version}"

    @classmethod
    def parse(cls, key: str) -> VersionKey:
        """Read a partition key.

        Raises:
            InputError: ``key`` is not two identifiers with an @ between them.
        """
        agent, at, version = key.partition("@")
        if not at or not is_identifier(agent) or not is_identifier(version):
            expected = "<agent>@<version>, each of letters, digits, '.', '-', '_' and at most 64 long"
            raise InputError(Problem("partition key", "unsafe_key", shown(key), expected))
        return cls(agent, version)
