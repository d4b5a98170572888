"""The small process that starts, watches and ends an agent's commands. It runs alone, with the standard library only.

It reads one JSON line with the agent's constants, then lines ``{"start": <folder>}`` and ``{"stop": <folder>}``, and
writes ``{"folder", "status", "seconds"}`` for every command that ended. It exists because a large process with threads
cannot safely set limits between fork and exec, and because somebody has to stay when that process is killed: when its
input ends, everything that it started ends too.

A command gets its folder's `input` as standard input, `output` and `errors` to write to and `work` as its place. It
leads a session of its own, which is killed whole. On Linux also what has left that session is found and ended.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import resource
import selectors
import shutil
import signal
import sys
import time
from typing import Any

GRACE_S = 0.2
"""Seconds between asking a command to end and killing it."""
_SWEEPS_S = 0.5
"""Seconds for which stragglers of an ended command are looked for."""
_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER = 1, 36


class Supervisor:
    """All commands of one agent."""

    def __init__(self, constants: dict[str, Any]) -> None:
        self._argv: list[str] = constants["argv"]
        self._environment: dict[str, str] = constants["environment"]
        self._limits: dict[str, int] = constants["limits"]
        self._folders: dict[int, str] = {}
        self._started: dict[int, float] = {}
        self._kill_at: dict[int, float] = {}
        self._sweep_until = 0.0
        self._own_session = os.getsid(0)

    def obey(self, line: bytes) -> None:
        """Follow one instruction."""
        instruction = json.loads(line)
        if "start" in instruction:
            self._start(instruction["start"])
            return
        for pid, folder in self._folders.items():
            if folder == instruction["stop"] and pid not in self._kill_at:
                _signal_group(pid, signal.SIGTERM)
                self._kill_at[pid] = time.monotonic() + GRACE_S

    def attend(self) -> float | None:
        """Reap what ended, kill what overstays; returns seconds until it must be called again, None for whenever."""
        while (ended := _reap_one()) is not None:
            self._note_end(*ended)
        now = time.monotonic()
        for pid, moment in self._kill_at.items():
            if moment <= now:
                _signal_group(pid, signal.SIGKILL)
        if self._sweep_until > now:
            self._end_stragglers()
        if self._kill_at:
            return max(0.01, min(self._kill_at.values()) - now)
        return 0.05 if self._sweep_until > now else None

    def end_all(self) -> None:
        """Kill everything that is left, and remove the folders that nobody else can remove now."""
        folders = list(self._folders.values())
        self._kill_all()
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _kill_all(self) -> None:
        until = time.monotonic() + 1.0
        while time.monotonic() < until:
            for pid in self._folders:
                _signal_group(pid, signal.SIGKILL)
            self._folders.clear()
            self._end_stragglers()
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                time.sleep(0.005)

    def _start(self, folder: str) -> None:
        began = time.monotonic()
        try:
            pid = os.fork()
        except OSError as error:  # no more processes
            with open(f"{folder}/errors", "w", encoding="utf-8") as errors:  # noqa: PTH123 (starts fast)
                errors.write(f"cannot be started: {error}")
            tell({"folder": folder, "status": 126, "seconds": 0.0})
            return
        if pid == 0:
            try:
                self._become_command(folder)
            finally:
                os._exit(127)
        self._folders[pid] = folder
        self._started[pid] = began

    def _become_command(self, folder: str) -> None:
        os.setsid()
        for descriptor, name, flags in (
            (0, "input", os.O_RDONLY),
            (1, "output", os.O_WRONLY),
            (2, "errors", os.O_WRONLY),
        ):
            os.dup2(os.open(f"{folder}/{name}", flags), descriptor)
        try:
            work = f"{folder}/work"
            os.chdir(work)
            _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
            for name, value in self._limits.items():
                kind = getattr(resource, name)
                hard = resource.getrlimit(kind)[1]
                value = value if hard == resource.RLIM_INFINITY else min(value, hard)
                resource.setrlimit(kind, (value, value))
            for number in (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
                signal.signal(number, signal.SIG_DFL)
            environment = {**self._environment, "HOME": work, "TMPDIR": work}
            os.execve(self._argv[0], self._argv, environment)  # noqa: S606 (what it is for)
        except OSError as error:
            os.write(2, f"cannot be started: {error}\n".encode())

    def _note_end(self, pid: int, status: int) -> None:
        ended = time.monotonic()
        self._kill_at.pop(pid, None)
        self._sweep_until = ended + _SWEEPS_S
        folder = self._folders.pop(pid, None)
        if folder is not None:
            seconds = ended - self._started.pop(pid)
            tell({"folder": folder, "status": os.waitstatus_to_exitcode(status), "seconds": seconds})

    def _end_stragglers(self) -> None:
        """Kill adopted processes outside every running command: they have left theirs."""
        for pid in _children():
            try:
                session = os.getsid(pid)
            except OSError:
                continue
            if session not in self._folders and session != self._own_session:
                _signal_group(os.getpgid(pid), signal.SIGKILL)


def tell(message: dict[str, Any]) -> None:
    """Write one line to whoever started this process; if that is gone, its input will have ended as well."""
    with contextlib.suppress(BrokenPipeError):
        os.write(1, json.dumps(message).encode() + b"\n")


def _reap_one() -> tuple[int, int] | None:
    """Number and status of a child that ended, with its session killed; None if none did."""
    try:
        if hasattr(os, "waitid"):
            found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if found is None:
                return None
            _signal_group(found.si_pid, signal.SIGKILL)  # while its number cannot be another's yet
            return os.waitpid(found.si_pid, 0)
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    if pid == 0:
        return None
    _signal_group(pid, signal.SIGKILL)
    return pid, status


def _signal_group(group: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def _children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children", encoding="ascii") as listing:  # noqa: PTH123 (starts fast)
            return [int(pid) for pid in listing.read().split()]
    except OSError:
        return []


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def main() -> None:
    """Serve until the input ends."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    woken, waker = os.pipe()
    os.set_blocking(woken, False)
    os.set_blocking(waker, False)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    watched = selectors.DefaultSelector()
    watched.register(0, selectors.EVENT_READ)
    watched.register(woken, selectors.EVENT_READ)
    supervisor: Supervisor | None = None
    rest, wait = b"", None
    while True:
        ready = {key.fd for key, _ in watched.select(wait)}
        if woken in ready:
            os.read(woken, 4096)
        if 0 in ready:
            read = os.read(0, 65536)
            if not read:
                break
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                if supervisor is None:
                    supervisor = Supervisor(json.loads(line))
                else:
                    supervisor.obey(line)
        wait = supervisor.attend() if supervisor is not None else None
    if supervisor is not None:
        supervisor.end_all()


if __name__ == "__main__":
    main()
