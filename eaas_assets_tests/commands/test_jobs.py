"""Jobs without a UI: what several processes at once may do to each other."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from eaas_assets.storage.locations import DATA_DIR_VARIABLE, OUTPUT_DIR_VARIABLE
from eaas_assets_tests.worlds import small_world

OPEN = """
from eaas_assets.commands.jobs import Jobs
from eaas_assets.defs.world import WorldFiles
from eaas_assets.storage.locations import Locations
with Jobs.opened(WorldFiles(Locations.from_environment())):
    pass
"""


def test_processes_that_open_a_new_instance_at_once_all_succeed(tmp_path: Path) -> None:
    home = tmp_path / "dagster"
    places = {
        DATA_DIR_VARIABLE: str(small_world(tmp_path / "data")),
        OUTPUT_DIR_VARIABLE: str(tmp_path / "output"),
        "DAGSTER_HOME": str(home),
    }
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n", encoding="utf-8")
    command = [sys.executable, "-c", OPEN]
    openers = [subprocess.Popen(command, env=os.environ | places, stderr=subprocess.PIPE) for _ in range(3)]
    told = [opener.communicate(timeout=120)[1].decode() for opener in openers]
    assert [opener.returncode for opener in openers] == [0, 0, 0], told
