"""Agents that are programs: started for each evaluation, the request on standard input, the answer on standard output.

Never through a shell. A program gets a clean environment, an empty folder that goes away with it, limits on what it may
use, and a session that is killed whole when its time is over. That keeps accidents in; it is no jail: a program still
has this user's rights, and none of it binds root.
"""

from __future__ import annotations

import math
import os
import shutil
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from eaas_assets.agents.adapters.command.processes import Commands, Ended
from eaas_assets.agents.attempts import AttemptError, Attempts, Pacer, Timed
from eaas_assets.agents.exchange import Exchange, ExchangeSettings
from eaas_assets.agents.protocol import Answer
from eaas_assets.agents.secrets import Secrets, VariableName, sounds_secret
from eaas_assets.contracts.agent import AgentRequest, AgentVersion, Limits
from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.files import MIB

KEPT_VARIABLES = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ")
TRY_AGAIN = 75
"""Exit status that asks for another attempt: EX_TEMPFAIL of sysexits.h."""
MAX_PROCESSES = 4096
"""Processes of this user, the command's among them: the system counts by user, so this stops a fork bomb, no more."""


class CommandSettings(ExchangeSettings):
    """Settings of the `command` adapter, beside those of every exchange.

    Attributes:
        argv: Program and arguments. ``{python}`` stands for this Python, ``{data}`` for the data folder.
        environment: Variables for the program, besides PATH, language and time zone; none that holds a secret.
        environment_from: Variables that are passed on from here, secrets included.
        memory_mib: Address space of each process; null for no limit (some runtimes reserve far more than they use).
        file_mib: Largest file that it may write.
        open_files: Files that it may hold open.
    """

    argv: list[str] = Field(min_length=1, max_length=1000)
    environment: dict[VariableName, str] = {}
    environment_from: list[VariableName] = []
    memory_mib: int | None = Field(default=4096, ge=16)
    file_mib: int = Field(default=64, ge=1, le=1024 * 1024)
    open_files: int = Field(default=256, ge=16, le=65536)

    @field_validator("argv")
    @classmethod
    def _no_hidden_ends(cls, value: list[str]) -> list[str]:
        if any("\0" in part for part in value) or not value[0]:
            raise ValueError("a program and arguments without null characters")
        return value

    @model_validator(mode="after")
    def _no_secrets_in_the_file(self) -> Self:
        if secret := next(filter(sounds_secret, self.environment), None):
            raise ValueError(f"the secret variable '{secret}' in environment_from")
        return self


def open_command(version: AgentVersion, settings: CommandSettings, root: Path) -> CommandAgent:
    """The agent of one version.

    Raises:
        InputError: There is no such program, a variable is not set, or this system has no process groups.
    """
    if os.name != "posix":
        raise InputError(Problem(version.file, "unsupported_system", sys.platform, "Linux or macOS", field="adapter"))
    secrets = Secrets.read([("settings.environment_from", name) for name in settings.environment_from], version.file)
    environment = {name: os.environ[name] for name in KEPT_VARIABLES if name in os.environ}
    environment |= settings.environment | {name: secrets[name] for name in settings.environment_from}
    places = {"{python}": sys.executable, "{data}": str(root.resolve())}
    argv = [_filled(part, places) for part in settings.argv]
    program = shutil.which(argv[0], path=environment.get("PATH", os.defpath))
    if program is None:
        expected = "a program on the PATH or a full path; {data} stands for the data folder"
        raise InputError(Problem(version.file, "no_such_program", shown(argv[0]), expected, field="settings.argv.0"))
    commands = Commands(
        [os.path.abspath(program), *argv[1:]],  # noqa: PTH100 (a link that names a virtual environment must stay)
        environment,
        _resource_limits(settings, version.limits),
        version.limits.max_response_bytes,
    )
    return CommandAgent(settings, version.limits, secrets, commands)


def _filled(part: str, places: dict[str, str]) -> str:
    for slot, value in places.items():
        part = part.replace(slot, value)
    return part


def _resource_limits(settings: CommandSettings, limits: Limits) -> dict[str, int]:
    chosen = {
        # A program with threads may use every processor for all of its time.
        "RLIMIT_CPU": math.ceil(limits.timeout_s * (os.cpu_count() or 1)) + 1,
        "RLIMIT_FSIZE": max(settings.file_mib * MIB, limits.max_response_bytes + 1),
        "RLIMIT_NOFILE": settings.open_files,
        "RLIMIT_CORE": 0,
    }
    if settings.memory_mib is not None:
        chosen["RLIMIT_AS"] = settings.memory_mib * MIB
    if sys.platform == "linux":
        chosen["RLIMIT_NPROC"] = MAX_PROCESSES
    return chosen


class CommandAgent:
    """An agent that is a program."""

    def __init__(self, settings: CommandSettings, limits: Limits, secrets: Secrets, commands: Commands) -> None:
        self._limits = limits
        self._secrets = secrets
        self._commands = commands
        self._pacer = Pacer(limits.rate_per_s)
        self._exchange = Exchange(settings, secrets)

    async def ready(self) -> None:
        """Wait for the agent's rate, and for the process that watches the commands."""
        with suppress(AttemptError):  # `answer` meets it again, where it counts
            await self._commands.start()
        await self._pacer.wait()

    async def answer(self, request: AgentRequest) -> Answer:
        """Run the program once, or again where it asks for it with status 75; measured from its start to its end.

        Raises:
            AttemptError: It failed, wrote too much, or wrote no JSON.
            AgentTimeoutError: It did not end in time.
        """
        attempts = Attempts(self._limits, self._pacer, self._secrets.redact)
        given = self._exchange.question(request) + b"\n"

        async def attempt() -> Timed[bytes]:
            ended = await self._commands.run(given)
            return Timed(self._output(ended), ended.seconds)

        return self._exchange.answer(await attempts.run(attempt), attempts)

    async def aclose(self) -> None:
        """End every process that was started."""
        await self._commands.aclose()

    def _output(self, ended: Ended) -> bytes:
        if ended.output is None or ended.status == -signal.SIGXFSZ:
            size = f"more than {self._limits.max_response_bytes:,} bytes; limits.max_response_bytes"
            raise AttemptError("response_too_large", size if ended.output is None else "a file larger than file_mib")
        if ended.status == 0:
            return ended.output
        # Redacted before it is cut, so that no half of a secret is left.
        said = self._secrets.redact(ended.errors.decode("utf-8", "replace")).strip()[-200:]
        how = f"status {ended.status}" if ended.status > 0 else _signal_name(-ended.status)
        message = f"ended with {how}" + (f"; it said: …{said}" if said else "")
        raise AttemptError("exit_status", message, transient=ended.status == TRY_AGAIN)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
