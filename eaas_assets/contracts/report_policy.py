"""`policies/reports.yaml`: whether a language model may put finished findings in other words, and where it is."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from eaas_assets.contracts.documents import Document


class NarrativeSettings(Document):
    """A service that speaks OpenAI's protocol of chat completions. It is given finished facts and nothing else.

    Attributes:
        base_url: Of the service, up to and without ``/chat/completions``.
        allow_private_hosts: Its host, if it may be a private one.
        model: The model.
        api_key_from_env: Environment variable with the key; None for services without one.
        timeout_s: Seconds within which it must have answered, further attempts included.
        max_attempts: How often it is tried.
        budget_s: Seconds that the pages of one run may wait for it in all; the rest are left to the next run.
    """

    base_url: str = Field(min_length=1, max_length=2000)
    allow_private_hosts: list[str] = Field(default=[], max_length=10)
    model: str = Field(min_length=1, max_length=200)
    api_key_from_env: str | None = Field(default=None, pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,200}$")
    timeout_s: float = Field(default=30.0, gt=0, le=600, strict=False)
    max_attempts: int = Field(default=2, ge=1, le=5)
    budget_s: float = Field(default=300.0, gt=0, le=86_400, strict=False)


class ReportPolicy(Document):
    """`policies/reports.yaml`.

    Attributes:
        narrative: None, as it is shipped: every word of a report is this package's.
    """

    policy: Literal["reports"]
    narrative: NarrativeSettings | None = None
