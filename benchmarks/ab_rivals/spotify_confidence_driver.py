"""spotify-confidence on sums that pandas makes; it has no ratio metric of its own."""

from __future__ import annotations

from measuring import Analyse, Answers, measure


def load() -> Analyse:
    import pandas as pd
    import spotify_confidence as confidence
    from spotify_confidence.analysis.frequentist.sample_ratio_test import sample_ratio_test

    def analyse(file: str) -> Answers:
        frame = pd.read_parquet(file, columns=["variant", "revenue", "pre_revenue", "clicks", "views"])
        frame["squares"] = frame["revenue"] * frame["revenue"]
        frame["before_squares"] = frame["pre_revenue"] * frame["pre_revenue"]
        frame["cross"] = frame["revenue"] * frame["pre_revenue"]
        sums = frame.groupby("variant").sum()
        sums["n"] = frame["variant"].value_counts()
        sums = sums.reset_index()
        test = confidence.ZTestLinreg(
            sums,
            numerator_column="revenue",
            numerator_sum_squares_column="squares",
            denominator_column="n",
            categorical_group_columns="variant",
            feature_column="pre_revenue",
            feature_sum_squares_column="before_squares",
            feature_cross_sum_column="cross",
        )
        found = test.difference(level_1=0, level_2=1).iloc[0]
        p_value, _ = sample_ratio_test(sums, ["variant"], "n", {0: 0.5, 1: 0.5})
        means = sums["revenue"] / sums["n"]
        return Answers(
            mean=float(means[1] - means[0]),
            adjusted=float(found["difference"]),
            adjusted_error=float((found["ci_upper"] - found["ci_lower"]) / 2 / 1.959963984540054),
            sample_ratio_p=float(p_value),
        )

    return analyse


if __name__ == "__main__":
    measure(load)
