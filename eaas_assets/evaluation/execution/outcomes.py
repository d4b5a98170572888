"""What became of one evaluation, and how it stands in the ledger. Facts only: nothing is judged here."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from pydantic import ValidationError

from eaas_assets.agents.protocol import Answer
from eaas_assets.contracts.agent import AgentResponse, Usage
from eaas_assets.errors import AgentAnswerError, AgentCallError, AgentTimeoutError, shown

MAX_ANSWER_BYTES = 1024 * 1024


class Outcome(NamedTuple):
    """How one evaluation ended.

    Attributes:
        status: completed | failed | timeout.
        error_code: Stable kind of failure; None when completed.
        error: For people; None when completed.
        response: The validated answer; None without one.
        simulated_s: Seconds a simulated agent pretends to have taken.
        measured_s: Seconds of the call on this system's clock; None for simulated agents and recordings.
        loop_lag_s: Seconds for which this system's own event loop was held up meanwhile; None likewise.
        attempts: How often the agent was tried.
        wasted: What a failed call has used all the same, where known.
    """

    status: str
    error_code: str | None
    error: str | None
    response: AgentResponse | None
    simulated_s: float | None
    measured_s: float | None
    loop_lag_s: float | None = None
    attempts: int = 1
    wasted: Usage | None = None

    @property
    def usage(self) -> Usage | None:
        """What the evaluation has used, answered or not."""
        return self.response.usage if self.response is not None else self.wasted


def completed(answer: Answer, measured_s: float, loop_lag_s: float, timeout_s: float) -> Outcome:
    """The outcome of an answer that came in time, unless it breaks the protocol.

    A simulated agent that pretends to have taken longer than its limit has timed out.
    """
    simulated = answer.simulated_s
    if simulated is not None and simulated > timeout_s:
        return failed(AgentTimeoutError(timeout_s), None, simulated)
    timed = simulated is None and answer.timed
    measured = (measured_s if answer.measured_s is None else answer.measured_s) if timed else None
    clocks = (simulated, measured, loop_lag_s if timed else None, answer.attempts)
    try:
        response = validated(answer.content)
    except AgentAnswerError as error:
        return Outcome("failed", error.code, str(error), None, *clocks)
    return Outcome("completed", None, None, response, *clocks)


def failed(error: AgentCallError, measured_s: float | None, simulated_s: float | None = None) -> Outcome:
    """The outcome of a call that failed or took too long."""
    status = "timeout" if isinstance(error, AgentTimeoutError) else "failed"
    text = shown(str(error), 500)[1:-1]
    own_clock = getattr(error, "measured_s", None)  # an adapter's own clock leaves out waits between attempts
    return Outcome(
        status,
        error.code,
        text,
        None,
        simulated_s,
        measured_s if own_clock is None else own_clock,
        attempts=getattr(error, "attempts", 1),
        wasted=getattr(error, "usage", None),
    )


def validated(content: Any) -> AgentResponse:
    """An agent's answer as the protocol has it.

    Raises:
        AgentAnswerError: It is malformed, too large, or holds values that no table can store.
    """
    try:
        return AgentResponse.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "answer"
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        message = f"{field}: {first['msg']}; found {shown(first['input'])}{more}"
        raise AgentAnswerError("invalid_answer", message) from error
    except RecursionError as error:
        raise AgentAnswerError("invalid_answer", "nested without end") from error


def to_record(outcome: Outcome) -> str:
    """The outcome as ledger text; absent values are left out, so that equal outcomes are equal text.

    An answer that cannot be stored makes the record of a failed evaluation.
    """
    response = outcome.response
    if response is None:
        return _text(_common(outcome))
    try:
        record = _text(_common(outcome) | {"response": _response_fields(response)})
        size = len(record.encode())
    except (ValueError, TypeError, RecursionError) as error:  # NaN, lone surrogates, foreign objects, cycles
        reason = f"holds values that cannot be stored: {shown(str(error))}"
        return _text(_common(outcome._replace(status="failed", error_code="invalid_answer", error=reason)))
    if size > MAX_ANSWER_BYTES:
        reason = f"{size:,} bytes; at most {MAX_ANSWER_BYTES:,} are kept"
        return _text(_common(outcome._replace(status="failed", error_code="answer_too_large", error=reason)))
    return record


def from_record(record: str) -> dict[str, Any]:
    """The fields of a ledger record."""
    return from_records([record])[0]


def from_records(records: Iterable[str]) -> list[dict[str, Any]]:
    """The fields of many ledger records, read at one go: a third of the time of reading each."""
    fields: list[dict[str, Any]] = json.loads(f"[{','.join(records)}]")
    return fields


def _common(outcome: Outcome) -> dict[str, Any]:
    fields = {
        "status": outcome.status,
        "error_code": outcome.error_code,
        "error": outcome.error,
        "simulated_s": outcome.simulated_s,
        "measured_s": outcome.measured_s,
        "loop_lag_s": outcome.loop_lag_s,
        "attempts": outcome.attempts if outcome.attempts > 1 else None,
        "usage": outcome.wasted.model_dump(exclude_none=True) if outcome.wasted is not None else None,
    }
    return {name: value for name, value in fields.items() if value is not None}


def _response_fields(response: AgentResponse) -> dict[str, Any]:
    fields: dict[str, Any] = {"answer": response.answer, "needs_human_review": response.needs_human_review}
    if response.message:
        fields["message"] = response.message
    for name in ("confidence", "response_time_s"):
        if (value := getattr(response, name)) is not None:
            fields[name] = value
    if response.steps:
        fields["steps"] = [
            {"agent": step.agent, "action": step.action, "output": step.output, "response_time_s": step.response_time_s}
            for step in response.steps
        ]
    usage = response.usage
    if usage.input_tokens is not None or usage.output_tokens is not None or usage.cost_usd is not None:
        fields["usage"] = usage.model_dump(exclude_none=True)
    return fields


_encoder = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _text(fields: dict[str, Any]) -> str:
    return _encoder.encode(fields)
