from __future__ import annotations

import socket
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from eaas_assets.agents.adapters.http.faults import retry_after
from eaas_assets.agents.attempts import AttemptError
from eaas_assets.contracts.agent import AgentVersion
from eaas_assets.errors import AgentCallError, AgentTimeoutError, InputError
from eaas_assets_tests.agents.asking import agent_version, ask, ask_one, messages_as_scenarios, question, run
from eaas_assets_tests.agents.local_servers import LocalServer, Reply, Seen, serving

GOOD = {"answer": {"outcome": "refund"}}


def version(server: LocalServer, limits: dict[str, Any] | None = None, **settings: Any) -> AgentVersion:
    local = {"url": server.url, "allow_private_hosts": ["127.0.0.1"], **settings}
    return agent_version("http", local, limits={"backoff_s": 0.01, "timeout_s": 5, **(limits or {})})


def failure(server: LocalServer, **settings: Any) -> AgentCallError:
    with pytest.raises(AgentCallError) as caught:
        ask_one(version(server, **settings))
    return caught.value


def test_the_request_is_sent_as_json_and_the_answer_comes_back() -> None:
    with serving(lambda _: GOOD) as server:
        answer = ask_one(version(server, headers={"X-Team": "desk"}), question("Hi", context={"orders.status": "lost"}))
    (seen,) = server.seen
    assert seen.body == {"scenario_id": "S001", "message": "Hi", "context": {"orders.status": "lost"}, "seed": 1}
    assert seen.headers["content-type"] == "application/json"
    assert seen.headers["x-team"] == "desk"
    assert answer.content == GOOD
    assert answer.attempts == 1


def test_every_attempt_of_an_evaluation_carries_the_same_idempotency_key_and_others_another() -> None:
    faults = iter([503, 429])
    with serving(lambda _: Reply(b"", status) if (status := next(faults, None)) else GOOD) as server:
        answer = ask_one(version(server), question(idempotency_key="RUN_1-aa"))
        ask_one(version(server), question(idempotency_key="RUN_1-bb"))
    assert answer.attempts == 3
    assert [seen.headers["idempotency-key"] for seen in server.seen] == ["RUN_1-aa"] * 3 + ["RUN_1-bb"]


def test_measured_is_the_answering_call_without_the_waits_before_it() -> None:
    faults = iter([503])
    with serving(lambda _: Reply(b"", 503, {"Retry-After": "1"}) if next(faults, None) else GOOD) as server:
        answer = ask_one(version(server))
    assert answer.measured_s is not None
    assert answer.measured_s < 0.9


@pytest.mark.parametrize("status", [400, 401, 404, 409, 500, 501])
def test_a_response_that_another_attempt_would_not_change_is_not_asked_for_twice(status: int) -> None:
    with serving(lambda _: Reply(b"because", status)) as server:
        error = failure(server)
    assert (error.code, str(error), len(server.seen)) == (f"http_{status}", f"HTTP {status}: because", 1)


@pytest.mark.parametrize("status", [408, 425, 429, 502, 503, 504])
def test_a_response_that_says_not_now_is_tried_again(status: int) -> None:
    with serving(lambda _: Reply(b"", status)) as server:
        error = failure(server)
    assert isinstance(error, AttemptError)
    assert (error.code, error.attempts, len(server.seen)) == (f"http_{status}", 3, 3)


def test_nobody_there_is_tried_again_and_then_said() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        error = failure(LocalServer(url, [], []))
    assert isinstance(error, AttemptError)
    assert (error.code, error.attempts) == ("unreachable", 3)


def test_redirects_are_not_followed() -> None:
    with serving(lambda _: GOOD) as other, serving(lambda _: Reply(b"", 307, {"Location": other.url})) as server:
        error = failure(server)
    assert error.code == "redirect"
    assert other.seen == []


def test_cookies_of_one_evaluation_do_not_reach_the_next() -> None:
    with serving(lambda _: Reply(GOOD, headers={"Set-Cookie": "session=1"})) as server:
        ask(version(server, limits={"concurrency": 1}), question(number=1), question(number=2))
    assert len(server.seen) == 2
    assert all("cookie" not in seen.headers for seen in server.seen)


def test_connections_are_used_again_and_are_no_more_than_the_concurrency(tmp_path: Path) -> None:
    scenarios = messages_as_scenarios([f"S{number:03d}" for number in range(30)])
    with serving(lambda _: GOOD) as server:
        rows = run(tmp_path, version(server, limits={"concurrency": 3}), scenarios).executed
    assert rows["status"].unique().tolist() == ["completed"]
    assert len(server.connections) <= 3


def test_proxies_and_credentials_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with serving(lambda _: GOOD) as server:
        assert ask_one(version(server)).content == GOOD
    assert "authorization" not in server.seen[0].headers


def test_a_response_may_be_as_large_as_the_limit_and_no_larger() -> None:
    def sized(seen: Seen) -> Reply:
        return Reply(b'{"answer": {"text": "' + b"x" * (int(seen.body["message"]) - 24) + b'"}}')

    with serving(sized) as server:
        fits, too_large = ask(version(server, limits={"max_response_bytes": 4096}), question("4096"), question("4097"))
    assert not isinstance(fits, AgentCallError)
    assert isinstance(too_large, AgentCallError)
    assert too_large.code == "response_too_large"


def test_an_attempt_that_hangs_is_given_up_for_one_that_answers() -> None:
    hanging = iter([True])

    def respond(_: Seen) -> dict[str, Any]:
        if next(hanging, False):
            import time

            time.sleep(0.8)
        return GOOD

    with serving(respond) as server:
        answer = ask_one(version(server, limits={"attempt_timeout_s": 0.4}))
    assert (answer.content, answer.attempts) == (GOOD, 2)


def test_no_answer_in_time_is_a_timeout() -> None:
    import threading

    gate = threading.Event()
    with serving(lambda _: (gate.wait(5) and {}) or {}) as server:
        with pytest.raises(AgentTimeoutError, match=r"within 0\.3 s"):
            ask_one(version(server, limits={"timeout_s": 0.3}))
        gate.set()


@pytest.mark.parametrize(
    "host",
    [
        *("127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0.0.0.0", "[::1]"),  # noqa: S104
        *("[::ffff:127.0.0.1]", "[::]", "169.254.169.254", "10.0.0.1", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]"),
    ],
)
def test_private_addresses_are_refused_in_every_spelling(host: str) -> None:
    with serving(lambda _: GOOD) as server:
        port = server.url.rsplit(":", 1)[1]
        limits = {"timeout_s": 5, "max_attempts": 1}
        with pytest.raises((AgentCallError, InputError)) as caught:
            ask_one(agent_version("http", {"url": f"https://{host}:{port}/"}, limits=limits))
    assert server.seen == []  # a name may be probed for its address, but nothing is ever sent
    # Some spellings are no host at all for the client or this machine's resolver, which is as good as refused.
    code = caught.value.problems[0].code if isinstance(caught.value, InputError) else caught.value.code
    assert code in {"address_refused", "unreachable", "bad_address"}


def test_a_public_name_with_a_private_address_is_refused_when_connecting(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: GOOD) as server:
        port = int(server.url.rsplit(":", 1)[1])

        def resolve(*_: Any, **__: Any) -> list[Any]:
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        with pytest.raises(AgentCallError) as caught:
            ask_one(agent_version("http", {"url": f"https://agents.example.com:{port}/"}))
    assert caught.value.code == "address_refused"
    assert server.seen == []


def test_a_name_that_is_allowed_may_be_private_but_never_link_local(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(lambda _: GOOD) as server:
        url = server.url.replace("127.0.0.1", "localhost")
        assert ask_one(version(server, url=url, allow_private_hosts=["localhost"])).content == GOOD
        with pytest.raises(AgentCallError, match=r"169\.254\.169\.254") as caught:
            ask_one(version(server, url="http://169.254.169.254/", allow_private_hosts=["169.254.169.254"]))
    assert caught.value.code == "address_refused"


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"url": "http://agents.example.com/"}, "allow_private_hosts"),
        ({"headers": {"Authorization": "Bearer abc"}}, "headers_from_env"),
        ({"headers": {"X-Api-Key": "abc"}}, "headers_from_env"),
        ({"headers": {"Content-Length": "5"}}, "set by the adapter"),
        ({"headers": {"Bad Header": "5"}}, "pattern"),
        ({"headers": {"X-Team": "a\r\nX-Evil: b"}}, "pattern"),
        ({"headers": {"X-Team": "a", "x-team": "b"}}, "each header once"),
        ({"headers_from_env": {"authorization": "A_B"}, "bearer_token_from_env": "A_B"}, "each header once"),
        ({"headers_from_env": {"X-Key": "not a name"}}, "pattern"),
        ({"request": {"text": "{{expected.outcome}}"}}, "slots named"),
        ({"response": {"message": "text"}}, "this field"),
        ({"retries": 3}, "no such field"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ask_one(agent_version("http", {"url": "https://agents.example.com/", **settings}))


def test_retry_after_is_read_as_seconds_or_as_a_date() -> None:
    assert retry_after("2.5") == 2.5
    assert retry_after("-3") == 0
    in_a_minute = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 55 < (retry_after(in_a_minute) or 0) <= 60
    for nonsense in (None, "", "soon", "nan", "inf", "Wed, 99 Foo"):
        assert retry_after(nonsense) is None
