"""tea-tasting on a lazy polars frame, its fastest way."""

from __future__ import annotations

from measuring import Analyse, Answers, measure


def load() -> Analyse:
    import polars as pl
    import tea_tasting as tt

    def analyse(file: str) -> Answers:
        experiment = tt.Experiment(
            mean=tt.Mean("revenue"),
            adjusted=tt.Mean("revenue", "pre_revenue"),
            ratio=tt.RatioOfMeans("clicks", "views"),
            sample_ratio=tt.SampleRatio(),
        )
        result = experiment.analyze(pl.scan_parquet(file))
        low, high = result["adjusted"].effect_size_ci_lower, result["adjusted"].effect_size_ci_upper
        return Answers(
            mean=result["mean"].effect_size,
            adjusted=result["adjusted"].effect_size,
            adjusted_error=(high - low) / 2 / 1.959963984540054,
            ratio=result["ratio"].effect_size,
            sample_ratio_p=result["sample_ratio"].pvalue,
        )

    return analyse


if __name__ == "__main__":
    measure(load)
