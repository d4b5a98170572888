"""gbstats (GrowthBook) on sums from DuckDB, as its own pipeline takes them from a warehouse."""

from __future__ import annotations

from typing import Any

from measuring import Analyse, Answers, measure

SUMS = """
select variant, count(*), sum(revenue), sum(revenue * revenue), sum(pre_revenue), sum(pre_revenue * pre_revenue),
       sum(revenue * pre_revenue), sum(clicks), sum(clicks * clicks), sum(views), sum(views * views),
       sum(clicks * views)
from read_parquet('{file}') group by variant order by variant
"""


def load() -> Analyse:
    import duckdb
    from gbstats.frequentist.tests import FrequentistConfig, TwoSidedTTest
    from gbstats.models.statistics import (
        RatioStatistic,
        RegressionAdjustedStatistic,
        SampleMeanStatistic,
        compute_theta,
    )
    from gbstats.utils import check_srm

    absolute = FrequentistConfig(difference_type="absolute")

    def arm(row: Any) -> tuple[Any, Any, Any]:
        _, n, y, yy, x, xx, xy, m, mm, d, dd, md = row
        outcome = SampleMeanStatistic(n=n, sum=y, sum_squares=yy)
        before = SampleMeanStatistic(n=n, sum=x, sum_squares=xx)
        adjusted = RegressionAdjustedStatistic(
            n=n, post_statistic=outcome, pre_statistic=before, post_pre_sum_of_products=xy, theta=0.0
        )
        above, below = SampleMeanStatistic(n=n, sum=m, sum_squares=mm), SampleMeanStatistic(n=n, sum=d, sum_squares=dd)
        return outcome, adjusted, RatioStatistic(n=n, m_statistic=above, d_statistic=below, m_d_sum_of_products=md)

    def analyse(file: str) -> Answers:
        with duckdb.connect(config={"threads": 2}) as connection:
            rows = connection.sql(SUMS.format(file=file)).fetchall()
        (mean_a, adjusted_a, ratio_a), (mean_b, adjusted_b, ratio_b) = map(arm, rows)
        adjusted_a.theta = adjusted_b.theta = compute_theta(adjusted_a, adjusted_b)
        mean = TwoSidedTTest(mean_a, mean_b, absolute)
        adjusted = TwoSidedTTest(adjusted_a, adjusted_b, absolute)
        ratio = TwoSidedTTest(ratio_a, ratio_b, absolute)
        for test in (mean, adjusted, ratio):
            test.compute_result()
        return Answers(
            mean=float(mean.point_estimate),
            adjusted=float(adjusted.point_estimate),
            adjusted_error=float(adjusted.variance) ** 0.5,
            ratio=float(ratio.point_estimate),
            sample_ratio_p=float(check_srm([row[1] for row in rows], [0.5, 0.5])),
        )

    return analyse


if __name__ == "__main__":
    measure(load)
