"""Ten million users of an A/B test as one Parquet file, made by DuckDB from a fixed seed: `ab_rivals/measuring.py`."""

from __future__ import annotations

from pathlib import Path

import duckdb

SEED = 0.42


def write_users(path: Path, users: int) -> None:
    """Write the file: +.03 on a revenue that correlates .8 with its value from before; +.4 points on the ratio."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(config={"threads": 1}) as connection:  # one thread: the random numbers come in one order
        connection.execute(f"select setseed({SEED})")
        connection.execute(f"""
            copy (
                with drawn as (
                    select i as user_id, (random() < 0.5)::int as variant,
                        sqrt(-2 * ln(1 - random())) as radius, 2 * pi() * random() as angle,
                        1 + floor(-5 * ln(1 - random()))::int as views, random() as luck
                    from range({users}) numbers(i))
                select user_id, variant,
                    20 + 10 * (0.8 * radius * cos(angle) + 0.6 * radius * sin(angle)) + 0.03 * variant as revenue,
                    20 + 10 * radius * cos(angle) as pre_revenue,
                    floor(views * (0.1 + 0.004 * variant) + luck)::int as clicks, views
                from drawn)
            to '{path}' (format parquet, compression zstd)""")
