"""The floor: DuckDB reads the columns of the metrics once and adds each up by arm; no squares and no checks."""

from __future__ import annotations

from measuring import Analyse, Answers, measure


def load() -> Analyse:
    import duckdb

    def analyse(file: str) -> Answers:
        with duckdb.connect(config={"threads": 2}) as connection:
            connection.sql(
                "select variant, count(*), sum(revenue), sum(pre_revenue), sum(clicks), sum(views)"
                f" from read_parquet('{file}') group by variant"
            ).fetchall()
        return Answers()

    return analyse


if __name__ == "__main__":
    measure(load)
