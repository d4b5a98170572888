from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from eaas_assets.cli import app
from eaas_assets.storage.locations import DATA_DIR_VARIABLE, OUTPUT_DIR_VARIABLE
from eaas_assets_tests.worlds import SAMPLE_DATA, sample_world


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(SAMPLE_DATA))
    monkeypatch.setenv(OUTPUT_DIR_VARIABLE, str(tmp_path / "output"))
    return tmp_path


def test_a_missing_data_folder_is_told_and_ends_with_an_error(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(places / "nowhere"))
    result = CliRunner().invoke(app, ["run"])
    assert result.exit_code == 1
    assert "nowhere" in result.output


def test_run_prints_the_table_and_the_path_of_the_reports(places: Path) -> None:
    result = CliRunner().invoke(app, ["run", "--version", "ticket_router@v1.0"])
    assert result.exit_code == 0, result.output
    assert "ticket_router" in result.output
    assert "of 24" in result.output
    assert (places / "output" / "reports" / "index.html").is_file()
    assert (places / "output" / "dagster" / "dagster.yaml").is_file()


def test_a_version_that_cannot_be_evaluated_ends_with_an_error_and_the_others_still_run(
    places: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = sample_world(places / "data")
    (data / "agents" / "ticket_router" / "v9.yaml").write_text("agent: ticket_router\nversion: v9\nsuite: [")
    monkeypatch.setenv(DATA_DIR_VARIABLE, str(data))
    result = CliRunner().invoke(app, ["run", "--version", "ticket_router@v1.0", "--version", "ticket_router@v9"])
    assert result.exit_code == 1
    assert "v9.yaml" in result.output
    assert "of 24" in result.output
