"""Runs an agent's command, many at a time, each in a folder of its own, through the supervisor process.

Standard output and error are files, so that a flood costs this process nothing, a command that closes its ends early
breaks nothing, and a process that outlives its command holds nothing open.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from eaas_assets.agents.attempts import AttemptError

TAIL_BYTES = 16 * 1024
"""Of standard error that is kept, from its end."""
STOP_S = 0.7
"""Seconds within which a stopped command must be gone; then it is left to the supervisor."""

_SUPERVISOR = Path(__file__).with_name("supervisor.py")
_LIBRARY_PATHS = ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # without these some builds of Python do not start
_FILE_THREADS = 4


class Ended(NamedTuple):
    """How a command ended.

    Attributes:
        status: Its exit status; the negative number of the signal that ended it.
        seconds: From its start to its end.
        output: Standard output; None if it is longer than allowed.
        errors: The end of standard error.
    """

    status: int
    seconds: float
    output: bytes | None
    errors: bytes


class Commands:
    """Runs the commands of one agent."""

    def __init__(
        self, argv: Sequence[str], environment: Mapping[str, str], limits: Mapping[str, int], max_output_bytes: int
    ) -> None:
        """Run ``argv`` with nothing but ``environment``, under ``limits`` by their names in the module `resource`."""
        self._constants = {"argv": list(argv), "environment": dict(environment), "limits": dict(limits)}
        self._max_output_bytes = max_output_bytes
        self._waiting: dict[str, asyncio.Future[tuple[int, float]]] = {}
        self._supervisor: asyncio.subprocess.Process | None = None
        self._listener: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        self._files = ThreadPoolExecutor(_FILE_THREADS, thread_name_prefix="command-files")

    async def start(self) -> asyncio.subprocess.Process:
        """The supervisor, started if there is none.

        Raises:
            AttemptError: No process can be started.
        """
        async with self._starting:
            if self._supervisor is None:
                try:
                    supervisor = await asyncio.create_subprocess_exec(
                        *(sys.executable, "-I", "-S", str(_SUPERVISOR)),
                        stdin=asyncio.subprocess.PIPE,
                        stdout=asyncio.subprocess.PIPE,
                        stderr=asyncio.subprocess.DEVNULL,
                        start_new_session=True,  # Ctrl-C is for this process to handle
                        env={name: os.environ[name] for name in _LIBRARY_PATHS if name in os.environ},
                    )
                except OSError as error:
                    raise AttemptError("cannot_start", f"no process can be started: {error}") from error
                _instruct(supervisor, self._constants)
                self._listener = asyncio.create_task(self._listen(supervisor))
                self._supervisor = supervisor
            return self._supervisor

    async def run(self, given: bytes) -> Ended:
        """Run the command once, with ``given`` as its standard input.

        Raises:
            AttemptError: It could not be run.
        """
        supervisor = await self.start()
        made = self._files.submit(_Folder, given)
        try:
            folder = await asyncio.wrap_future(made)
            status, seconds = await self._supervised(supervisor, str(folder.path))
            output, errors = await asyncio.wrap_future(self._files.submit(folder.read, self._max_output_bytes))
        except OSError as error:
            raise AttemptError("no_folder", f"files for the command: {error}") from error
        finally:
            # Emptying what a hostile command left behind is not this evaluation's time.
            made.add_done_callback(lambda ready: self._files.submit(_remove, ready))
        return Ended(status, seconds, output, errors)

    async def aclose(self) -> None:
        """End the supervisor and with it everything that it started."""
        supervisor, self._supervisor = self._supervisor, None
        if supervisor is not None and supervisor.stdin is not None:
            supervisor.stdin.close()
            try:
                async with asyncio.timeout(2.0):
                    await supervisor.wait()
            except TimeoutError:
                supervisor.kill()
                await supervisor.wait()
        if self._listener is not None:
            await self._listener
        await asyncio.to_thread(self._files.shutdown)

    async def _supervised(self, supervisor: asyncio.subprocess.Process, folder: str) -> tuple[int, float]:
        done = self._waiting[folder] = asyncio.get_running_loop().create_future()
        try:
            _instruct(supervisor, {"start": folder})
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            _instruct(supervisor, {"stop": folder})
            await asyncio.wait([done], timeout=STOP_S)
            raise
        finally:
            del self._waiting[folder]
            done.cancel()

    async def _listen(self, supervisor: asyncio.subprocess.Process) -> None:
        while supervisor.stdout is not None and (line := await supervisor.stdout.readline()):
            message = json.loads(line)
            done = self._waiting.get(message["folder"])
            if done is not None and not done.done():
                done.set_result((message["status"], message["seconds"]))
        if self._supervisor is supervisor:  # nobody asked it to end
            self._supervisor = None
        if supervisor.stdin is not None:
            supervisor.stdin.close()
        for done in self._waiting.values():
            if not done.done():
                done.set_exception(AttemptError("supervisor_lost", "the process that watches commands was ended"))


def _instruct(supervisor: asyncio.subprocess.Process, message: Mapping[str, Any]) -> None:
    if supervisor.stdin is not None and not supervisor.stdin.is_closing():
        supervisor.stdin.write(json.dumps(message).encode() + b"\n")


class _Folder:
    """The files of one call: `input`, `output`, `errors`, and `work` for the command to be in."""

    def __init__(self, given: bytes) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="eaas-call-", ignore_cleanup_errors=True)
        self.path = Path(self._folder.name)
        (self.path / "work").mkdir()
        (self.path / "input").write_bytes(given)
        # Kept open: a command could put something else in their places.
        self._output = (self.path / "output").open("w+b")
        self._errors = (self.path / "errors").open("w+b")

    def read(self, max_output_bytes: int) -> tuple[bytes | None, bytes]:
        """Standard output, None if too long, and the end of standard error."""
        output = self._output.read(max_output_bytes + 1)
        self._errors.seek(max(0, os.fstat(self._errors.fileno()).st_size - TAIL_BYTES))
        return output if len(output) <= max_output_bytes else None, self._errors.read(TAIL_BYTES)

    def remove(self) -> None:
        """Remove everything."""
        self._output.close()
        self._errors.close()
        self._folder.cleanup()


def _remove(made: Future[_Folder]) -> None:
    if not made.cancelled() and made.exception() is None:
        made.result().remove()
