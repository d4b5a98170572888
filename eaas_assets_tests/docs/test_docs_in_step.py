"""Documentation that is checked against the code: what exists is described, and what is described exists."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from typer.main import get_command

from eaas_assets.cli import app
from eaas_assets.contracts.agent import AgentVersion
from eaas_assets.contracts.documentation import tables_page
from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.suite import Suite
from eaas_assets.definitions import defs

PROJECT = Path(__file__).resolve().parents[2]
DOCS = PROJECT / "docs"
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def test_the_page_of_tables_is_made_from_the_contracts() -> None:
    assert page("tables.md") == tables_page(), "run `make docs`"


def test_every_asset_is_described_on_the_page_of_its_stage() -> None:
    graph = defs().resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        group = graph.get(key).group_name
        assert f"`{key.to_user_string()}`" in page(f"{group}.md"), f"{key.to_user_string()} is not in docs/{group}.md"


def test_every_check_job_schedule_and_sensor_is_described() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.glob("*.md"))
    repository = defs().get_repository_def()
    names = {key.name for key in defs().resolve_asset_graph().asset_check_keys}
    names |= {job.name for job in repository.get_all_jobs()} - {"__ASSET_JOB"}
    names |= {item.name for item in [*repository.schedule_defs, *repository.sensor_defs]}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_every_command_of_the_command_line_is_in_the_readme() -> None:
    commands: dict[str, Any] = get_command(app).commands  # type: ignore[attr-defined]
    assert {name for name in commands if f"eaas {name}" not in README} == set()


def test_every_target_of_the_makefile_that_users_need_is_in_the_readme() -> None:
    targets = re.findall(r"^([a-z-]+):.*##", (PROJECT / "Makefile").read_text(), flags=re.MULTILINE)
    told = README + page("contributing.md")
    assert {target for target in targets if f"make {target}" not in told} == {"help"}


@pytest.mark.parametrize("model", [Suite, AgentVersion, Experiment])
def test_every_field_of_a_document_is_described(model: type[BaseModel]) -> None:
    text = page("data.md")
    assert {name for name in _field_names(model) if name not in text} == set()


def _field_names(model: type[BaseModel]) -> set[str]:
    names = set()
    for name, field in model.model_fields.items():
        names.add(name)
        for part in _models_in(field.annotation):
            names |= _field_names(part)
    return names


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in getattr(annotation, "__args__", ()) for model in _models_in(part)]


def test_every_dependency_is_named_with_its_reason() -> None:
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())
    wanted = [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    names = {re.split(r"[\[<>=!~ ]", requirement)[0] for requirement in wanted}
    assert {name for name in names if f"`{name}`" not in page("dependencies.md")} == set()


def test_the_lock_file_holds_exact_versions_and_names_no_host() -> None:
    lock = (PROJECT / "requirements.lock").read_text()
    lines = [line for line in lock.splitlines() if line and not line.startswith("#")]
    assert all(re.match(r"^[A-Za-z0-9._-]+(\[[a-z,]+\])?==[^ ]+( ; .+)?$", line) for line in lines)
    assert "://" not in lock
    assert "--hash" not in lock


def test_links_between_pages_lead_somewhere() -> None:
    for path in [PROJECT / "README.md", *DOCS.glob("*.md")]:
        for target in re.findall(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_approval_in_the_readme_is_one_that_its_person_may_give() -> None:
    example = re.search(r"eaas approve (\S+) --person (\S+) --role (\w+)", README)
    assert example is not None
    experiment, person, role = example.groups()
    data = PROJECT / "data"
    people = yaml.safe_load((data / "policies" / "approvals.yaml").read_text(encoding="utf-8"))["people"]
    assert role in next(entry["roles"] for entry in people if entry["person"] == person)
    document = (data / "experiments" / experiment / "experiment.yaml").read_text(encoding="utf-8")
    assert yaml.safe_load(document)["decision_owner"] == role
