"""Agents that are Python functions of an installed module, plain or ``async``.

The function is called with the request and returns what the protocol describes: a mapping or an ``AgentResponse``. It
runs in this process with all its rights, so it must be as trusted as this package; what must not be trusted, or must
be stopped when it hangs, is run by the `command` adapter.
"""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from eaas_assets.agents.adapters.python.threads import FunctionThreads, LoopThread, run_and_time
from eaas_assets.agents.attempts import MESSAGE_LENGTH, AttemptError, Pacer
from eaas_assets.agents.protocol import Answer
from eaas_assets.agents.secrets import Secrets, VariableName
from eaas_assets.contracts.agent import AgentRequest, AgentVersion, Limits
from eaas_assets.contracts.documents import Document
from eaas_assets.errors import InputError, Problem, shown

MOST_STUCK = 64
"""Functions that may hang at once, where concurrency asks for no more."""
MOST_STUCK_LOOPS = 4


class PythonSettings(Document):
    """Settings of the `python` adapter.

    Attributes:
        callable: ``module:attribute`` of a function, a method or an object that can be called.
        arguments: Given to it by name, after the request.
        redact_from_env: Environment variables with secrets that the function uses: taken out of what comes back.
    """

    callable: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_.]*:[A-Za-z_][A-Za-z0-9_.]*$", max_length=400)
    arguments: dict[str, Any] = {}
    redact_from_env: list[VariableName] = []


def open_python(version: AgentVersion, settings: PythonSettings, _root: Path) -> PythonAgent:
    """The agent of one version; its module is imported here.

    Raises:
        InputError: There is no such function, its module cannot be imported, or a variable is not set.
    """
    secrets = Secrets.read([("settings.redact_from_env", name) for name in settings.redact_from_env], version.file)
    function = _import(settings.callable, version.file, secrets)
    return PythonAgent(function, settings.arguments, version.limits, secrets)


def _import(name: str, file: str, secrets: Secrets) -> Callable[..., Any]:
    module_name, _, attribute = name.partition(":")

    def load() -> Any:
        return functools.reduce(getattr, attribute.split("."), importlib.import_module(module_name))

    found = run_and_time(load)  # importing runs the module, and a module may do anything
    problem = functools.partial(Problem, file, field="settings.callable")
    if found.error is not None:
        reason = shown(secrets.redact(found.error), MESSAGE_LENGTH)[1:-1]
        raise InputError(problem("import_failed", reason, f"an installed module {module_name} with {attribute}"))
    if not callable(found.value):
        raise InputError(problem("not_callable", f"a {type(found.value).__name__}", "something that can be called"))
    function: Callable[..., Any] = found.value
    return function


class PythonAgent:
    """An agent that is a function."""

    def __init__(
        self, function: Callable[..., Any], arguments: dict[str, Any], limits: Limits, secrets: Secrets
    ) -> None:
        self._function = functools.partial(function, **arguments)
        self._secrets = secrets
        self._is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
            getattr(function, "__call__", None)  # noqa: B004 (an object whose method is async)
        )
        self._pacer = Pacer(limits.rate_per_s)
        self._threads = FunctionThreads(max(MOST_STUCK, 2 * limits.concurrency))
        self._loop = LoopThread(MOST_STUCK_LOOPS)

    async def ready(self) -> None:
        """Wait for the agent's rate."""
        await self._pacer.wait()

    async def answer(self, request: AgentRequest) -> Answer:
        """Call the function away from this event loop; measured is the function alone.

        Raises:
            AgentCallError: It raised, or too many earlier calls hang.
        """
        if self._is_async:
            finished = await self._loop.run(lambda: self._respond_later(request))
        else:
            finished = await self._threads.run(lambda: self._respond(request))
        if finished.error is not None:
            message = shown(self._secrets.redact(finished.error), MESSAGE_LENGTH)[1:-1]
            raise AttemptError("agent_error", message, measured_s=finished.seconds)
        return Answer(finished.value, measured_s=finished.seconds)

    async def aclose(self) -> None:
        """Let the threads end."""
        self._threads.close()
        self._loop.close()

    def _respond(self, request: AgentRequest) -> Any:
        return self._plain(self._function(request))

    async def _respond_later(self, request: AgentRequest) -> Any:
        return self._plain(await self._function(request))

    def _plain(self, value: Any) -> Any:
        if inspect.iscoroutine(value):
            value.close()
            raise TypeError("it returned something to await; declare the function with 'async def' and await there")
        return self._secrets.clean(value.model_dump() if isinstance(value, BaseModel) else value)
