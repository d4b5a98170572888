from __future__ import annotations

import base64
import json
import logging
import urllib.parse
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eaas_assets.agents.opening import open_agent
from eaas_assets.agents.secrets import REDACTED, Secrets, sounds_secret
from eaas_assets.errors import InputError
from eaas_assets_tests.agents import asking
from eaas_assets_tests.agents.local_servers import Reply, Seen, serving

TOKEN = 'tok"en/Ä+4711=='  # noqa: S105 (nobody's)


def test_a_secret_is_found_in_every_common_form() -> None:
    secrets = Secrets({"TOKEN": f"Bearer {TOKEN}"})
    for form in (
        f"Bearer {TOKEN}",
        TOKEN,
        json.dumps(TOKEN),
        urllib.parse.quote(TOKEN, safe=""),
        base64.b64encode(TOKEN.encode()).decode(),
    ):
        shown = secrets.redact(f"it was {form} all along")
        assert REDACTED in shown
        assert "4711" not in shown
        assert base64.b64encode(TOKEN.encode()).decode()[:8] not in shown


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=40))
def test_redacting_takes_out_the_secret_and_nothing_else(text: str) -> None:
    secrets = Secrets({"TOKEN": "s3cr3t-value"})
    around = text.replace("s3cr3t-value", "")
    assert secrets.redact(f"{around}s3cr3t-value{around}") == f"{around}{REDACTED}{around}"


def test_values_are_cleaned_in_every_place_and_otherwise_stay() -> None:
    value = {"a": ["s3cr3t-value", 1, None, 2.5, True], "s3cr3t-value": {"b": "x s3cr3t-value"}}
    expected = {"a": [REDACTED, 1, None, 2.5, True], REDACTED: {"b": f"x {REDACTED}"}}
    assert Secrets({"TOKEN": "s3cr3t-value"}).clean(value) == expected
    assert Secrets({}).clean(value) is value


def test_missing_and_unusable_secrets_are_named_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORT", "pa55")
    monkeypatch.setenv("BROKEN", "line\nbreak-in-it")
    monkeypatch.delenv("ABSENT", raising=False)
    with pytest.raises(InputError) as caught:
        Secrets.read([("settings.a", "SHORT"), ("settings.b", "BROKEN"), ("settings.c", "ABSENT")], "agents/a/v.yaml")
    assert [(problem.code, problem.field) for problem in caught.value.problems] == [
        ("unusable_secret", "settings.a"),
        ("unusable_secret", "settings.b"),
        ("missing_secret", "settings.c"),
    ]
    assert "pa55" not in str(caught.value)
    assert "in-it" not in str(caught.value)


def test_secrets_do_not_show_in_their_own_text() -> None:
    secrets = Secrets({"TOKEN": "s3cr3t-value"})
    assert "s3cr3t" not in repr(secrets)
    assert "s3cr3t" not in str(secrets)
    assert secrets["TOKEN"] == "s3cr3t-value"  # noqa: S105


@pytest.mark.parametrize("name", ["Authorization", "X-Api-Key", "api_key", "Cookie", "SESSION_TOKEN", "db_password"])
def test_names_of_secrets_are_recognised(name: str) -> None:
    assert sounds_secret(name)


SECRET = "sk-live-0123456789abcdef"  # noqa: S105 (nobody's)


def repeat_it(seen: Seen) -> Reply | dict[str, Any]:
    """Servers that repeat what they were given, wherever they can."""
    given = seen.headers["authorization"]
    message = seen.body["message"] if "message" in seen.body else seen.body["messages"][0]["content"]
    token = given.removeprefix("Bearer ")
    answer = {"answer": {"echo": given, token: [token]}, "message": given, "confidence": 0.5}
    match message:
        case "answer":
            return Reply(answer, headers={"X-Echo": given, "Set-Cookie": f"t={token}"})
        case "error_page":
            return Reply(f"x{'y' * 150} {given} {token}".encode(), status=500, headers={"X-Echo": given})
        case "redirect":
            return Reply(b"", status=302, headers={"Location": f"https://evil.example/?t={token}"})
        case "no_json":
            return Reply(f"your token: {token}".encode())
        case "chat":
            choice = {"message": {"role": "assistant", "content": json.dumps(answer)}, "finish_reason": "stop"}
            return Reply({"choices": [choice], "usage": None})
        case _:
            return Reply({"answer": token})


def test_a_secret_that_agents_repeat_reaches_no_file_no_log_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DESK_TOKEN", SECRET)
    caplog.set_level(logging.DEBUG)
    program = tmp_path / "program.py"
    program.write_text(
        "import json, os, sys\n"
        "message = json.load(sys.stdin)['message']\n"
        "token = os.environ['DESK_TOKEN']\n"
        "sys.stderr.write('x' * 150 + token)\n"
        "json.dump({'answer': {'echo': token}}, sys.stdout)\n"
        "sys.exit(message == 'error_page')\n"
    )
    messages = asking.messages_as_scenarios(["answer", "chat", "error_page", "no_json", "redirect", "wrong"])
    with serving(repeat_it) as server:
        local = {"allow_private_hosts": ["127.0.0.1"]}
        chat = {"base_url": server.url, "model": "m", "messages": [{"role": "user", "content": "{{message}}"}]}
        versions = {
            "http": {"url": server.url, "bearer_token_from_env": "DESK_TOKEN", **local},
            "openai": {"api_key_from_env": "DESK_TOKEN", **chat, **local},
            "command": {"argv": ["{python}", str(program)], "environment_from": ["DESK_TOKEN"]},
            "python": {"callable": f"{__name__}:leaks", "redact_from_env": ["DESK_TOKEN"]},
        }
        runs = {
            adapter: asking.run(tmp_path / "output" / adapter, asking.agent_version(adapter, settings), messages)
            for adapter, settings in versions.items()
        }
        assert {seen.headers["authorization"] for seen in server.seen} == {f"Bearer {SECRET}"}
    for adapter, done in runs.items():
        text = done.executed.to_csv() + done.calls.to_csv()
        assert REDACTED in text, adapter  # the agent did repeat it
        assert SECRET not in text, adapter
    for file in (tmp_path / "output").rglob("*"):
        assert not file.is_file() or SECRET.encode() not in file.read_bytes()
    assert SECRET not in caplog.text
    assert SECRET not in "".join(capfd.readouterr())


def leaks(request: Any) -> Any:
    if request.message == "error_page":
        raise ValueError(f"bad key {SECRET}")
    return {"answer": {"echo": SECRET}}


def test_an_agent_shows_no_secret_in_its_own_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DESK_TOKEN", SECRET)
    settings = {"url": "https://agents.example.com/", "bearer_token_from_env": "DESK_TOKEN"}
    assert SECRET not in repr(open_agent(asking.agent_version("http", settings)))
