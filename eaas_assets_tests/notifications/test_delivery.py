import json
import logging
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from filelock import FileLock

from eaas_assets.contracts.notification_policy import NotificationPolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.notifications.delivery import Drained, drain
from eaas_assets.notifications.messages import gate_message
from eaas_assets.notifications.outbox import Outbox
from eaas_assets_tests.agents.local_servers import Reply, serving
from eaas_assets_tests.reporting.evaluation.world import DATA

NOW = datetime(2026, 3, 1, 9, tzinfo=UTC)
MESSAGE = gate_message("agent@v1", "RUN_1", "v1 is worse than v0.", ["it lost S006"])


def policy(**more):
    channel = {"channel": "leaders", "kind": "webhook", "url_from_env": "EAAS_TEST_HOOK", "token_from_env": None,
               "allow_private_hosts": ["127.0.0.1"], "events": ["red_gate"]}  # fmt: skip
    own = {key: more.pop(key) for key in tuple(more) if key in channel}
    settings = {"policy": "notifications", "channels": [channel | own], "backoff_s": 0.01, "timeout_s": 5}
    return NotificationPolicy.model_validate(settings | more)


@pytest.fixture
def outbox(tmp_path):
    return Outbox(tmp_path / "notifications" / "outbox.sqlite")


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notifications" / "outbox.sqlite"


def sent(outbox, path, monkeypatch, respond, rules=None, now=NOW):
    rules = rules or policy()
    outbox.put([MESSAGE], rules.channels, NOW)
    with serving(respond) as server:
        monkeypatch.setenv("EAAS_TEST_HOOK", f"{server.url}/hook/secret-path")
        return drain(path, rules, now), server.seen


def scripted(*replies):
    script = iter(replies)
    return lambda _: next(script)


def test_a_message_is_delivered_once_with_its_key(outbox, path, monkeypatch):
    outcome, seen = sent(outbox, path, monkeypatch, lambda _: {"ok": True})
    assert outcome == Drained(delivered=1)
    assert seen[0].headers["idempotency-key"] == MESSAGE.key
    assert seen[0].body["headline"] == "Gate is red: agent@v1"
    assert outbox.waiting() == []
    assert outbox.put([MESSAGE], policy().channels, NOW) == 0
    assert drain(path, policy(), NOW) == Drained()


def test_a_message_goes_only_to_channels_that_want_it(outbox):
    assert outbox.put([MESSAGE], policy(events=["new_decision"]).channels, NOW) == 0
    assert outbox.put([MESSAGE, MESSAGE], policy().channels, NOW) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_fault_that_may_pass_is_tried_again_with_the_same_key(outbox, path, monkeypatch, status):
    outcome, seen = sent(outbox, path, monkeypatch, scripted(Reply(b"", status), Reply(b"", status), {"ok": True}))
    assert outcome == Drained(delivered=1)
    assert [request.headers["idempotency-key"] for request in seen] == [MESSAGE.key] * 3


def test_what_cannot_be_delivered_waits_for_the_next_time(outbox, path, monkeypatch):
    outcome, seen = sent(outbox, path, monkeypatch, lambda _: Reply(b"", 503))
    assert outcome == Drained(left=1)
    assert len(seen) == 3
    (waiting,) = outbox.waiting()
    assert waiting.attempts == 1
    outcome, _ = sent(outbox, path, monkeypatch, lambda _: {})
    assert outcome == Drained(delivered=1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_not_repeated(outbox, path, monkeypatch, status):
    outcome, seen = sent(outbox, path, monkeypatch, lambda _: Reply(b"", status))
    assert outcome == Drained(given_up=1)
    assert len(seen) == 1
    assert outbox.waiting() == []


def test_a_redirect_is_not_followed(outbox, path, monkeypatch):
    with serving(lambda _: {}) as elsewhere:
        outcome, _ = sent(outbox, path, monkeypatch, lambda _: Reply(b"", 307, {"Location": elsewhere.url}))
        assert outcome == Drained(given_up=1)
        assert elsewhere.seen == []


def test_a_message_is_given_up_after_the_days_of_the_policy(outbox, path, monkeypatch):
    outcome, _ = sent(outbox, path, monkeypatch, lambda _: Reply(b"", 503), policy(attempts=1), NOW + timedelta(days=8))
    assert outcome == Drained(given_up=1)


def test_a_receiver_that_hangs_takes_no_longer_than_it_may(outbox, path, monkeypatch):
    def slow(_):
        time.sleep(1.5)
        return {}

    rules = policy(timeout_s=0.1, attempts=2)
    began = time.perf_counter()
    outbox.put([MESSAGE], rules.channels, NOW)
    with serving(slow) as server:
        monkeypatch.setenv("EAAS_TEST_HOOK", server.url)
        assert drain(path, rules, NOW) == Drained(left=1)
        assert time.perf_counter() - began < 1.4


def test_the_whole_takes_no_longer_than_it_may(outbox, path, monkeypatch):
    many = [gate_message("agent@v1", f"RUN_{n}", "worse", []) for n in range(20)]
    rules = policy(attempts=1)
    outbox.put(many, rules.channels, NOW)

    def slow(_):
        time.sleep(0.1)
        return {}

    with serving(slow) as server:
        monkeypatch.setenv("EAAS_TEST_HOOK", server.url)
        outcome = drain(path, rules, NOW, at_most_s=0.3)
    assert outcome.left >= 10
    assert outcome.delivered + outcome.left == 20


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9/x", "not an address", "https://user:pw@127.0.0.1/", "ftp://127.0.0.1/x"]
)
def test_an_address_that_cannot_be_reached_or_read_raises_nothing(outbox, path, monkeypatch, address):
    monkeypatch.setenv("EAAS_TEST_HOOK", address)
    rules = policy(attempts=1)
    outbox.put([MESSAGE], rules.channels, NOW)
    assert drain(path, rules, NOW) == Drained(left=1)


def test_a_private_address_that_the_policy_does_not_name_is_never_reached(outbox, path, monkeypatch):
    rules = policy(attempts=1, allow_private_hosts=[])
    outbox.put([MESSAGE], rules.channels, NOW)
    with serving(lambda _: {}) as server:
        for scheme in ("http", "https"):
            monkeypatch.setenv("EAAS_TEST_HOOK", server.url.replace("http", scheme, 1))
            assert drain(path, rules, NOW) == Drained(left=1)
        assert server.connections == []


def test_an_address_that_is_not_set_leaves_the_message(outbox, path, monkeypatch, caplog):
    monkeypatch.delenv("EAAS_TEST_HOOK", raising=False)
    outbox.put([MESSAGE], policy().channels, NOW)
    assert drain(path, policy(), NOW) == Drained(left=1)
    assert "EAAS_TEST_HOOK" in caplog.text


def test_address_and_token_are_sent_and_written_nowhere(outbox, path, monkeypatch, caplog):
    monkeypatch.setenv("EAAS_TEST_TOKEN", "secret-of-the-house")
    rules = policy(attempts=1, token_from_env="EAAS_TEST_TOKEN")  # noqa: S106 (the name of a variable)
    with caplog.at_level(logging.DEBUG):
        outcome, seen = sent(outbox, path, monkeypatch, lambda _: Reply(b"secret-of-the-house", 500), rules)
    assert outcome == Drained(left=1)
    assert seen[0].headers["authorization"] == "Bearer secret-of-the-house"
    kept = path.read_bytes() + b"".join(file.read_bytes() for file in path.parent.iterdir())
    for secret in ("secret-of-the-house", "secret-path"):
        assert secret not in caplog.text
        assert secret.encode() not in kept


def test_a_channel_that_left_the_policy_gets_nothing_more(outbox, path):
    outbox.put([MESSAGE], policy().channels, NOW)
    assert drain(path, NotificationPolicy(policy="notifications"), NOW) == Drained(given_up=1)


def test_two_processes_do_not_deliver_at_once(outbox, path):
    outbox.put([MESSAGE], policy().channels, NOW)
    with FileLock(f"{path}.lock"):
        assert drain(path, policy(), NOW) == Drained(left=1)


def test_many_writers_put_each_message_in_once(outbox):
    messages = [gate_message("agent@v1", f"RUN_{n}", "worse", []) for n in range(20)]
    with ThreadPoolExecutor(8) as threads:
        put = list(threads.map(lambda _: outbox.put(messages, policy().channels, NOW), range(8)))
    assert sum(put) == 20
    assert len(outbox.waiting()) == 20


def test_a_message_whose_receipt_was_not_noted_is_delivered_again_under_its_key(outbox, path, monkeypatch):
    _, first = sent(outbox, path, monkeypatch, lambda _: {})
    with sqlite3.connect(path) as database:
        database.execute("update waiting set delivered_at = null")
    database.close()
    outcome, second = sent(outbox, path, monkeypatch, lambda _: {})
    assert outcome == Drained(delivered=1)
    assert first[0].headers["idempotency-key"] == second[0].headers["idempotency-key"]
    assert json.dumps(first[0].body) == json.dumps(second[0].body)


def test_the_shipped_policy_tells_nobody():
    shipped, _ = read_document(NotificationPolicy, DATA, "policies/notifications.yaml")
    assert shipped.channels == []


def test_channels_have_different_names():
    with pytest.raises(ValueError, match="each channel once"):
        NotificationPolicy.model_validate(
            {"policy": "notifications", "channels": [policy().channels[0].model_dump()] * 2}
        )
