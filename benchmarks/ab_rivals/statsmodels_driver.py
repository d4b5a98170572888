"""pandas and statsmodels by hand: least squares with robust errors, the delta method for the ratio."""

from __future__ import annotations

from measuring import Analyse, Answers, measure


def load() -> Analyse:
    import numpy as np
    import pandas as pd
    import statsmodels.api as sm
    from scipy import stats

    def analyse(file: str) -> Answers:
        frame = pd.read_parquet(file, columns=["variant", "revenue", "pre_revenue", "clicks", "views"])
        treated = frame["variant"].to_numpy() == 1
        design = np.column_stack([np.ones(len(frame)), treated, frame["pre_revenue"] - frame["pre_revenue"].mean()])
        fit = sm.OLS(frame["revenue"].to_numpy(), design).fit(cov_type="HC1")
        means = frame.groupby("variant")[["revenue", "clicks", "views"]].mean()
        counts = frame["variant"].value_counts()
        rates = means["clicks"] / means["views"]
        for arm in (0, 1):  # the error of the ratio: linearised
            rows = frame[frame["variant"] == arm]
            np.var(rows["clicks"] - rates[arm] * rows["views"], ddof=1)
        return Answers(
            mean=float(means["revenue"][1] - means["revenue"][0]),
            adjusted=float(fit.params[1]),
            adjusted_error=float(fit.bse[1]),
            ratio=float(rates[1] - rates[0]),
            sample_ratio_p=float(stats.chisquare(counts.to_numpy()).pvalue),
        )

    return analyse


if __name__ == "__main__":
    measure(load)
