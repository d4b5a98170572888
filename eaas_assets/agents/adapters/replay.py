"""Agents that answer from a recording: one JSON line for each evaluation, made elsewhere.

    {"scenario_id": "S001", "trial": 2, "response": {"answer": {"outcome": "refund"}, "response_time_s": 1.4}}
    {"scenario_id": "S002", "error": {"code": "http_500", "message": "the agent's own words"}}
    {"scenario_id": "S003", "error": {"code": "timeout", "seconds": 30}}

A recording is evidence of what an agent did, so a recorded failure is replayed as one, and what was not recorded is
never made up. The recorded time stays the agent's own report; no clock of ours says anything about it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

from pydantic import Field, model_validator

from eaas_assets.agents.attempts import MESSAGE_LENGTH
from eaas_assets.agents.protocol import Answer
from eaas_assets.agents.response_mapping import ResponseMapping
from eaas_assets.contracts.agent import AgentRequest, AgentVersion
from eaas_assets.contracts.documents import Document, validate_value
from eaas_assets.errors import AgentCallError, AgentTimeoutError, InputError, Problem, shown
from eaas_assets.storage.records import read_records

TIMEOUT = "timeout"
"""Code of a recorded failure that was a timeout."""


class ReplaySettings(Document):
    """Settings of the `replay` adapter.

    Attributes:
        file: The recording, below the data folder.
        response: Where the answer stands in each recorded response; by default it is the protocol's own.
    """

    file: str = Field(pattern=r"\.jsonl$", max_length=500)
    response: ResponseMapping | None = None


class _RecordedError(Document):
    code: str = Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")
    message: str = ""
    seconds: float | None = Field(default=None, ge=0, allow_inf_nan=False, strict=False)

    @model_validator(mode="after")
    def _timeout_says_when(self) -> Self:
        if (self.code == TIMEOUT) != (self.seconds is not None):
            raise ValueError("seconds for a timeout, and only there")
        return self

    def raised(self) -> AgentCallError:
        """The failure as the runner knows it."""
        if self.seconds is not None:
            return AgentTimeoutError(self.seconds)
        return AgentCallError(self.code, shown(self.message, MESSAGE_LENGTH)[1:-1])


class _Record(Document):
    scenario_id: str
    trial: int = Field(default=1, ge=1)
    response: Any = None
    error: _RecordedError | None = None

    @model_validator(mode="after")
    def _one_outcome(self) -> Self:
        if (self.response is None) == (self.error is None):
            raise ValueError("either a response or an error")
        return self


def open_replay(_version: AgentVersion, settings: ReplaySettings, root: Path) -> ReplayAgent:
    """The agent of one version, with its recording read.

    Raises:
        InputError: The recording cannot be read, a record is faulty, or an evaluation is recorded twice.
    """
    records = read_records(root, settings.file)
    problems = list(records.problems)
    recorded: dict[tuple[str, int], _Record] = {}
    for row, item in records.rows:
        try:
            record = validate_value(_Record, item, settings.file, row)
        except InputError as error:
            problems.extend(error.problems)
            continue
        key = (record.scenario_id, record.trial)
        if key in recorded:
            found = f"{shown(record.scenario_id)}, trial {record.trial}, again"
            problems.append(Problem(settings.file, "duplicate_record", found, "each evaluation once", row=row))
        recorded[key] = record
    if problems:
        raise InputError(problems)
    return ReplayAgent(recorded, settings.response)


class ReplayAgent:
    """A recorded agent."""

    def __init__(self, recorded: dict[tuple[str, int], _Record], response: ResponseMapping | None) -> None:
        self._recorded = recorded
        self._response = response

    async def answer(self, request: AgentRequest) -> Answer:
        """The recorded answer.

        Raises:
            AgentCallError: A failure was recorded, or nothing was.
        """
        record = self._recorded.get((request.scenario_id, request.trial))
        if record is None:
            message = f"{request.scenario_id}, trial {request.trial} is not in the recording"
            raise AgentCallError("not_recorded", message)
        if record.error is not None:
            raise record.error.raised()
        content = record.response if self._response is None else self._response.apply(record.response)
        return Answer(content, timed=False)

    async def aclose(self) -> None:
        """Nothing is held open."""
