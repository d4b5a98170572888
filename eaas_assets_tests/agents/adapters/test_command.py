from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path
from typing import Any

import pytest

from eaas_assets.agents.attempts import AttemptError
from eaas_assets.contracts.agent import AgentVersion
from eaas_assets.errors import AgentCallError, AgentTimeoutError, InputError
from eaas_assets_tests.agents import asking
from eaas_assets_tests.agents.asking import agent_version, ask, ask_one, question
from eaas_assets_tests.agents.test_hostile_agents import processes_marked

linux = pytest.mark.skipif(sys.platform != "linux", reason="the system's own list of processes")


def version(tmp_path: Path, code: str, limits: dict[str, Any] | None = None, **settings: Any) -> AgentVersion:
    program = tmp_path / "program.py"
    program.write_text(f"import json, os, sys, time\nrequest = json.load(sys.stdin)\n{code}\n")
    chosen = {"argv": ["{python}", "-I", "-S", str(program)], **settings}
    return agent_version("command", chosen, limits={"timeout_s": 10, "backoff_s": 0.01, **(limits or {})})


def test_the_request_is_given_and_the_answer_taken(tmp_path: Path) -> None:
    answer = ask_one(
        version(tmp_path, "json.dump({'answer': request}, sys.stdout)"), question("Hi", context={"a": "ü"})
    )
    assert answer.content == {"answer": {"scenario_id": "S001", "message": "Hi", "context": {"a": "ü"}, "seed": 1}}


def test_requests_and_responses_can_be_in_the_programs_own_words(tmp_path: Path) -> None:
    code = "json.dump({'out': {'text': request['q'] * 2}}, sys.stdout)"
    asked = version(tmp_path, code, request={"q": "{{message}}"}, response={"answer": {"text": "out.text"}})
    assert ask_one(asked, question("ab")).content == {"answer": {"text": "abab"}}


def test_arguments_are_never_read_by_a_shell(tmp_path: Path) -> None:
    code = "json.dump({'answer': {'argv': sys.argv[1:]}}, sys.stdout)"
    arguments = ["$(touch pwned)", "a b", "; exit 1", "*", "$HOME", "`id`", "{data}/x"]
    asked = version(tmp_path, code)
    settings = {**asked.settings, "argv": [*asked.settings["argv"], *arguments]}
    answer = ask_one(asked.model_copy(update={"settings": settings}), root=tmp_path)
    assert answer.content["answer"]["argv"] == [*arguments[:-1], f"{tmp_path}/x"]


def test_the_environment_is_clean_and_the_folder_new_empty_and_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not-for-you")
    monkeypatch.setenv("DESK_TOKEN", "for-you-alone")
    code = (
        "found = {'variables': dict(os.environ), 'files': os.listdir('.'), 'cwd': os.getcwd()}\n"
        "open('left', 'w').write('behind')\n"
        "json.dump({'answer': found | {'token': len(os.environ['DESK_TOKEN'])}}, sys.stdout)"
    )
    asked = version(tmp_path, code, environment={"MODE": "test"}, environment_from=["DESK_TOKEN"])
    first, second = (ask_one(asked).content["answer"] for _ in range(2))
    for found in (first, second):
        allowed = {"PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "HOME", "TMPDIR", "MODE", "DESK_TOKEN"}
        assert set(found["variables"]) <= allowed
        assert (found["files"], found["token"], found["variables"]["DESK_TOKEN"]) == ([], 13, "[redacted]")
        assert found["variables"]["HOME"] == found["variables"]["TMPDIR"] == found["cwd"]
        assert not Path(found["cwd"]).parent.exists()
    assert first["cwd"] != second["cwd"]


def test_limits_reach_the_program_and_cannot_be_raised_again(tmp_path: Path) -> None:
    code = (
        "import resource\n"
        "names = ['RLIMIT_AS', 'RLIMIT_CPU', 'RLIMIT_FSIZE', 'RLIMIT_NOFILE', 'RLIMIT_CORE']\n"
        "json.dump({'answer': {name: resource.getrlimit(getattr(resource, name)) for name in names}}, sys.stdout)"
    )
    asked = version(tmp_path, code, limits={"timeout_s": 5}, memory_mib=512, file_mib=3, open_files=64)
    mib = 1024 * 1024
    cpu = 5 * (os.cpu_count() or 1) + 1
    expected = {
        "RLIMIT_AS": 512 * mib,
        "RLIMIT_CPU": cpu,
        "RLIMIT_FSIZE": 3 * mib,
        "RLIMIT_NOFILE": 64,
        "RLIMIT_CORE": 0,
    }
    assert ask_one(asked).content == {"answer": {name: [value, value] for name, value in expected.items()}}


def test_measured_is_the_programs_own_time(tmp_path: Path) -> None:
    code = "time.sleep(0.3)\nprint('{\"answer\": {}}')"
    for outcome in ask(version(tmp_path, code), *(question(number=n) for n in range(4))):
        assert not isinstance(outcome, AgentCallError)
        assert outcome.measured_s is not None
        assert 0.3 <= outcome.measured_s < 2


def test_a_program_can_ask_for_another_attempt(tmp_path: Path) -> None:
    mark = tmp_path / "tried"
    code = f"tried = os.path.exists({str(mark)!r})\nopen({str(mark)!r}, 'w')\nif not tried: sys.exit(75)\nprint('{{}}')"
    assert ask_one(version(tmp_path, code)).attempts == 2


def test_a_program_that_fails_is_quoted(tmp_path: Path) -> None:
    with pytest.raises(AttemptError, match="ended with status 4; it said: …no model") as caught:
        ask_one(version(tmp_path, "sys.stderr.write('no model')\nsys.exit(4)"))
    assert (caught.value.code, caught.value.attempts) == ("exit_status", 1)


def test_programs_run_side_by_side(tmp_path: Path) -> None:
    code = "time.sleep(0.5)\nprint('{\"answer\": {}}')"
    began = time.monotonic()
    outcomes = ask(version(tmp_path, code), *(question(number=n) for n in range(8)))
    assert not any(isinstance(outcome, AgentCallError) for outcome in outcomes)
    assert time.monotonic() - began < 3


@linux
def test_time_over_ends_the_whole_session(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    code = "os.fork()\nos.fork()\ntime.sleep(20)"
    with pytest.raises(AgentTimeoutError):
        ask_one(version(tmp_path, code, limits={"timeout_s": 0.5}, environment={"MARK": mark}))
    assert processes_marked(mark) == []


def test_a_program_may_use_its_last_moments_to_tidy_up(tmp_path: Path) -> None:
    note = tmp_path / "note"
    code = (
        "import signal\n"
        f"def tidy(*_):\n    open({str(note)!r}, 'w').write('tidy')\n    sys.exit(0)\n"
        "signal.signal(signal.SIGTERM, tidy)\ntime.sleep(20)"
    )
    with pytest.raises(AgentTimeoutError):
        ask_one(version(tmp_path, code, limits={"timeout_s": 1.0}))
    assert note.read_text() == "tidy"


@linux
def test_an_evaluation_whose_watcher_was_killed_fails_and_the_next_is_fine(tmp_path: Path) -> None:
    code = (
        "import signal\n"
        "if request['message'] == 'kill': os.kill(os.getppid(), signal.SIGKILL); time.sleep(20)\n"
        "print('{\"answer\": {}}')"
    )
    scenarios = asking.messages_as_scenarios(["a", "kill", "z"])
    asked = version(tmp_path, code, limits={"concurrency": 1, "timeout_s": 5})
    rows = asking.run(tmp_path, asked, scenarios).executed.set_index("scenario_id")
    assert rows["status"].to_dict() == {"a": "completed", "kill": "failed", "z": "completed"}
    assert rows["error_code"]["kill"] == "supervisor_lost"


@linux
def test_programs_and_their_folders_go_when_the_process_that_started_them_is_killed(tmp_path: Path) -> None:
    mark = uuid.uuid4().hex
    asked = version(tmp_path, "os.fork()\ntime.sleep(20)", environment={"MARK": mark})
    code = (
        "from eaas_assets_tests.agents.asking import AgentVersion, ask_one\n"
        f"ask_one(AgentVersion.model_validate_json({asked.model_dump_json()!r}))"
    )
    folders = tmp_path / "folders"
    folders.mkdir()
    with subprocess.Popen([sys.executable, "-c", code], env={**os.environ, "TMPDIR": str(folders)}) as runner:
        _until(lambda: len(processes_marked(mark)) >= 2)
        assert len(list(folders.iterdir())) == 1
        runner.send_signal(signal.SIGKILL)
    _until(lambda: not processes_marked(mark))
    _until(lambda: not list(folders.iterdir()))


def _until(holds: Any, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("settings", "code"),
    [
        ({"argv": []}, "too_short"),
        ({"argv": ["no-such-program-anywhere"]}, "no_such_program"),
        ({"argv": ["/etc/passwd"]}, "no_such_program"),
        ({"argv": ["cat", "a\0b"]}, "value_error"),
        ({"argv": "cat file"}, "list_type"),
        ({"argv": ["cat"], "environment": {"API_TOKEN": "abc"}}, "value_error"),
        ({"argv": ["cat"], "environment_from": ["NOT_SET_ANYWHERE"]}, "missing_secret"),
        ({"argv": ["cat"], "request": "{{expected}}"}, "value_error"),
        ({"argv": ["cat"], "shell": True}, "extra_forbidden"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], code: str) -> None:
    with pytest.raises(InputError) as caught:
        ask_one(agent_version("command", settings))
    (problem,) = caught.value.problems
    assert problem.code == code
    assert json.dumps(problem.as_row())
