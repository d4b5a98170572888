"""A thousand experiments as a data folder, made by DuckDB from fixed seeds: documents and Parquet files.

Every experiment has a primary mean with its value from before, a ratio, a proportion as guardrail, two segments and
times over four weeks. Every third has an effect, half of them are still running.
"""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import duckdb

START = datetime.date(2025, 3, 3)
DAYS = 28
DOMAINS = ("commerce", "search", "support", "sales")


def write_world(root: Path, experiments: int, units: int) -> None:
    """Write the folder; one that is complete stays as it is."""
    complete = root / ".complete"
    if complete.exists():
        return
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET enable_progress_bar = false")
        for number in range(experiments):
            folder = root / "experiments" / f"X{number:04d}"
            folder.mkdir(parents=True, exist_ok=True)
            # JSON is YAML, too.
            (folder / "experiment.yaml").write_text(json.dumps(_document(number, units), indent=1))
            connection.execute(f"SELECT setseed({number / experiments})")
            connection.execute(_copy(number, units, folder / "units.parquet"))
    complete.touch()


def _document(number: int, units: int) -> dict[str, object]:
    last = START + datetime.timedelta(days=DAYS - 1)
    return {
        "experiment": f"X{number:04d}",
        "title": f"Change {number}",
        "domain": DOMAINS[number % len(DOMAINS)],
        "type": "ab_test",
        "design": "randomised",
        "status": "running" if number % 2 else "concluded",
        "hypothesis": f"Change {number} lifts what is spent.",
        "hypothesis_type": "growth",
        "population": f"visitors_{number}",
        "owner": "team",
        "decision_owner": "head",
        "risk_tier": "medium",
        "planned_start": START.isoformat(),
        "planned_end": last.isoformat(),
        "sample": {"planned": units, "per_day": max(1, units // DAYS)},
        "variants": [{"name": "control", "allocation": 0.5}, {"name": "changed", "allocation": 0.5}],
        "metrics": [
            {"name": "spent", "role": "primary", "kind": "mean", "direction": "increase", "minimum_effect": 0.5,
             "expected": {"value": 20, "sd": 10}, "covariate": "spent_before"},
            {"name": "clicks_per_view", "role": "secondary", "kind": "ratio", "direction": "increase",
             "numerator": "clicks", "denominator": "views"},
            {"name": "complaint_rate", "role": "guardrail", "kind": "proportion", "direction": "decrease",
             "column": "complained", "margin": 0.02},
        ],
        "segments": ["country", "device"],
        "observations": {"kind": "units", "file": "units.parquet", "unit": "user", "variant": "variant",
                         "time": "first_seen"},
        "value": {"usd_per_unit": 12, "units_per_year": 900000},
        "cost": {"fixed_usd": 6000, "rollout_per_year_usd": 60000},
    }  # fmt: skip


def _copy(number: int, units: int, path: Path) -> str:
    effect = 0.5 if number % 3 == 0 else 0.0
    start = f"TIMESTAMP '{START.isoformat()}'"
    return f"""
        COPY (
            WITH drawn AS MATERIALIZED (
                SELECT i, random() < 0.5 AS treated, sqrt(-2 * ln(1 - random())) AS radius,
                    2 * pi() * random() AS angle, 1 + floor(-5 * ln(1 - random()))::INT AS views,
                    random() AS entered, random() AS luck, random() AS complaint, random() AS place, random() AS screen
                FROM range({units}) numbers(i))
            SELECT 'user_' || i AS "user", CASE WHEN treated THEN 'changed' ELSE 'control' END AS variant,
                {start} + to_seconds(floor(entered * {DAYS * 86400})::BIGINT) AS first_seen,
                20 + 10 * (0.6 * radius * cos(angle) + 0.8 * radius * sin(angle)) + {effect} * treated::INT AS spent,
                20 + 10 * radius * cos(angle) AS spent_before,
                floor(views * 0.1 + luck)::INT AS clicks, views, (complaint < 0.05)::INT AS complained,
                ['at', 'de', 'fr', 'uk'][1 + floor(place * 4)::INT] AS country,
                ['desktop', 'phone'][1 + floor(screen * 2)::INT] AS device
            FROM drawn ORDER BY i)
        TO '{path}' (FORMAT parquet, COMPRESSION zstd)"""
