"""`policies/notifications.yaml`: who is told of what, and where."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from eaas_assets.contracts.documents import Document
from eaas_assets.contracts.identifiers import Identifier

Event = Literal["new_decision", "pending_approval", "red_gate"]
_VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]{0,200}$"


class Channel(Document):
    """One place where messages go.

    Attributes:
        kind: ``webhook`` gets the message as JSON; ``slack`` gets what Slack and compatible services show.
        url_from_env: Environment variable with the address, which is a secret: whoever knows it can write there.
        token_from_env: Environment variable with a token that is sent as ``Authorization: Bearer``; None for none.
        allow_private_hosts: Its host, if it may be a private one.
        events: What it is told.
    """

    channel: Identifier
    kind: Literal["webhook", "slack"]
    url_from_env: str = Field(pattern=_VARIABLE)
    token_from_env: str | None = Field(default=None, pattern=_VARIABLE)
    allow_private_hosts: list[str] = Field(default=[], max_length=10)
    events: list[Event] = Field(min_length=1)


class NotificationPolicy(Document):
    """`policies/notifications.yaml`.

    Attributes:
        channels: None, as it is shipped: nobody is told anything.
        timeout_s: Seconds that one attempt may take.
        attempts: Attempts within one drain of the outbox.
        backoff_s: Upper bound of the random wait before the second attempt; it doubles with each further one.
        give_up_after_days: Days after which a message that could not be delivered is left.
    """

    policy: Literal["notifications"]
    channels: list[Channel] = Field(default=[], max_length=50)
    timeout_s: float = Field(default=10.0, gt=0, le=120, strict=False)
    attempts: int = Field(default=3, ge=1, le=10)
    backoff_s: float = Field(default=1.0, gt=0, le=60, strict=False)
    give_up_after_days: int = Field(default=7, ge=1, le=365)

    @model_validator(mode="after")
    def _each_channel_once(self) -> Self:
        names = [channel.channel for channel in self.channels]
        if len(set(names)) < len(names):
            raise ValueError("each channel once")
        return self
