"""From an agent version to an agent that can be asked. Every adapter is registered here, and nothing else is.

An adapter is a module below `adapters/`, or a folder of them, with a settings document and a function that opens an
agent from it. To add one, write it and its line in ``ADAPTERS``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import BaseModel

from eaas_assets.agents.adapters.command.agent import CommandSettings, open_command
from eaas_assets.agents.adapters.http.agent import HttpSettings, open_http
from eaas_assets.agents.adapters.openai.agent import open_openai
from eaas_assets.agents.adapters.openai.settings import OpenAISettings
from eaas_assets.agents.adapters.python.agent import PythonSettings, open_python
from eaas_assets.agents.adapters.replay import ReplaySettings, open_replay
from eaas_assets.agents.adapters.rules.agent import open_rules
from eaas_assets.agents.adapters.rules.settings import RulesSettings
from eaas_assets.agents.protocol import Agent
from eaas_assets.contracts.agent import AgentVersion
from eaas_assets.contracts.documents import validate_document
from eaas_assets.errors import InputError, Problem, shown
from eaas_assets.storage.locations import Locations
from eaas_assets.storage.yaml_documents import YamlDocument


class Adapter(NamedTuple):
    """One way of calling agents.

    Attributes:
        settings: The document that `settings` of an agent version must be.
        open: Makes an agent from the version, its settings and the data folder; raises InputError for what only opening
            can find out.
    """

    settings: type[BaseModel]
    open: Callable[[AgentVersion, Any, Path], Agent]


ADAPTERS: Mapping[str, Adapter] = {
    "rules": Adapter(RulesSettings, lambda version, settings, _: open_rules(version, settings)),
    "python": Adapter(PythonSettings, open_python),
    "http": Adapter(HttpSettings, open_http),
    "openai": Adapter(OpenAISettings, open_openai),
    "command": Adapter(CommandSettings, open_command),
    "replay": Adapter(ReplaySettings, open_replay),
}


def file_of(version: AgentVersion) -> str:
    """Where the version's document stands, below the data folder."""
    return version.file


def read_settings(version: AgentVersion, document: YamlDocument | None = None) -> BaseModel:
    """The version's settings as its adapter's document.

    Args:
        version: The agent version.
        document: The YAML that it was read from, for the lines of the faults; None where there is none.

    Raises:
        InputError: The adapter is unknown or the settings are not what it needs.
    """
    file = document.file if document else file_of(version)
    adapter = ADAPTERS.get(version.adapter)
    if adapter is None:
        row = document.line_of(("adapter",)) if document else None
        expected = "one of " + ", ".join(ADAPTERS)
        raise InputError(Problem(file, "unknown_adapter", shown(version.adapter), expected, row, "adapter"))
    lines = {path[1:]: line for path, line in document.lines.items() if path[:1] == ("settings",)} if document else {}
    try:
        return validate_document(adapter.settings, YamlDocument(file, version.settings, lines, ""))
    except InputError as error:
        raise InputError(
            replace(problem, field=".".join(filter(None, ("settings", problem.field)))) for problem in error.problems
        ) from error


def open_agent(version: AgentVersion, root: Path | None = None) -> Agent:
    """The agent, ready to be asked.

    Args:
        version: The agent version.
        root: The data folder, for adapters that read files or start programs there; None for the environment's.

    Raises:
        InputError: The adapter is unknown, or its settings are wrong; file and field are named.
    """
    settings = read_settings(version)
    return ADAPTERS[version.adapter].open(version, settings, root or Locations.from_environment().data)
