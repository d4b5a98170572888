"""A message as the body of a request: JSON for a webhook, or what Slack and compatible services show.

In Slack ``&``, ``<`` and ``>`` are control characters: escaped, no text can mention everybody or become a link. The
blocks are plain text, in which there is no markup at all.
"""

from __future__ import annotations

from typing import Any, Literal

from eaas_assets.notifications.messages import Message

_SLACK = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_HEADER_LIMIT = 150
_TEXT_LIMIT = 3000


def payload(message: Message, kind: Literal["webhook", "slack"]) -> dict[str, Any]:
    """The body for a channel of this kind."""
    return _slack(message) if kind == "slack" else _webhook(message)


def _webhook(message: Message) -> dict[str, Any]:
    return {
        "key": message.key,
        "event": message.event,
        "subject": message.subject,
        "headline": message.headline,
        "sentence": message.sentence,
        "facts": dict(message.facts),
    }


def _slack(message: Message) -> dict[str, Any]:
    facts = "\n".join(f"{name}: {value}" for name, value in message.facts)
    return {
        "text": _escaped(f"{message.headline}. {message.sentence}", _TEXT_LIMIT),
        "unfurl_links": False,
        "unfurl_media": False,
        "link_names": False,
        "parse": "none",
        "blocks": [
            {"type": "header", "text": _plain(message.headline, _HEADER_LIMIT)},
            {"type": "section", "text": _plain(f"{message.sentence}\n{facts}", _TEXT_LIMIT)},
        ],
    }


def _plain(text: str, limit: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": _escaped(text, limit), "emoji": False}


def _escaped(text: str, limit: int) -> str:
    """As much of ``text`` as fits, escaped; no entity is cut in two."""
    parts = [character.translate(_SLACK) for character in text[:limit]]
    while sum(map(len, parts)) > limit:
        parts.pop()
    return "".join(parts)
