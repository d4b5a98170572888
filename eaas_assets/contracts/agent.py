"""The document `agents/<agent>/<version>.yaml`, and what an agent is asked and may answer."""

from __future__ import annotations

from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.identifiers import Identifier, VersionKey

PROTOCOL_VERSION = "1"
"""Part of every evaluation's key: a change of what agents are asked makes old results a different question."""


class Limits(Document):
    """What one evaluation and one run may take.

    Attributes:
        timeout_s: Seconds within which an answer must come, further attempts included.
        concurrency: Evaluations in flight at once.
        rate_per_s: Calls that may start in a second; None for as many as there are. Waiting for it is no response time.
        max_attempts: How often one call is tried. Only faults of the way are tried again (too many requests,
            unavailable, connection lost, an attempt out of time), never a bad answer.
        attempt_timeout_s: Seconds after which one attempt is given up for another; None for all the time there is.
        backoff_s: Upper bound of the random wait before the second attempt; it doubles with each further one.
        max_backoff_s: Largest upper bound of that wait.
        max_response_bytes: Largest response that is read.
        budget_usd: Cost at which a run stops; None for no limit. Unknown costs do not count.
        budget_tokens: Tokens, read and written, at which a run stops; None for no limit.
    """

    timeout_s: float = Field(default=30.0, gt=0, le=3600, strict=False)
    concurrency: int = Field(default=8, ge=1, le=1000)
    rate_per_s: float | None = Field(default=None, gt=0, le=100_000, strict=False)
    max_attempts: int = Field(default=3, ge=1, le=20)
    attempt_timeout_s: float | None = Field(default=None, gt=0, le=3600, strict=False)
    backoff_s: float = Field(default=0.5, gt=0, le=60, strict=False)
    max_backoff_s: float = Field(default=20.0, gt=0, le=600, strict=False)
    max_response_bytes: int = Field(default=1024 * 1024, ge=1024, le=64 * 1024 * 1024)
    budget_usd: float | None = Field(default=None, gt=0, allow_inf_nan=False, strict=False)
    budget_tokens: int | None = Field(default=None, ge=1)


class AgentVersion(Document):
    """One version of one agent.

    Attributes:
        suite: The suite that it answers to.
        baseline: The version that it has to beat or match: a version of the same agent; None for a first version.
        live: Whether the nightly run evaluates it.
        trials: How often each scenario is tried.
        adapter: How it is called; ``settings`` belong to the adapter.
    """

    agent: Identifier
    version: Identifier
    title: str = ""
    notes: str = ""
    owner: str = ""
    suite: Identifier
    baseline: Identifier | None = None
    live: bool = True
    trials: int = Field(default=1, ge=1, le=1000)
    adapter: Identifier
    settings: dict[str, Any] = {}
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _baseline_is_another_version(self) -> Self:
        if self.baseline == self.version:
            raise ValueError("another version as baseline")
        return self

    @property
    def key(self) -> VersionKey:
        """Agent and version."""
        return VersionKey(self.agent, self.version)

    @property
    def file(self) -> str:
        """Where the version's document stands, below the data folder."""
        return f"agents/{self.agent}/{self.version}.yaml"


class AgentRequest(BaseModel):
    """What an agent is asked: never an expected value.

    Attributes:
        scenario_id: Which scenario.
        message: What the customer, user or upstream system says.
        context: Facts by dotted name (``customers.churn_risk``), and the scenario's declared inputs by their names.
        seed: A number from the evaluation's key, for agents that draw random numbers.
        trial: 1-based repeat; for adapters, agents are not told.
        idempotency_key: Names this evaluation of this run to servers that must not do a thing twice; empty for none.
    """

    model_config = ConfigDict(frozen=True)

    scenario_id: str
    message: str
    context: dict[str, Any]
    seed: int
    trial: int = 1
    idempotency_key: str = ""


class AgentStep(BaseModel):
    """One call of a specialist or tool that the agent made.

    Attributes:
        agent: Which specialist.
        output: What the specialist returned, as fields.
        response_time_s: Its time in seconds, where known.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    agent: str = Field(max_length=256)
    action: str | None = Field(default=None, max_length=256)
    output: dict[str, Any] = {}
    response_time_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class Usage(BaseModel):
    """What the answer took, as far as the agent knows; unknown stays None."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    input_tokens: int | None = Field(default=None, ge=0)
    output_tokens: int | None = Field(default=None, ge=0)
    cost_usd: float | None = Field(default=None, ge=0, allow_inf_nan=False)


class AgentResponse(BaseModel):
    """What an agent answers.

    Attributes:
        answer: The fields that suites compare, e.g. ``issue_type``, ``resolution_path``, ``outcome``. An agent may also
            write these at the top level of its response.
        message: What it says to the person who asked.
        confidence: Its own, 0 to 1.
        needs_human_review: Whether it asks for a person.
        steps: Its calls, in order.
        response_time_s: The time that it reports itself, in seconds.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    answer: dict[str, Any]
    message: str = ""
    confidence: float | None = Field(default=None, ge=0, le=1, allow_inf_nan=False)
    needs_human_review: bool = False
    steps: list[AgentStep] = Field(default=[], max_length=1000)
    usage: Usage = Usage()
    response_time_s: float | None = Field(default=None, ge=0, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _gather_answer(cls, value: Any) -> Any:
        """Fields of the answer may stand beside the protocol's own."""
        if not isinstance(value, dict) or value.keys() <= cls.model_fields.keys():
            return value
        own = {name: value[name] for name in value.keys() & cls.model_fields.keys()}
        others = {name: value[name] for name in value.keys() - cls.model_fields.keys()}
        return {**own, "answer": {**others, **(own.get("answer") or {})}}
