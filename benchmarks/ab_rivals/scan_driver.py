"""The floor: DuckDB reads the same columns once and sums them up by arm; no statistics, no checks."""

from __future__ import annotations

from measuring import Analyse, Answers, measure


def load() -> Analyse:
    import duckdb

    def analyse(file: str) -> Answers:
        with duckdb.connect(config={"threads": 2}) as connection:
            connection.sql(
                "select variant, count(*), sum(revenue), sum(pre_revenue), sum(revenue * revenue),"
                " sum(revenue * pre_revenue), sum(pre_revenue * pre_revenue), sum(clicks), sum(views),"
                " sum(clicks * clicks), sum(clicks * views), sum(views * views), max(user_id)"
                f" from read_parquet('{file}') group by variant"
            ).fetchall()
        return Answers()

    return analyse


if __name__ == "__main__":
    measure(load)
