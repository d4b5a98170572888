"""A small support desk: the same decisions as a function, a coroutine, a program, a web service and a chat model.

Standard library only, so that it also runs as a program on its own. It gets nine of the ten sample journeys right.
"""

from __future__ import annotations

import json
import sys
from typing import Any

Decision = tuple[str, str, list[str]]


def decide(message: str, facts: dict[str, Any]) -> Decision:
    """Issue type, outcome and path of one message."""
    words = message.lower()
    about_to_leave = "cancel" in words or "refund" in words
    status = facts["logistics.status"]
    update = ["shipping_update_agent", "apology_message_agent"]
    if status == "lost":
        return "lost_package", "issue_refund_and_notify_customer", ["refund_agent", "apology_message_agent"]
    if facts["orders.warehouse_issue_flag"]:
        if about_to_leave:
            outcome = "prevent_churn_and_provide_clear_update"
            return "warehouse_delay_high_churn_risk", outcome, [*update, "escalation_agent"]
        return "warehouse_delay", "explain_warehouse_issue_and_update_eta", update
    if status == "delayed":
        if about_to_leave:
            outcome = "resolve_delay_and_prevent_churn"
            return "delivery_delay_with_churn_risk", outcome, [*update, "escalation_agent"]
        return "delivery_delay", "acknowledge_delay_and_update_eta", update
    if status == "delivered":
        if "once more" in words:
            return (
                "repeat_item_not_received",
                "immediate_escalation_and_refund",
                ["escalation_agent", "refund_agent"],
            )
        outcome = "escalate_and_initiate_investigation"
        return "item_not_received", outcome, ["escalation_agent", "apology_message_agent"]
    if "checking in" in words:
        return "simple_status_check", "provide_friendly_status_update", ["shipping_update_agent"]
    return "where_is_my_order", "provide_delivery_update", ["shipping_update_agent"]


def respond(message: str, facts: dict[str, Any]) -> dict[str, Any]:
    """A response in the protocol's own words."""
    issue_type, outcome, path = decide(message, facts)
    return {
        "answer": {"issue_type": issue_type, "outcome": outcome, "resolution_path": path},
        "message": "We are on it.",
        "confidence": 0.9,
        "steps": [{"agent": name, "output": {"status": "done"}} for name in path],
    }


def answer(request: Any) -> dict[str, Any]:
    return respond(request.message, request.context)


async def answer_later(request: Any) -> dict[str, Any]:
    return respond(request.message, request.context)


def own_contract(body: dict[str, Any]) -> dict[str, Any]:
    """What the web service makes of its own kind of request."""
    issue_type, outcome, path = decide(body["ticket"]["text"], body["ticket"]["records"])
    return {
        "result": {"intent": issue_type, "resolution": outcome},
        "reply": {"text": "We are on it."},
        "certainty": 0.9,
        "trace": [{"tool": name, "returned": {"status": "done"}, "took_ms": 12} for name in path],
        "elapsed_ms": 40,
    }


def chat(body: dict[str, Any]) -> dict[str, Any]:
    """A chat model that calls one tool a turn and then answers in JSON."""
    facts = json.loads(body["messages"][0]["content"].split("Records: ", 1)[1])
    issue_type, outcome, path = decide(body["messages"][1]["content"], facts)
    called = sum(message["role"] == "tool" for message in body["messages"])
    if called < len(path):
        call = {"id": f"call_{called}", "type": "function", "function": {"name": path[called], "arguments": "{}"}}
        message: dict[str, Any] = {"role": "assistant", "content": None, "tool_calls": [call]}
    else:
        fields = {"issue_type": issue_type, "outcome": outcome, "message": "We are on it.", "confidence": 0.9}
        message = {"role": "assistant", "content": json.dumps(fields)}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls" if called < len(path) else "stop"}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10, "total_tokens": 110},
    }


if __name__ == "__main__":
    asked = json.load(sys.stdin)
    json.dump(respond(asked["message"], asked["context"]), sys.stdout)
