"""Agents that misbehave in every way known, all at once through the real runner.

Each evaluation must end in the outcome that names what happened, within its time limit and a second, while its
neighbours are answered and memory stays flat.
"""

from __future__ import annotations

import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from eaas_assets.errors import AgentTimeoutError
from eaas_assets_tests.agents import asking
from eaas_assets_tests.agents.samples import hostile_functions, hostile_program, hostile_server

TIMEOUT_S = 1.5
CONCURRENCY = 12  # starting forty programs at once would time this machine and not the programs
GROWTH_MIB = 64
Ending = tuple[str, str | None]
FINE: Ending = ("completed", None)
LATE: Ending = ("timeout", "timeout")

OVER_HTTP: dict[str, Ending] = {
    "gigabyte": ("failed", "response_too_large"),
    "announced_gigabyte": ("failed", "response_too_large"),
    "endless_announcement": ("failed", "response_too_large"),
    "gzip_bomb": ("failed", "compressed_response"),
    "storm_429": ("failed", "http_429"),
    "storm_503": ("failed", "http_503"),
    "come_back_tomorrow": ("failed", "http_429"),
    "senseless_retry_after": ("failed", "http_503"),
    "reset": ("failed", "connection_lost"),
    "reset_midway": ("failed", "connection_lost"),
    "hang_up": ("failed", "connection_lost"),
    "drip": LATE,
    "drip_headers": LATE,
    "never": LATE,
    "header_flood": ("failed", "connection_lost"),
    "endless_line": ("failed", "connection_lost"),
    "invalid_json": ("failed", "not_json"),
    "nothing": ("failed", "not_json"),
    "no_content": ("failed", "not_json"),
    "error_page": ("failed", "not_json"),
    "server_error": ("failed", "http_500"),
    "wrong_types": ("failed", "invalid_answer"),
    "a_list": ("failed", "invalid_answer"),
    "nan": ("failed", "not_json"),
    "infinite": ("failed", "invalid_answer"),
    "endless_number": ("failed", "not_json"),
    "half_a_character": ("failed", "invalid_answer"),
    "bad_utf8": ("failed", "not_json"),
    "deep": ("failed", "not_json"),
    "deep_but_parsable": ("failed", "not_json"),
    "redirect": ("failed", "redirect"),
    "redirect_nowhere": ("failed", "connection_lost"),
    "short_body": ("failed", "connection_lost"),
    "negative_length": ("failed", "connection_lost"),
    "two_lengths": ("failed", "connection_lost"),
    "not_http": ("failed", "connection_lost"),
    "upgrade": ("failed", "connection_lost"),
    "strange_status": ("failed", "http_999"),
    "cookies": FINE,
}
AS_PROGRAM: dict[str, Ending] = {
    "stdout_flood": ("failed", "response_too_large"),
    "stderr_flood": ("failed", "exit_status"),
    "long_complaint": ("failed", "exit_status"),
    "fork_bomb": LATE,
    "ignores_sigterm": LATE,
    "leaves_a_child": FINE,
    "leaves_its_session": FINE,
    "fails": ("failed", "exit_status"),
    "asks_again": ("failed", "exit_status"),
    "kills_itself": ("failed", "exit_status"),
    "crashes": ("failed", "exit_status"),
    "says_nothing": ("failed", "not_json"),
    "sleeps": LATE,
    "burns": LATE,
    "hogs_memory": ("failed", "exit_status"),
    "writes_a_huge_file": ("failed", "exit_status"),
    "opens_too_much": ("failed", "exit_status"),
    "binary": ("failed", "not_json"),
    "half_an_answer": ("failed", "not_json"),
    "two_answers": ("failed", "not_json"),
    "chatter_before_the_answer": ("failed", "not_json"),
    "removes_its_folder": FINE,
    "closes_everything": ("failed", "not_json"),
    "nan": ("failed", "not_json"),
    "half_a_character": ("failed", "invalid_answer"),
    "deep": ("failed", "not_json"),
}
AS_FUNCTION: dict[str, Ending] = {
    "raises": ("failed", "agent_error"),
    "ends_the_program": ("failed", "agent_error"),
    "presses_ctrl_c": ("failed", "agent_error"),
    "is_unspeakable": ("failed", "agent_error"),
    "cancels": ("failed", "agent_error"),
    "times_out_itself": ("failed", "agent_error"),
    "says_none": ("failed", "invalid_answer"),
    "says_text": ("failed", "invalid_answer"),
    "is_opaque": ("failed", "invalid_answer"),
    "nan": ("failed", "invalid_answer"),
    "half_a_character": ("failed", "invalid_answer"),
    "wrong_types": ("failed", "invalid_answer"),
    "huge": ("failed", "answer_too_large"),
    "cycle": ("failed", "invalid_answer"),
    "deep": ("failed", "invalid_answer"),
    "endless": ("failed", "invalid_answer"),
    "forgets_to_await": ("failed", "agent_error"),
    "blocks": LATE,
}


@pytest.fixture(scope="module")
def hostile_port() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, hostile_server.__file__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.terminate()


@contextmanager
def little_memory() -> Iterator[None]:
    """Fails if this process needed much more memory in between than before; the system keeps the peak."""
    status = Path("/proc/self/status")
    if not status.exists():
        yield
        return

    def read(name: str) -> int:
        return next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith(name))

    Path("/proc/self/clear_refs").write_text("5")  # forgets the peak so far
    before = read("VmRSS")
    yield
    assert (read("VmHWM") - before) / 1024 < GROWTH_MIB


def check(
    folder: Path,
    adapter: str,
    settings: dict[str, Any],
    expected: dict[str, Ending],
    good: Ending = FINE,
    root: Path | None = None,
) -> pd.DataFrame:
    """Run every behaviour, among good ones, and compare what the sealed table says."""
    neighbours = [f"fine_{number}" for number in range(10)]
    scenarios = asking.messages_as_scenarios([*expected, *neighbours])
    scenarios["message"] = scenarios["message"].replace(neighbours, "fine")
    limits = {"timeout_s": TIMEOUT_S, "concurrency": CONCURRENCY, "backoff_s": 0.05}
    version = asking.agent_version(adapter, settings, limits=limits)
    with little_memory():
        rows = asking.run(folder, version, scenarios, root).executed.set_index("scenario_id")
    found = {
        name: (row["status"], None if pd.isna(row["error_code"]) else row["error_code"])
        for name, row in rows.iterrows()
    }
    assert {name: found[name] for name in found if found[name] != expected.get(name, good)} == {}
    assert rows["measured_s"].max() < TIMEOUT_S + 1
    assert rows["error"].str.len().max() <= 500
    return rows


def test_hostile_web_services(tmp_path: Path, hostile_port: int) -> None:
    settings = {"url": f"http://127.0.0.1:{hostile_port}/", "allow_private_hosts": ["127.0.0.1"]}
    rows = check(tmp_path, "http", settings, OVER_HTTP)
    assert rows["attempts"][["storm_429", "storm_503", "reset", "come_back_tomorrow", "redirect"]].tolist() == [
        3,
        3,
        3,
        1,
        1,
    ]


def test_hostile_chat_services(tmp_path: Path, hostile_port: int) -> None:
    settings = {
        "base_url": f"http://127.0.0.1:{hostile_port}/v1",
        "allow_private_hosts": ["127.0.0.1"],
        "model": "any",
        "messages": [{"role": "user", "content": "{{message}}"}],
    }
    # Whatever was no answer before is no reply of a chat model either, and so is the good answer.
    expected = {
        name: ("failed", "invalid_reply") if code in {None, "invalid_answer"} else (status, code)
        for name, (status, code) in OVER_HTTP.items()
    }
    check(tmp_path, "openai", settings, expected, good=("failed", "invalid_reply"))


def test_a_flood_of_interim_responses_is_a_timeout(hostile_port: int) -> None:
    """Alone: the transport reads such a flood without a pause, so its neighbours would be late with it."""
    settings = {"url": f"http://127.0.0.1:{hostile_port}/", "allow_private_hosts": ["127.0.0.1"]}
    version = asking.agent_version("http", settings, limits={"timeout_s": 0.5})
    began = time.monotonic()
    with little_memory(), pytest.raises(AgentTimeoutError):
        asking.ask_one(version, asking.question("early_hints"))
    assert time.monotonic() - began < 0.5 + 1 + 1  # opening and closing the agent included


def test_hostile_programs(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    program = Path(hostile_program.__file__)
    settings = {
        "argv": ["{python}", "-I", "-S", "{data}/hostile_program.py"],
        "environment": {"MARK": mark},
        "memory_mib": 256,
        "file_mib": 8,
    }
    rows = check(tmp_path, "command", settings, AS_PROGRAM, root=program.parent)
    assert "the end" in rows["error"]["long_complaint"]
    assert "SIGSEGV" in rows["error"]["crashes"]
    assert rows["attempts"]["asks_again"] == 3
    assert processes_marked(mark) == []


@pytest.mark.parametrize("name", ["answer", "answer_later"])
def test_hostile_functions(tmp_path: Path, name: str) -> None:
    expected = dict(AS_FUNCTION)
    if name == "answer_later":
        del expected["blocks"]  # has a test of its own: it holds up its like
        expected |= {"never_wakes": LATE, "refuses_to_be_cancelled": LATE}
    check(tmp_path, "python", {"callable": f"{hostile_functions.__name__}:{name}"}, expected)


def processes_marked(mark: str) -> list[str]:
    """Numbers of the processes that have ``mark`` in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*/environ"):
        try:
            if mark.encode() in place.read_bytes():
                found.append(place.parent.name)
        except OSError:
            continue
    return found
