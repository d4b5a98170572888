from __future__ import annotations

import json
from typing import Any

import pytest

from eaas_assets.agents.attempts import AttemptError
from eaas_assets.contracts.agent import AgentVersion, Usage
from eaas_assets.errors import AgentCallError, InputError
from eaas_assets_tests.agents.asking import agent_version, ask_one, question
from eaas_assets_tests.agents.local_servers import LocalServer, Reply, Seen, serving

Script = list[dict[str, Any]]


def says(content: str | None, finish_reason: str = "stop", **message: Any) -> dict[str, Any]:
    return {
        "choices": [{"message": {"role": "assistant", "content": content, **message}, "finish_reason": finish_reason}],
        "usage": {"prompt_tokens": 100, "completion_tokens": 10},
    }


def calls(*tools: tuple[str, Any]) -> dict[str, Any]:
    asked = [
        {
            "id": f"c{number}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for number, (name, given) in enumerate(tools)
    ]
    return says(None, "tool_calls", tool_calls=asked)


def scripted(*replies: dict[str, Any] | Reply) -> Any:
    script = iter(replies)
    return lambda _: next(script)


def version(server: LocalServer, **settings: Any) -> AgentVersion:
    chosen = {
        "base_url": f"{server.url}/v1",
        "allow_private_hosts": ["127.0.0.1"],
        "model": "small-1",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say: {{message}}"}],
        **settings,
    }
    return agent_version("openai", chosen, limits={"backoff_s": 0.01, "timeout_s": 10})


TOOLS = [
    {"name": "refund", "description": "Pays back", "result": {"paid": "{{context.amount}}"}},
    {"name": "look_up", "parameters": {"type": "object"}, "result": "in stock"},
    {"name": "finish"},
]


def test_the_prompt_the_schema_and_the_parameters_are_sent() -> None:
    schema = {"type": "object", "properties": {"outcome": {"type": "string"}}}
    with serving(scripted(says('{"outcome": "refund"}'))) as server:
        ask_one(
            version(server, response_schema=schema, temperature=0, parameters={"top_p": 0.5}),
            question("Hi {{seed}}", seed=2**40 + 5),
        )
    assert server.seen[0].body == {
        "model": "small-1",
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Say: Hi {{seed}}"}],
        "temperature": 0.0,
        "top_p": 0.5,
        "seed": 5,
        "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}},
    }


def test_the_final_message_is_the_answer_with_usage_and_cost() -> None:
    price = {"input_usd_per_million": 1.0, "output_usd_per_million": 20.0}
    with serving(scripted(says('{"outcome": "refund", "confidence": 0.5}'))) as server:
        answer = ask_one(version(server, price=price, send_seed=False))
    assert "seed" not in server.seen[0].body
    assert answer.content == {
        "outcome": "refund",
        "confidence": 0.5,
        "usage": Usage(input_tokens=100, output_tokens=10, cost_usd=0.0003),
    }


def test_tools_are_called_until_the_model_answers_and_become_steps_and_path() -> None:
    replies = (
        calls(("look_up", {"item": 1}), ("refund", "not even json")),
        calls(("refnd", {})),
        says('{"outcome": "x"}'),
    )
    with serving(scripted(*replies)) as server:
        answer = ask_one(version(server, tools=TOOLS, path_field="path"), question(context={"amount": 25}))
    assert [step["agent"] for step in answer.content["steps"]] == ["look_up", "refund", "refnd"]
    assert [step["output"] for step in answer.content["steps"]] == [
        {"result": "in stock"},
        {"paid": 25},
        {"error": "no such tool"},
    ]
    assert answer.content["steps"][0]["action"] == '{"item": 1}'
    assert answer.content["path"] == ["look_up", "refund", "refnd"]
    assert answer.content["usage"] == Usage(input_tokens=300, output_tokens=30)
    assert answer.attempts == 1
    told = server.seen[1].body["messages"][2:]
    assert [message["role"] for message in told] == ["assistant", "tool", "tool"]
    assert (told[1]["content"], told[2]["content"]) == ("in stock", '{"paid": 25}')


def test_an_answer_tool_ends_the_conversation_with_its_arguments() -> None:
    with serving(scripted(calls(("refund", {})), calls(("finish", {"outcome": "done"})))) as server:
        answer = ask_one(version(server, tools=TOOLS, answer_tool="finish", path_field="path"))
    assert answer.content["outcome"] == "done"
    assert answer.content["path"] == ["refund"]


def test_each_turn_has_its_own_idempotency_key_and_its_own_attempts() -> None:
    replies = calls(("refund", {})), Reply(b"", 503), says('{"outcome": "x"}')
    with serving(scripted(*replies)) as server:
        answer = ask_one(version(server, tools=TOOLS), question(idempotency_key="RUN-1"))
    assert [seen.headers["idempotency-key"] for seen in server.seen] == ["RUN-1-1", "RUN-1-2", "RUN-1-2"]
    assert answer.attempts == 2


def test_a_model_does_not_report_its_own_calls_tokens_or_cost() -> None:
    claimed = {"outcome": "x", "usage": {"cost_usd": 0.0}, "steps": [{"agent": "refund"}]}
    with serving(scripted(says(json.dumps(claimed)))) as server:
        content = ask_one(version(server, tools=TOOLS)).content
    assert content["steps"] == []
    assert content["usage"] == Usage(input_tokens=100, output_tokens=10)


def test_tokens_that_one_turn_does_not_report_leave_the_sum_unknown() -> None:
    silent = says('{"outcome": "x"}') | {"usage": None}
    price = {"input_usd_per_million": 1.0, "output_usd_per_million": 1.0}
    with serving(scripted(calls(("refund", {})), silent)) as server:
        usage = ask_one(version(server, tools=TOOLS, price=price)).content["usage"]
    assert usage == Usage()


@pytest.mark.parametrize(
    ("reply", "code", "said"),
    [
        (says("I think it is a refund."), "not_json", "begins 'I think"),
        (says('{"outcome": "re', "length"), "not_json", "finish_reason: length"),
        (says(None), "no_answer", "empty message"),
        (says("null"), "no_answer", "null"),
        (says(None, refusal="I cannot"), "refused", "I cannot"),
        ({"choices": []}, "invalid_reply", "choices"),
        ({"error": {"message": "quota"}}, "invalid_reply", "choices"),
        (says("{}") | {"usage": {"prompt_tokens": -1}}, "invalid_reply", "usage.prompt_tokens"),
        ({"choices": "none"}, "invalid_reply", "choices"),
        (says(None, tool_calls=[{"id": 5}]), "invalid_reply", "tool_calls.0.id"),
        (Reply(b"[1]"), "invalid_reply", "reply"),
        (Reply(b"<html>"), "not_json", "<html>"),
        (Reply(b'{"error": "bad key"}', 401), "http_401", "bad key"),
    ],
)
def test_replies_that_are_no_answer_say_why(reply: Any, code: str, said: str) -> None:
    with serving(scripted(reply)) as server, pytest.raises(AgentCallError, match=said) as caught:
        ask_one(version(server))
    assert caught.value.code == code


def test_an_answer_that_is_none_has_still_cost_its_tokens() -> None:
    price = {"input_usd_per_million": 1.0, "output_usd_per_million": 20.0}
    with serving(scripted(says("no JSON"))) as server, pytest.raises(AttemptError) as caught:
        ask_one(version(server, price=price))
    assert caught.value.usage == Usage(input_tokens=100, output_tokens=10, cost_usd=0.0003)


def test_a_conversation_without_end_is_ended() -> None:
    with serving(lambda _: calls(("refund", {}))) as server, pytest.raises(AttemptError, match="max_turns") as caught:
        ask_one(version(server, tools=TOOLS, max_turns=3))
    assert (caught.value.code, len(server.seen)) == ("no_answer", 3)


def test_a_model_that_ends_without_the_answer_tool_has_not_answered() -> None:
    with serving(scripted(says('{"outcome": "x"}'))) as server, pytest.raises(AgentCallError, match="calling finish"):
        ask_one(version(server, tools=TOOLS, answer_tool="finish"))


def test_what_the_environment_holds_for_other_services_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-somebody-else")
    monkeypatch.setenv("OPENAI_ADMIN_KEY", "sk-admin-of-somebody")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-else")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "proj-else")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Else: 1\nAuthorization: Bearer else")
    monkeypatch.setenv("OPENAI_BASE_URL", "https://else.example.com")
    monkeypatch.setenv("DESK_KEY", "sk-of-this-desk")
    replies: list[Seen]
    with serving(lambda _: says('{"outcome": "x"}')) as server:
        ask_one(version(server))
        ask_one(version(server, api_key_from_env="DESK_KEY"))
        replies = server.seen
    assert [seen.headers["authorization"] for seen in replies] == ["Bearer no-key", "Bearer sk-of-this-desk"]
    for seen in replies:
        assert "else" not in json.dumps(dict(seen.headers))
        assert not any(name.startswith("openai") for name in seen.headers)


def test_a_private_service_is_refused_unless_it_is_allowed() -> None:
    with serving(lambda _: says("{}")) as server, pytest.raises(AgentCallError) as caught:
        ask_one(version(server, base_url=server.url.replace("http:", "https:"), allow_private_hosts=[]))
    assert caught.value.code == "address_refused"
    assert server.seen == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"answer_tool": "finish"}, "answer_tool to be one of the tools"),
        ({"tools": [TOOLS[0], TOOLS[0]]}, "each tool once"),
        ({"parameters": {"stream": True}}, "no 'stream' in parameters"),
        ({"parameters": {"api_key": "abc"}}, "no secret"),
        ({"messages": [{"role": "user", "content": "{{expected}}"}]}, "slots named"),
        ({"messages": [{"role": "robot", "content": "x"}]}, "system"),
        ({"api_key_from_env": "NOT_SET_ANYWHERE"}, "missing_secret"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(settings: dict[str, Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        ask_one(version(LocalServer("https://models.example.com", [], []), **{"allow_private_hosts": [], **settings}))
