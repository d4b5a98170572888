"""What every adapter offers to the runner: ask one question, get one answer, close."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

from eaas_assets.contracts.agent import AgentRequest


class Answer(NamedTuple):
    """What came back from an agent, not yet validated.

    Attributes:
        content: A mapping as :class:`~eaas_assets.contracts.agent.AgentResponse` describes, or such a response.
        simulated_s: Seconds that a simulated agent pretends to have taken; None for a real one.
        measured_s: Seconds of the call itself, without waits of our own (rate, backoff, threads); None if the adapter
            did not measure, and then the time around ``answer`` counts.
        attempts: How often the agent was tried for this answer.
        timed: False where nothing was called (a recording), so that no clock of ours says anything.
    """

    content: Any
    simulated_s: float | None = None
    measured_s: float | None = None
    attempts: int = 1
    timed: bool = True


class Agent(Protocol):
    """An opened agent version."""

    async def answer(self, request: AgentRequest) -> Answer:
        """Answer one request.

        Raises:
            AgentCallError: The agent could not be called or failed; the evaluation is recorded as failed.
            AgentTimeoutError: It took too long; the evaluation is recorded as timed out.
        """
        ...

    async def aclose(self) -> None:
        """Release connections and processes."""
        ...


@runtime_checkable
class PacedAgent(Agent, Protocol):
    """An agent that may be called only so often."""

    async def ready(self) -> None:
        """Return when the agent's rate allows its next call. Waiting here is no part of an answer's time or limit."""
        ...
