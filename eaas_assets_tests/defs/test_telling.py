"""Who is told: decisions and red gates come into the outbox of a real run, and a job of its own delivers them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from eaas_assets.defs.telling import AGAIN_AFTER, tell, tell_red, waiting_notifications
from eaas_assets.defs.world import World
from eaas_assets.notifications.messages import gate_message
from eaas_assets.notifications.outbox import Outbox, Waiting
from eaas_assets_tests.agents.local_servers import Reply, serving
from eaas_assets_tests.defs.instances import Installation, errors, installation
from eaas_assets_tests.worlds import sample_world, write_decision_policies, write_policies, write_text, write_yaml

HOOK = "EAAS_TEST_HOOK"
MESSAGE = gate_message("bot@v1", "RUN_1", "v1 is worse.", ["it lost S006"])


@pytest.fixture
def world(tmp_path: Path) -> World:
    """E001, which wins and waits for approval, and E009, whose guardrail is harmed; nobody is told anything yet."""
    data = tmp_path / "data"
    write_policies(data)
    write_decision_policies(data)
    for experiment in ("E001", "E009"):
        sample = sample_world(tmp_path / "sample") / "experiments" / experiment
        shutil.copytree(sample, data / "experiments" / experiment)
    return World(data_dir=str(data), output_dir=str(tmp_path / "output"))


@pytest.fixture
def made(world: World) -> Iterator[Installation]:
    with installation(world.locations.data, world.locations.output) as made:
        yield made


def switch_on(world: World, **changes: Any) -> None:
    channel = {"channel": "leaders", "kind": "webhook", "url_from_env": HOOK, "allow_private_hosts": ["127.0.0.1"],
               "events": ["new_decision", "pending_approval", "red_gate"]}  # fmt: skip
    policy = {"policy": "notifications", "channels": [channel], "backoff_s": 0.01, "attempts": 1}
    write_yaml(world.locations.data, "policies/notifications.yaml", policy | changes)


def waiting(world: World) -> list[Waiting]:
    return Outbox(world.locations.outbox).waiting()


def run(made: Installation, job: str) -> None:
    result = made.run(job)
    assert result.success, errors(result)


def test_nobody_is_told_anything_until_a_channel_is_named(world: World, made: Installation) -> None:
    run(made, "refresh_experiments")
    switch_on(world, channels=[])
    assert tell(world, lambda: [MESSAGE]) == 0
    run(made, "deliver_notifications")
    assert not world.locations.outbox.exists()


def test_decisions_and_a_red_gate_are_told_once_and_delivered_by_their_own_job(
    world: World, made: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(world)
    run(made, "refresh_experiments")
    told = {(message.payload["event"], message.payload["subject"]) for message in waiting(world)}
    assert told == {
        ("new_decision", "E001"), ("new_decision", "E009"), ("pending_approval", "E001"), ("red_gate", "experiments"),
    }  # fmt: skip
    with serving(lambda _: {"ok": True}) as server:
        monkeypatch.setenv(HOOK, server.url)
        run(made, "deliver_notifications")
        assert len(server.seen) == 4
        run(made, "refresh_experiments")
        run(made, "deliver_notifications")
        assert len(server.seen) == 4
    assert waiting(world) == []


def test_a_receiver_that_is_away_stops_no_run_and_gets_its_message_later(
    world: World, made: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    switch_on(world)
    tell(world, lambda: [MESSAGE])
    with serving(lambda _: Reply(b"", status=503)) as server:
        monkeypatch.setenv(HOOK, server.url)
        run(made, "deliver_notifications")
        assert len(server.seen) == 1
    assert len(waiting(world)) == 1
    with serving(lambda _: {"ok": True}) as server:
        monkeypatch.setenv(HOOK, server.url)
        run(made, "deliver_notifications")
        assert server.seen[0].body["subject"] == "bot@v1"
    assert waiting(world) == []


def test_what_keeps_from_telling_is_a_warning_and_no_failure(world: World) -> None:
    lines: list[str] = []
    switch_on(world)
    world.locations.outbox.mkdir(parents=True)
    assert tell(world, lambda: [MESSAGE], lines.append) == 0
    write_text(world.locations.data, "policies/notifications.yaml", "policy: notifications\nchannel: []\n")
    assert tell(world, lambda: [MESSAGE], lines.append) == 0
    assert "unable to open" in lines[0]
    assert "policies/notifications.yaml" in lines[1]


def test_the_same_red_is_told_once_and_another_again(world: World) -> None:
    switch_on(world)
    assert tell_red(world, "audit log", [], "As it was written.") == 0
    assert tell_red(world, "audit log", ["line 3"], "Not as it was written.") == 1
    assert tell_red(world, "audit log", ["line 3"], "Not as it was written.") == 0
    assert tell_red(world, "audit log", ["line 4"], "Not as it was written.") == 1


# -- the sensor ---------------------------------------------------------------------------------------------------


def tick(world: World, cursor: str | None = None, runs: tuple[dg.DagsterRunStatus, ...] = ()) -> tuple[Any, str | None]:
    with (
        dg.DagsterInstance.ephemeral() as instance,
        dg.build_sensor_context(instance=instance, cursor=cursor, resources={"world": world}) as context,
    ):
        for status in runs:
            instance.add_run(dg.DagsterRun(job_name="deliver_notifications", status=status))
        return waiting_notifications(context), context.cursor


def test_new_messages_ask_for_one_delivery_and_those_that_failed_for_another_later(world: World) -> None:
    switch_on(world)
    assert isinstance(tick(world)[0], dg.SkipReason)
    tell(world, lambda: [MESSAGE])
    first, cursor = tick(world)
    assert isinstance(first, dg.RunRequest)
    assert isinstance(tick(world, cursor)[0], dg.SkipReason)
    long_ago = (datetime.now(UTC) - AGAIN_AFTER - timedelta(seconds=1)).isoformat()
    assert isinstance(tick(world, long_ago)[0], dg.RunRequest)
    tell(world, lambda: [MESSAGE._replace(key="another")])
    assert isinstance(tick(world, cursor)[0], dg.RunRequest)


def test_no_delivery_is_asked_for_while_one_is_under_way(world: World) -> None:
    switch_on(world)
    tell(world, lambda: [MESSAGE])
    assert isinstance(tick(world, runs=(dg.DagsterRunStatus.STARTED,))[0], dg.SkipReason)
    assert isinstance(tick(world, runs=(dg.DagsterRunStatus.SUCCESS,))[0], dg.RunRequest)


def test_a_broken_policy_is_told_by_the_sensor(world: World) -> None:
    write_text(world.locations.data, "policies/notifications.yaml", json.dumps({"policy": "notifications", "to": 1}))
    skipped, _ = tick(world)
    assert "policies/notifications.yaml" in (skipped.skip_message or "")
