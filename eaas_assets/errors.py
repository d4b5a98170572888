"""The one tree of errors that this package raises on purpose.

    EaasError
    ├── InputError (ValueError)        a user's file, row or field is wrong; carries Problems
    ├── AgentAnswerError (ValueError)  an agent answered, but not what the protocol allows
    ├── AgentCallError                 an agent could not be called, or failed while answering
    │   └── AgentTimeoutError (TimeoutError)
    ├── EstimateRefused (ValueError)   a statistic is undefined for these data: code and reason
    ├── PolicyError (ValueError)       a policy asks for what the evidence tables do not have
    └── StorageError (OSError)         a table, plan, ledger or part is missing, torn or in conflict

Each is raised where the cause is known and caught only where something can be done about it: per
evaluation, per experiment, per file. Everything else is a bug and is allowed to be loud.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with one input, said so that its author can mend it.

    Attributes:
        file: Path of the file, relative to the data folder.
        code: Stable machine-readable kind, e.g. ``duplicate_id``.
        found: What stands there, shortened.
        expected: What should stand there.
        row: 1-based record (or line, for text that does not parse) in the file; None for the whole file.
        field: Dotted path of the field; None for the whole record.
    """

    file: str
    code: str
    found: str
    expected: str
    row: int | None = None
    field: str | None = None

    def __str__(self) -> str:
        place = self.file
        if self.row is not None:
            place += f", row {self.row}"
        if self.field is not None:
            place += f", field '{self.field}'"
        return f"{place}: found {self.found}; expected {self.expected} [{self.code}]"

    def as_row(self) -> dict[str, str | int | None]:
        """The problem as a table row."""
        return asdict(self)


def shown(value: object, limit: int = 80) -> str:
    """A value as it can stand in an error message: repr, one line, shortened."""
    text = value if isinstance(value, str) else repr(value)
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[: limit + 1])
    text = text if len(text) <= limit else text[: limit - 1] + "…"
    return f"'{text}'" if isinstance(value, str) else text


class EaasError(Exception):
    """Base of every error that this package raises on purpose."""


class InputError(EaasError, ValueError):
    """A user's file is wrong. ``problems`` holds every fault that could be told apart."""

    def __init__(self, problems: Problem | Iterable[Problem]) -> None:
        self.problems = (problems,) if isinstance(problems, Problem) else tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class AgentAnswerError(EaasError, ValueError):
    """An agent's answer breaks the protocol. ``code`` names how."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class AgentCallError(EaasError):
    """An agent could not be called or failed while answering. ``code`` names how."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


class AgentTimeoutError(AgentCallError, TimeoutError):
    """An agent did not answer within its limit."""

    def __init__(self, seconds: float) -> None:
        super().__init__("timeout", f"no answer within {seconds:g} s")


class EstimateRefused(EaasError, ValueError):  # noqa: N818 (a refusal is a result, not a mistake)
    """A statistic is undefined for these data. ``code`` is stable, ``reason`` is for people."""

    def __init__(self, code: str, reason: str) -> None:
        self.code = code
        self.reason = reason
        super().__init__(f"{code}: {reason}")


class PolicyError(EaasError, ValueError):
    """A policy asks for something that the evidence does not have or the rules do not allow."""


class StorageError(EaasError, OSError):
    """A table, plan, ledger or part is missing, torn or in conflict."""
