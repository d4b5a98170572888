"""Ours: the plan through the run store. Each evaluation is durable before it counts, and the run ends sealed.

The accuracy is worked out afterwards from the sealed table; `benchmarks/scale.py` measures scoring.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from measuring import Outcome, Work, expected, measure

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from workload import PARTITION, EchoAgent, plan, run_store, scenarios


def prepare(count: int, delay_s: float, folder: Path) -> Work:
    planned, store = plan(scenarios(count)), run_store(folder)

    def run() -> None:
        started = store.start(planned)
        store.execute(started, EchoAgent(delay_s), lambda _: None)

    return Work(run, read=lambda: _read(store.tables.root / "executed_evaluations" / PARTITION))


def _read(folder: Path) -> Outcome:
    import pandas as pd

    (path,) = folder.glob("*.parquet")
    rows = pd.read_parquet(path, columns=["scenario_id", "answer_json", "measured_s"])
    numbers = rows["scenario_id"].str[1:].astype(int)
    answers = [json.loads(text)["text"] for text in rows["answer_json"]]
    correct = sum(text == expected(number) for text, number in zip(answers, numbers, strict=True))
    return Outcome(correct, rows["measured_s"].tolist())


measure(prepare)
