"""Programs that misbehave, by the message that they are sent. Every one is bounded, whatever becomes of its limits."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from pathlib import Path

FORKS = 6  # levels: 2 ** 6 processes at the most
LONG_S = 20  # what nobody ended by then ends itself


def say(text: str) -> None:
    os.write(1, text.encode())


def fine() -> None:
    say('{"answer": {"ok": true}}')


def stdout_flood() -> None:
    for _ in range(2048):
        os.write(1, b"x" * 1024 * 1024)


def stderr_flood() -> None:
    for _ in range(2048):
        os.write(2, b"x" * 1024 * 1024)


def long_complaint() -> None:
    os.write(2, b"very unhappy " * 100_000 + b"the end")
    sys.exit(3)


def fork_bomb() -> None:
    for _ in range(FORKS):
        os.fork()
    time.sleep(LONG_S)


def ignores_sigterm() -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(LONG_S)


def leaves_a_child() -> None:
    if os.fork() == 0:
        time.sleep(LONG_S)
        os._exit(0)
    fine()


def leaves_its_session() -> None:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(LONG_S)
        os._exit(0)
    fine()


def fails() -> None:
    sys.exit(3)


def asks_again() -> None:
    sys.exit(75)


def kills_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def crashes() -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def says_nothing() -> None:
    """Ends well, without a word."""


def sleeps() -> None:
    time.sleep(LONG_S)


def burns() -> None:
    until = time.monotonic() + LONG_S
    while time.monotonic() < until:
        pass


def hogs_memory() -> None:
    held = []
    for _ in range(64):
        held.append(bytearray(64 * 1024 * 1024))
    fine()


def writes_a_huge_file() -> None:
    with Path("huge").open("wb") as file:
        for _ in range(1024):
            file.write(b"x" * 1024 * 1024)
    fine()


def opens_too_much() -> None:
    held = [os.open("/dev/null", os.O_RDONLY) for _ in range(100_000)]
    say(str(len(held)))


def binary() -> None:
    os.write(1, bytes(range(256)) * 10)


def half_an_answer() -> None:
    say('{"answer": {"ok": tr')


def two_answers() -> None:
    fine()
    fine()


def chatter_before_the_answer() -> None:
    say("loading model...\n")
    fine()


def removes_its_folder() -> None:
    Path.cwd().rmdir()
    fine()


def closes_everything() -> None:
    for descriptor in (0, 1, 2):
        os.close(descriptor)


def nan() -> None:
    say('{"answer": {"share": NaN}}')


def half_a_character() -> None:
    say('{"answer": {"text": "\\ud800"}}')


def deep() -> None:
    say('{"answer": ' + "[" * 100_000 + "]" * 100_000 + "}")


if __name__ == "__main__":
    if sys.argv[1:] == ["closes_stdin_early"]:
        os.close(0)
        fine()
    else:
        globals()[json.load(sys.stdin)["message"]]()
