"""One question and one answer of an agent with a contract of its own: JSON out, JSON in, mapped both ways.

How the two travel is the adapter's.
"""

from __future__ import annotations

import json
from typing import Any

from pydantic import field_validator

from eaas_assets.agents.attempts import Attempts
from eaas_assets.agents.json_answers import parse_answer
from eaas_assets.agents.protocol import Answer
from eaas_assets.agents.request_templates import compile_template, plain_request
from eaas_assets.agents.response_mapping import ResponseMapping
from eaas_assets.agents.secrets import Secrets
from eaas_assets.contracts.agent import AgentRequest
from eaas_assets.contracts.documents import Document


class ExchangeSettings(Document):
    """Settings of every adapter that sends a JSON document and gets one back.

    Attributes:
        request: JSON with ``{{slots}}``; by default scenario_id, message, context and seed.
        response: Where the answer stands in what comes back; by default that is the protocol's own.
    """

    request: Any = None
    response: ResponseMapping | None = None

    @field_validator("request")
    @classmethod
    def _request_has_known_slots(cls, value: Any) -> Any:
        compile_template(value)
        return value


class Exchange:
    """The way into the agent's words and back, with the secrets taken out."""

    def __init__(self, settings: ExchangeSettings, secrets: Secrets) -> None:
        self._request = plain_request if settings.request is None else compile_template(settings.request)
        self._response = settings.response
        self._secrets = secrets

    def question(self, request: AgentRequest) -> bytes:
        """The request as JSON."""
        return json.dumps(self._request(request), ensure_ascii=False).encode()

    def answer(self, raw: bytes, attempts: Attempts) -> Answer:
        """What the agent sent back after ``attempts``.

        Raises:
            AttemptError: It is no JSON.
        """
        try:
            response = self._secrets.clean(parse_answer(raw))
        except ValueError as error:
            raise attempts.failed("not_json", str(error)) from error
        content = response if self._response is None else self._response.apply(response)
        return Answer(content, measured_s=attempts.measured_s, attempts=attempts.count)
