"""What every test shares: a clean environment, the public data sets where they are, and patient hypothesis."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from eaas_assets.decisions.audit.keys import KEY_DIR_VARIABLE
from eaas_assets.storage.locations import DATA_DIR_VARIABLE, OUTPUT_DIR_VARIABLE

PROJECT = Path(__file__).resolve().parents[1]

# A loaded machine is no reason to fail; the suite's own timeout catches what hangs.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def shared_data_folder() -> Path:
    return Path(os.environ.get("EAAS_SHARED_DATA") or PROJECT.parent / "shared" / "data")


def pytest_configure() -> None:
    # Also for fixtures that serve a whole module: no test makes or uses the keys of the person who runs it.
    os.environ[KEY_DIR_VARIABLE] = tempfile.mkdtemp(prefix="eaas-keys-")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    folder = shared_data_folder()
    if not folder.is_dir():
        for item in items:
            if item.get_closest_marker("shared_data"):
                item.add_marker(pytest.mark.skip(reason=f"public data sets are not at {folder} (EAAS_SHARED_DATA)"))


@pytest.fixture
def shared_data() -> Path:
    """Folder of the public data sets."""
    return shared_data_folder()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in (DATA_DIR_VARIABLE, OUTPUT_DIR_VARIABLE, "DAGSTER_HOME"):
        monkeypatch.delenv(name, raising=False)
