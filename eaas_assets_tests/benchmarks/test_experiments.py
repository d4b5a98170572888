"""The benchmark of experiments runs on small inputs, and says what it should."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[2]
BENCHMARKS = PROJECT / "benchmarks"
WITHOUT = {"scipy", "pandas", "pyarrow", "pandera", "statsmodels", "jsonschema", "matplotlib", "dagster"}
USERS = 12_000


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(PROJECT), str(BENCHMARKS / "ab_rivals")])}
    done = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, check=False, env=environment, cwd=folder
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def users(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("users")
    write = f"from pathlib import Path; from ab_data import write_users; write_users(Path('users.parquet'), {USERS})"
    _run(["-c", f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); {write}"], folder)
    return folder / "users.parquet"


def test_our_driver_and_the_floor_answer(users):
    drivers = BENCHMARKS / "ab_rivals"
    ours = json.loads(_run([str(drivers / "ours_driver.py"), str(users), "--rounds", "1"], users.parent))
    floor = json.loads(_run([str(drivers / "scan_driver.py"), str(users), "--rounds", "1"], users.parent))
    assert abs(ours["mean"] - 0.03) < 5 * 0.2
    assert 0 < ours["adjusted_error"] < 0.13
    assert ours["work_s"] > 0 < floor["work_s"]


def test_an_experiment_from_document_to_effects_imports_nothing_heavy(users):
    """Imports would cost more than the work: a statistics stack takes longer than ten million users."""
    asked = (
        "import sys; from ours_driver import load; load()(sys.argv[1]); "
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    loaded = set(_run(["-c", asked, str(users)], users.parent).split())
    assert {"duckdb", "numpy", "pydantic"} <= loaded
    assert not loaded & WITHOUT


def test_a_night_of_small_experiments(tmp_path):
    write = f"import sys; sys.path.insert(0, {str(BENCHMARKS)!r}); from many_data import write_world; "
    write += "from pathlib import Path; write_world(Path('world'), 2, 400)"
    _run(["-c", write], tmp_path)
    policy = PROJECT / "data" / "policies" / "experiments.yaml"
    printed = _run([str(BENCHMARKS / "nightly_driver.py"), str(tmp_path / "world"), str(policy)], tmp_path)
    renewed = [stage["renewed"] for stage in map(json.loads, printed.splitlines())]
    assert renewed == [0, 2, 0, 1, 2, 0]
