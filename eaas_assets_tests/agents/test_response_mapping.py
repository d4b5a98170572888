from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from eaas_assets.agents.response_mapping import ResponseMapping, pick

RESPONSE = {
    "result": {"intent": "lost", "a/b": 1, "m~n": 2, "": 3},
    "choices": [{"text": "first"}, {"text": "second"}],
    "trace": [
        {"tool": "refund", "back": {"ok": True}, "ms": 250},
        {"tool": "apology", "back": "sent", "ms": None},
    ],
    "tokens": {"in": 10, "out": 5},
    "ms": 1200,
}


def mapped(response: Any = RESPONSE, **paths: Any) -> dict[str, Any]:
    return ResponseMapping.model_validate({"answer": {"intent": "result.intent"}, **paths}).apply(response)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("", RESPONSE),
        ("/result/intent", "lost"),
        ("/result/a~1b", 1),
        ("/result/m~0n", 2),
        ("/result/", 3),
        ("result.intent", "lost"),
        ("choices.1.text", "second"),
        ("/choices/0/text", "first"),
    ],
)
def test_paths_lead_where_rfc_6901_says(path: str, found: Any) -> None:
    assert pick(RESPONSE, path) == found


@pytest.mark.parametrize(
    "path", ["/choices/2", "/choices/-1", "/choices/01", "/choices/x", "result.intent.deeper", "no"]
)
def test_paths_that_lead_nowhere_leave_their_field_out(path: str) -> None:
    assert mapped(answer={"there": "ms", "not": path}, message=path) == {"answer": {"there": 1200}}


def test_steps_usage_and_times_are_brought_over() -> None:
    content = mapped(
        steps={"each": "trace", "agent": "tool", "output": "back", "response_time_s": "ms"},
        usage={"input_tokens": "tokens.in", "output_tokens": "tokens.out", "cost_usd": "tokens.cost"},
        response_time_s="/ms",
        seconds_per_unit=0.001,
        path_field="resolution_path",
    )
    assert content == {
        "answer": {"intent": "lost", "resolution_path": ["refund", "apology"]},
        "steps": [
            {"agent": "refund", "output": {"ok": True}, "response_time_s": 0.25},
            {"agent": "apology", "output": {"output": "sent"}},
        ],
        "usage": {"input_tokens": 10, "output_tokens": 5},
        "response_time_s": 1.2,
    }


def test_all_answered_fields_can_stand_together() -> None:
    assert mapped(answer="/tokens")["answer"] == {"in": 10, "out": 5}


@pytest.mark.parametrize("response", [None, 5, [], "text", {}])
def test_any_response_can_be_looked_through(response: Any) -> None:
    content = mapped(response, message="a.b", steps={"each": "x", "agent": "y"}, path_field="path")
    assert content == {"answer": {"path": []}, "steps": []}


def test_the_response_itself_is_not_changed() -> None:
    before = repr(RESPONSE)
    mapped(answer="/result", steps={"each": "trace", "agent": "tool"}, path_field="path")
    assert repr(RESPONSE) == before


@pytest.mark.parametrize("path", ["a..b", ".a", "a.", "/a~2b", "/~"])
def test_paths_that_are_none_are_refused(path: str) -> None:
    with pytest.raises(ValidationError, match="JSON pointer"):
        ResponseMapping(answer=path)
