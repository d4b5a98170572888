"""The observations of many experiments, one after the other, the next ones opened while the last are worked on."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from eaas_assets.errors import InputError, Problem
from eaas_assets.experiments.observations.access import Opened
from eaas_assets.experiments.observations.agent_runs import AgentRunTables
from eaas_assets.experiments.observations.opening import open_observations
from eaas_assets.experiments.registry import RegisteredExperiment

AHEAD = 1
"""Experiments whose observations are held besides those that are worked on."""


def opened_or_problems(
    root: Path, registered: RegisteredExperiment, runs: AgentRunTables | None
) -> Opened | tuple[Problem, ...]:
    """Observations, or why they cannot be read."""
    try:
        return open_observations(root, registered.document, runs)
    except InputError as error:
        return error.problems


def opened_ahead(
    root: Path, registered: Iterable[RegisteredExperiment], runs: AgentRunTables | None
) -> Iterator[tuple[RegisteredExperiment, Opened | tuple[Problem, ...]]]:
    """Each experiment with its observations, in order."""
    waiting: deque[tuple[RegisteredExperiment, Future[Opened | tuple[Problem, ...]]]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="observations") as pool:
        for one in registered:
            waiting.append((one, pool.submit(opened_or_problems, root, one, runs)))
            if len(waiting) > AHEAD:
                first, future = waiting.popleft()
                yield first, future.result()
        while waiting:
            first, future = waiting.popleft()
            yield first, future.result()
