"""What an A/B test of ten million users makes a process import; imports would cost more than its statistics."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from eaas_assets.storage.yaml_documents import read_yaml
from eaas_assets_tests.experiments.observations.worlds import BOUGHT, SPEND, experiment, write

PROJECT = Path(__file__).parents[2]

ASKED = """
import json, sys
from pathlib import Path
from eaas_assets.contracts.experiment import Experiment
from eaas_assets.contracts.experiment_policy import ExperimentPolicy
from eaas_assets.experiments.impact import impact_rows
from eaas_assets.experiments.observations.opening import open_observations

root, document, policy = sys.argv[1:]
experiment = Experiment.model_validate_json(document)
opened = open_observations(Path(root), experiment)
rows, _ = impact_rows(experiment, opened, ExperimentPolicy.model_validate_json(policy), "evidence")
assert [row["refusal_code"] for row in rows] == [None, None], rows
slow = ("scipy", "statsmodels", "pandas", "pyarrow", "yaml", "dagster")
print(sorted({name.split(".")[0] for name in sys.modules} & set(slow)))
"""


def test_means_and_proportions_of_large_arms_need_nothing_but_duckdb_numpy_and_pydantic(
    tmp_path: Path,
) -> None:
    rows = "".join(f"u{n},{'control' if n % 2 else 'treatment'},{n % 7},{n % 3 % 2}\n" for n in range(40_000))
    write(tmp_path, "user,arm,spend,bought\n" + rows)
    document = experiment(metrics=[SPEND, BOUGHT | {"role": "secondary"}]).model_dump_json(exclude_none=True)
    policy = read_yaml(PROJECT / "data" / "policies", "experiments.yaml").data
    command = [sys.executable, "-c", ASKED, str(tmp_path), document, json.dumps(policy)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
