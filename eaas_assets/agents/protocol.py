"""What every adapter offers to the runner: ask one question, get one answer, close."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

from eaas_assets.contracts.agent import AgentRequest


class Answer(NamedTuple):
    """What came back from an agent, not yet validated.

    Attributes:
        content: A mapping as :class:`~eaas_assets.contracts.agent.AgentResponse` describes, or such a response.
        simulated_s: Seconds that a simulated agent pretends to have taken; None for a real one.
    """

    content: Any
    simulated_s: float | None = None


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
