"""Telling people: what happened is put into the outbox, and a job of its own delivers it.

Off unless `policies/notifications.yaml` names a channel. Nothing here stops or delays a run: what goes wrong is a
warning in the log of whoever tells, and the outbox keeps what could not be delivered.
"""

import logging
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from eaas_assets.contracts.notification_policy import NotificationPolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.defs.world import World
from eaas_assets.errors import InputError
from eaas_assets.notifications.delivery import POLICY_FILE, Drained, drain
from eaas_assets.notifications.messages import Message, gate_message
from eaas_assets.notifications.outbox import Outbox
from eaas_assets.storage.files import canonical_json, digest
from eaas_assets.storage.locations import Locations

LOG = logging.getLogger(__name__)
AT_MOST_S = 30.0
"""Seconds of one delivery: other runs wait meanwhile, where runs are made one after the other."""
AGAIN_AFTER = timedelta(minutes=10)
"""What could not be delivered is tried again after so long, or when something new waits."""
UNDER_WAY = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
]


def notification_policy(locations: Locations) -> NotificationPolicy | None:
    """Who is told of what; None where nobody is: no file, or no channel in it.

    Raises:
        InputError: The file is wrong.
    """
    if not (locations.data / POLICY_FILE).exists():
        return None
    policy, _ = read_document(NotificationPolicy, locations.data, POLICY_FILE)
    return policy if policy.channels else None


def tell(world: World, messages: Callable[[], Iterable[Message]], warn: Callable[[str], None] = LOG.warning) -> int:
    """Put messages into the outbox, if anyone is to be told.

    Args:
        world: Where policy and outbox are.
        messages: What makes them; not called where nobody is told.
        warn: Told what went wrong.

    Returns:
        How many are new.
    """
    try:
        policy = notification_policy(world.locations)
        if policy is None:
            return 0
        return Outbox(world.locations.outbox).put(messages(), policy.channels, datetime.now(UTC))
    except (InputError, OSError, sqlite3.Error) as error:
        warn(f"nobody was told: {error}")
        return 0


def tell_red(world: World, subject: str, reasons: Sequence[str], sentence: str, run_id: str | None = None) -> int:
    """Put a message on a gate into the outbox, if it is red. The same red is told once.

    Args:
        world: Where policy and outbox are.
        subject: What the gate is about.
        reasons: Why it is red; empty for a green one.
        sentence: The finding.
        run_id: The run that it judged; None: the reasons themselves tell one red from another.
    """
    if not reasons:
        return 0
    judged = run_id or digest(canonical_json(list(reasons)))
    return tell(world, lambda: [gate_message(subject, judged, sentence, reasons)])


@dg.op(description="Deliver what waits in the outbox; what cannot be delivered now is left for the next time.")
def empty_outbox(context: dg.OpExecutionContext, world: World) -> None:
    """Never fails for a receiver that does not answer."""
    policy = notification_policy(world.locations)
    if policy is None:
        context.log.info(f"nobody is told of anything: {POLICY_FILE} names no channel")
        return
    outcome: Drained = drain(world.locations.outbox, policy, datetime.now(UTC), AT_MOST_S)
    told = context.log.warning if outcome.left or outcome.given_up else context.log.info
    told(f"{outcome.delivered:,} delivered, {outcome.left:,} left for the next time, {outcome.given_up:,} given up")


@dg.job(description="Deliver the messages that wait; who is told of what stands in policies/notifications.yaml.")
def deliver_notifications() -> None:
    """One attempt at everything that waits."""
    empty_outbox()


@dg.sensor(
    job_name="deliver_notifications",  # by name: handing over the job makes Dagster use an argument that is in beta
    minimum_interval_seconds=30,
    default_status=dg.DefaultSensorStatus.RUNNING,
)
def waiting_notifications(context: dg.SensorEvaluationContext, world: World) -> dg.RunRequest | dg.SkipReason:
    """Watch the outbox: new messages ask for one run, and those that could not be delivered for another later."""
    try:
        policy = notification_policy(world.locations)
    except InputError as error:
        return dg.SkipReason(str(error))
    if policy is None or not world.locations.outbox.exists():
        return dg.SkipReason("nobody is to be told of anything")
    waiting, now = Outbox(world.locations.outbox).waiting(), datetime.now(UTC)
    if not waiting:
        return dg.SkipReason("nothing waits")
    filters = dg.RunsFilter(job_name=deliver_notifications.name, statuses=UNDER_WAY)
    if context.instance.get_runs(filters, limit=1):
        return dg.SkipReason("a delivery is under way")
    asked = datetime.fromisoformat(context.cursor) if context.cursor else None
    if asked is not None and max(message.put_at for message in waiting) <= asked and now < asked + AGAIN_AFTER:
        return dg.SkipReason(f"{len(waiting):,} messages are tried again later")
    context.update_cursor(now.isoformat())
    return dg.RunRequest()
