from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import pytest

from eaas_assets.agents.adapters.python.agent import MOST_STUCK, MOST_STUCK_LOOPS
from eaas_assets.agents.adapters.python.threads import FunctionThreads, LoopThread
from eaas_assets.agents.opening import open_agent
from eaas_assets.contracts.agent import AgentVersion
from eaas_assets.errors import AgentCallError, AgentTimeoutError, InputError
from eaas_assets_tests.agents.asking import agent_version, ask, ask_one, question
from eaas_assets_tests.agents.samples import functions

SAMPLES = "eaas_assets_tests.agents.samples"


def version(name: str, limits: dict[str, Any] | None = None, **settings: Any) -> AgentVersion:
    return agent_version("python", {"callable": f"{SAMPLES}.functions:{name}", **settings}, limits=limits or {})


@pytest.fixture
def released() -> Iterator[None]:
    functions.RELEASE.clear()
    yield
    functions.RELEASE.set()


@pytest.mark.parametrize("name", ["echo", "echo_later", "desk", "later_desk", "desk.later"])
def test_anything_that_can_be_called_or_awaited_is_an_agent(name: str) -> None:
    answer = ask_one(version(name), question("Hi"))
    assert answer.content["answer"]["text"] == "Hi"
    assert answer.content["answer"]["thread"].startswith("agent-")
    assert answer.measured_s is not None


def test_a_typed_response_is_taken_as_it_is() -> None:
    content = ask_one(version("typed"), question("Hi")).content
    assert (content["answer"], content["confidence"]) == ({"text": "Hi"}, 0.5)


@pytest.mark.parametrize("name", ["echo", "echo_later"])
def test_arguments_make_versions_of_one_function(name: str) -> None:
    answer = ask_one(version(name, arguments={"prefix": "v2: "}), question("Hi"))
    assert answer.content["answer"]["text"] == "v2: Hi"


@pytest.mark.parametrize(
    ("callable_", "code", "said"),
    [
        ("no_such_module_anywhere:answer", "import_failed", "ModuleNotFoundError"),
        (f"{SAMPLES}.functions:no_such_function", "import_failed", "AttributeError"),
        (f"{SAMPLES}.broken_module:answer", "import_failed", "SystemExit: this module ends the program"),
        (f"{SAMPLES}.functions:not_callable", "not_callable", "a int"),
        ("functions", "string_pattern_mismatch", "'functions'"),
        ("os; import sys:x", "string_pattern_mismatch", "os; import sys:x"),
    ],
)
def test_what_cannot_be_imported_is_said_with_file_and_field(callable_: str, code: str, said: str) -> None:
    with pytest.raises(InputError, match=said) as caught:
        open_agent(agent_version("python", {"callable": callable_}))
    (problem,) = caught.value.problems
    assert (problem.file, problem.code, problem.field) == ("agents/desk/v1.yaml", code, "settings.callable")


@pytest.mark.parametrize("name", ["takes", "takes_later"])
def test_calls_run_side_by_side_and_are_measured_alone(name: str) -> None:
    began = time.monotonic()
    outcomes = ask(version(name, limits={"concurrency": 30}), *(question("0.3", number) for number in range(30)))
    assert time.monotonic() - began < 2.5
    for outcome in outcomes:
        assert not isinstance(outcome, AgentCallError)
        assert outcome.measured_s is not None
        assert 0.3 <= outcome.measured_s < 1


def test_a_busy_loop_of_ours_is_not_measured() -> None:
    """What the function takes is timed where it runs: being held up here must not look like the agent."""

    async def work() -> float | None:
        agent = open_agent(version("takes"))
        asked = asyncio.create_task(agent.answer(question("0.2")))
        await asyncio.sleep(0.05)
        time.sleep(0.8)  # holds up this loop while the answer comes
        answer = await asked
        await agent.aclose()
        return answer.measured_s

    measured = asyncio.run(work())
    assert measured is not None
    assert measured < 0.7


@pytest.mark.usefixtures("released")
def test_a_function_that_hangs_is_given_up_and_its_neighbours_answer() -> None:
    async def work() -> list[Any]:
        threads = FunctionThreads(most_stuck=2)
        hanging = [asyncio.create_task(threads.run(lambda: functions.hangs(None))) for _ in range(2)]
        fine = await threads.run(lambda: "fine")
        await asyncio.wait(hanging, timeout=0.05)
        for task in hanging:
            task.cancel()
        await asyncio.wait(hanging)
        with pytest.raises(AgentCallError, match="2 earlier calls have not returned") as caught:
            await threads.run(lambda: "one too many")
        functions.RELEASE.set()
        await asyncio.sleep(0.1)
        again = await threads.run(lambda: "fine again")
        threads.close()
        return [fine.value, caught.value.code, again.value]

    assert asyncio.run(work()) == ["fine", "agent_stuck", "fine again"]


@pytest.mark.usefixtures("released")
def test_a_coroutine_that_blocks_holds_up_its_like_only_until_its_loop_is_given_up() -> None:
    asked = version("blocks", limits={"timeout_s": 0.7})

    async def work() -> list[Any]:
        agent, found = open_agent(asked), []
        for message in ("fine", "block", "next", "later"):
            try:
                async with asyncio.timeout(0.7):
                    found.append((await agent.answer(question(message))).content)
            except TimeoutError:
                found.append("late")
            if message == "block":
                await asyncio.sleep(0.6)
        await agent.aclose()
        return found

    assert asyncio.run(work()) == [{"answer": {}}, "late", {"answer": {}}, {"answer": {}}]


@pytest.mark.usefixtures("released")
def test_coroutines_that_block_again_and_again_are_not_called_any_more() -> None:
    async def work() -> str:
        thread = LoopThread(most_stuck=1)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await thread.run(lambda: functions.blocks(question("block")))
        await asyncio.sleep(0.55)
        with pytest.raises(AgentCallError) as caught:
            await thread.run(lambda: functions.blocks(question("fine")))
        return caught.value.code

    assert asyncio.run(work()) == "agent_stuck"
    assert MOST_STUCK_LOOPS > 1
    assert MOST_STUCK > 1


@pytest.mark.usefixtures("released")
def test_a_hanging_function_does_not_keep_the_run_from_ending() -> None:
    began = time.monotonic()
    (outcome,) = ask(version("hangs", limits={"timeout_s": 0.2}), question())
    assert isinstance(outcome, AgentTimeoutError)
    assert time.monotonic() - began < 2
