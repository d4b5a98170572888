"""What a run will do, fixed before it starts: which questions, in which order, under which identity.

A plan is immutable and its digest says what is asked: equal digests ask equal questions. Policies are no part of it,
since scoring is a matter of its own.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

import pandas as pd

from eaas_assets.contracts.agent import PROTOCOL_VERSION, AgentRequest, AgentVersion
from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.files import canonical_json, digest


class PlannedEvaluation(NamedTuple):
    """One question: a scenario and a trial.

    Attributes:
        position: Its place in the plan.
        key: 32 bytes that identify the question, the agent that is asked and the trial.
        scenario: Place of the scenario among the plan's scenarios.
        trial: 1-based repeat.
    """

    position: int
    key: bytes
    scenario: int
    trial: int


class PlannedScenario(NamedTuple):
    """What the agent is shown of one scenario."""

    scenario_id: str
    inputs_digest: str
    message: str
    context_json: str


@dataclass(frozen=True)
class Scope:
    """Which part of the suite a run covers, and why it runs.

    Attributes:
        scenario_id: Only this scenario.
        target_agent_id: Only scenarios that expect this specialist, by name or identifier.
        evaluation_type: Why the run is made.
        trials: How often each scenario is tried; None for as often as the version declares.
    """

    scenario_id: str | None = None
    target_agent_id: str | None = None
    evaluation_type: str = "release_validation"
    trials: int | None = None

    @property
    def is_full(self) -> bool:
        """Whether the whole suite is covered."""
        return self.scenario_id is None and self.target_agent_id is None


@dataclass(frozen=True)
class Plan:
    """An immutable plan.

    Attributes:
        version: The agent version to be asked.
        scenarios: Sorted by their ids, so that the order of files and rows does not matter.
        trials: How often each scenario is tried.
        evaluations: Sorted by scenario and trial, which is also the order of execution.
        configuration_digest: Hash of everything in the agent's definition that can change an answer.
        suite_digest: Hash of what the agent is shown.
        digest: Identity of the plan.
    """

    version: AgentVersion
    scope: Scope
    scenarios: tuple[PlannedScenario, ...]
    trials: int
    evaluations: tuple[PlannedEvaluation, ...]
    configuration_digest: str
    suite_digest: str
    digest: str

    def request(self, evaluation: PlannedEvaluation, run_id: str = "") -> AgentRequest:
        """The question as the agent gets it.

        The seed comes from the key, so that it is the same on every try; the idempotency key names the evaluation
        within its run, so that a resumed run does not make a server do a thing twice and the next run does.
        """
        scenario = self.scenarios[evaluation.scenario]
        return AgentRequest.model_construct(
            scenario_id=scenario.scenario_id,
            message=scenario.message,
            context=json.loads(scenario.context_json),
            seed=int.from_bytes(evaluation.key[:8], "big") >> 1,
            trial=evaluation.trial,
            idempotency_key=f"{run_id}-{evaluation.key.hex()[:32]}" if run_id else "",
        )


def make_plan(version: AgentVersion, scenarios: pd.DataFrame, scope: Scope, path_field: str | None) -> Plan:
    """Plan the evaluations of ``version``.

    Args:
        version: The agent version.
        scenarios: Rows of ``journey_scenarios`` of the version's suite.
        scope: Which of them.
        path_field: The expected field that lists specialists, which a scope by specialist needs.

    Raises:
        InputError: The scope matches no scenario.
    """
    chosen = _in_scope(scenarios, scope, path_field)
    if chosen.empty:
        found = f"scenario_id={scope.scenario_id}, target_agent_id={scope.target_agent_id}"
        expected = f"a scope that matches at least one of the {len(scenarios)} scenarios of suite '{version.suite}'"
        raise InputError(Problem(f"suite {version.suite}", "empty_scope", found, expected))
    columns = ("scenario_id", "inputs_digest", "message", "context_json")
    planned = tuple(
        sorted(PlannedScenario(*values) for values in zip(*(chosen[name].tolist() for name in columns), strict=True))
    )
    configuration, trials = configuration_digest(version), scope.trials or version.trials
    evaluations = [
        PlannedEvaluation(
            place * trials + trial - 1, evaluation_key(version, configuration, scenario, trial), place, trial
        )
        for place, scenario in enumerate(planned)
        for trial in range(1, trials + 1)
    ]
    return Plan(
        version=version,
        scope=scope,
        scenarios=planned,
        trials=trials,
        evaluations=tuple(evaluations),
        configuration_digest=configuration,
        suite_digest=digest("".join(sorted(scenario.inputs_digest for scenario in planned))),
        digest=_plan_digest(version, scope, evaluations),
    )


def configuration_digest(version: AgentVersion) -> str:
    """Hash of what can change an answer: not of titles, owners, baselines or how many are asked at once."""
    return digest(
        canonical_json(
            {
                "suite": version.suite,
                "adapter": version.adapter,
                "settings": version.settings,
                "limits": version.limits.model_dump(
                    include={"timeout_s", "attempt_timeout_s", "max_attempts", "max_response_bytes"}
                ),
            }
        )
    )


def evaluation_key(version: AgentVersion, configuration: str, scenario: PlannedScenario, trial: int) -> bytes:
    """SHA-256 of the length-prefixed parts that make one question."""
    parts = (
        scenario.scenario_id,
        scenario.inputs_digest,
        version.agent,
        version.version,
        configuration,
        PROTOCOL_VERSION,
        str(trial),
    )
    return hashlib.sha256(b"".join(len(raw := part.encode()).to_bytes(4, "big") + raw for part in parts)).digest()


def new_run_id(now: datetime, entropy: bytes) -> str:
    """A name for a run that sorts by time; ``entropy`` keeps two runs of one millisecond apart."""
    return f"RUN_{now:%Y%m%dT%H%M%S}{now.microsecond // 1000:03d}Z_{entropy.hex()[:6]}"


def _plan_digest(version: AgentVersion, scope: Scope, evaluations: Sequence[PlannedEvaluation]) -> str:
    content = hashlib.sha256(f"{version.key}|{scope.evaluation_type}|".encode())
    for evaluation in evaluations:
        content.update(evaluation.key)
    return content.hexdigest()


def _in_scope(scenarios: pd.DataFrame, scope: Scope, path_field: str | None) -> pd.DataFrame:
    if scope.scenario_id is not None:
        scenarios = scenarios[scenarios["scenario_id"] == scope.scenario_id]
    if scope.target_agent_id is None:
        return scenarios
    if path_field is None:
        expected = "no target_agent_id: this suite does not say which specialists are expected"
        raise InputError(Problem("scope", "no_path_field", shown(scope.target_agent_id), expected))
    expects = [
        _mentions(json.loads(text).get(path_field), scope.target_agent_id) for text in scenarios["expected_json"]
    ]
    return scenarios[pd.Series(expects, index=scenarios.index, dtype=bool)]


def _mentions(path: Iterable[str] | None, specialist: str) -> bool:
    return path is not None and specialist in list(path)
