"""Small experiments on disk, to be opened."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from eaas_assets.contracts.experiment import Experiment
from eaas_assets.experiments.observations.access import Opened
from eaas_assets.experiments.observations.opening import open_observations

UNITS = {"kind": "units", "file": "data.csv", "unit": "user", "variant": "arm"}
SPEND = {"name": "spend", "role": "primary", "kind": "mean", "direction": "increase"}
BOUGHT = {"name": "bought", "role": "primary", "kind": "proportion", "direction": "increase"}
ROWS = "user,arm,spend\nu1,control,1.0\nu2,control,2.0\nu3,treatment,3.0\nu4,treatment,5.0\n"


def experiment(**changes: Any) -> Experiment:
    """A small valid experiment."""
    document: dict[str, Any] = {
        "experiment": "E1",
        "title": "A change",
        "domain": "sales",
        "type": "ab_test",
        "design": "randomised",
        "status": "concluded",
        "hypothesis": "It helps.",
        "hypothesis_type": "growth",
        "population": "customers",
        "owner": "growth",
        "decision_owner": "head",
        "risk_tier": "low",
        "variants": [{"name": "control", "allocation": 0.5}, {"name": "treatment", "allocation": 0.5}],
        "metrics": [SPEND],
        "observations": UNITS,
    }
    return Experiment.model_validate(document | changes)


def write(root: Path, content: str | bytes, file: str = "data.csv") -> None:
    """Write an observation file beside the document of E1."""
    path = root / "experiments" / "E1" / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content.encode() if isinstance(content, str) else content)


def opened(root: Path, content: str | bytes, file: str = "data.csv", **changes: Any) -> Opened:
    """Write the file and open it."""
    write(root, content, file)
    return open_observations(root, experiment(**changes))


def as_json(rows: list[dict[str, Any]]) -> str:
    """Rows as a JSON array."""
    return json.dumps(rows)
