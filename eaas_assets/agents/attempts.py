"""Trying again: which faults deserve another attempt, when it is made, and what is measured meanwhile.

A retried evaluation is still one evaluation: only faults of the way to the agent are tried again, because trying a bad
answer again would measure a better agent than there is. Waits are random up to a bound that doubles ("full jitter",
M. Brooker, "Exponential Backoff And Jitter", 2015), so that calls which failed together do not return together.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import Generic, NamedTuple, TypeVar

from eaas_assets.contracts.agent import Limits, Usage
from eaas_assets.errors import AgentCallError, AgentTimeoutError, shown

ResultT = TypeVar("ResultT")
MESSAGE_LENGTH = 300


class AttemptError(AgentCallError):
    """One attempt failed, or the last of several did.

    Attributes:
        transient: Whether another attempt may succeed.
        retry_after_s: Seconds that the agent asks to be left alone; None if it does not say.
        attempts: How many attempts were made.
        measured_s: Seconds of the last one; None where unknown.
        usage: What it took all the same; None where unknown.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        transient: bool = False,
        retry_after_s: float | None = None,
        attempts: int = 1,
        measured_s: float | None = None,
        usage: Usage | None = None,
    ) -> None:
        self.transient = transient
        self.retry_after_s = retry_after_s
        self.attempts = attempts
        self.measured_s = measured_s
        self.usage = usage
        super().__init__(code, message)


class AttemptTimeoutError(AgentTimeoutError):
    """The last attempt ran out of time. ``attempts`` and ``measured_s`` are as with AttemptError."""

    def __init__(self, limits: Limits, attempts: int, measured_s: float) -> None:
        self.attempts = attempts
        self.measured_s = measured_s
        super().__init__(min(limits.timeout_s, limits.attempt_timeout_s or limits.timeout_s))


class Timed(NamedTuple, Generic[ResultT]):
    """What one attempt brought, and the seconds it took on the attempt's own clock."""

    value: ResultT
    seconds: float


class Pacer:
    """Spaces the starts of calls evenly, at most ``rate_per_s`` a second. One for each opened agent."""

    def __init__(self, rate_per_s: float | None) -> None:
        self._interval = 1 / rate_per_s if rate_per_s else 0.0
        self._next = 0.0

    def delay(self) -> float:
        """Seconds until the next call may start."""
        return max(0.0, self._next - time.monotonic())

    async def wait(self) -> None:
        """Take the next place and return when its time has come."""
        if not self._interval:
            return
        now = time.monotonic()
        start = max(now, self._next)
        self._next = start + self._interval
        if start > now:
            await asyncio.sleep(start - now)


class Attempts:
    """The attempts of one evaluation. Make it when the evaluation's time begins.

    Attributes:
        count: 1, and one more for each call that was tried again.
        measured_s: Seconds of the successful ones together.
    """

    def __init__(
        self,
        limits: Limits,
        pacer: Pacer,
        redact: Callable[[str], str],
        draw: Callable[[], float] | None = None,
    ) -> None:
        """Begin.

        Args:
            limits: The agent's limits.
            pacer: The agent's rate. The first call's place is taken before the evaluation begins, in ``ready``.
            redact: Takes secrets out of a message.
            draw: Gives a number of 0 to 1: which share of the bound is waited. None for the system's randomness.
        """
        self.count = 1
        self.measured_s = 0.0
        self._calls = 0
        self._limits = limits
        self._pacer = pacer
        self._redact = redact
        self._draw = draw or random.SystemRandom().random
        self._deadline = time.monotonic() + limits.timeout_s

    async def run(self, call: Callable[[], Awaitable[Timed[ResultT]]]) -> ResultT:
        """What ``call`` brings, tried as often as the limits allow. It raises AttemptError for faults.

        Raises:
            AttemptError: It failed for good; the message is free of secrets.
            AttemptTimeoutError: The last attempt ran out of time.
        """
        if self._calls:
            await self._pacer.wait()
        self._calls += 1
        for attempt in range(1, self._limits.max_attempts + 1):
            began = time.perf_counter()
            patience = self._patience()
            try:
                async with asyncio.timeout(patience):
                    value, seconds = await call()
            except TimeoutError as error:
                fault = AttemptError("timeout", f"no answer within {patience:g} s", transient=True)
                fault.__cause__ = error
            except AttemptError as error:
                fault = error
            else:
                self.measured_s += seconds
                return value
            spent = time.perf_counter() - began
            delay = self._delay(fault, attempt)
            if delay is None:
                if fault.code == "timeout":
                    raise AttemptTimeoutError(self._limits, self.count, spent) from fault
                raise self.failed(fault.code, str(fault), spent) from fault
            await asyncio.sleep(delay)
            await self._pacer.wait()
            self.count += 1
        raise AssertionError  # the last attempt returns or raises

    def failed(
        self, code: str, message: str, measured_s: float | None = None, usage: Usage | None = None
    ) -> AttemptError:
        """The error of an evaluation that fails for good: without secrets, on one line, short."""
        measured_s = self.measured_s if measured_s is None else measured_s
        message = shown(self._redact(message), MESSAGE_LENGTH)[1:-1]
        return AttemptError(code, message, attempts=self.count, measured_s=measured_s, usage=usage)

    def _patience(self) -> float:
        left = max(0.0, self._deadline - time.monotonic())
        return min(left, self._limits.attempt_timeout_s or left)

    def _delay(self, fault: AttemptError, attempt: int) -> float | None:
        """Seconds to wait before the next attempt; None if there is none."""
        if not fault.transient or attempt >= self._limits.max_attempts:
            return None
        jitter = self._draw() * min(self._limits.max_backoff_s, self._limits.backoff_s * 2 ** (attempt - 1))
        delay = (fault.retry_after_s or 0.0) + jitter
        # An attempt that could not begin in time would only turn a known fault into a timeout.
        return delay if max(delay, self._pacer.delay()) < self._deadline - time.monotonic() else None
