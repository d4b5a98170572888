"""Ours, the way that the assets go: the declared experiment, its file opened and checked, effects as table rows."""

from __future__ import annotations

from pathlib import Path

from measuring import Analyse, Answers, measure

DOCUMENT = {
    "experiment": "benchmark", "title": "Benchmark", "domain": "benchmark", "type": "ab_test",
    "design": "randomised", "status": "concluded", "hypothesis": "Revenue rises.", "hypothesis_type": "growth",
    "population": "users", "owner": "benchmark", "decision_owner": "benchmark", "risk_tier": "low",
    "variants": [{"name": "0", "allocation": 0.5}, {"name": "1", "allocation": 0.5}],
    "metrics": [
        {"name": "revenue", "role": "primary", "kind": "mean", "direction": "increase", "covariate": "pre_revenue"},
        {"name": "ctr", "role": "secondary", "kind": "ratio", "direction": "increase",
         "numerator": "clicks", "denominator": "views"},
    ],
    "observations": {"kind": "units", "file": "users.parquet", "unit": "user_id", "variant": "variant",
                     "one_row_per_unit": True},
}  # fmt: skip
POLICY = {
    "policy": "experiments",
    "estimate": {"level": 0.95, "power": 0.8, "correction": "holm", "secondary_correction": "benjamini_hochberg"},
    "sample_ratio": {"threshold": 0.001},
    "monitoring": {"harm_alpha": 0.05, "drift_alpha": 0.01, "novelty_alpha": 0.05, "maximum_looks": 60},
    "design": {"minimum_units": 100, "maximum_days": 90, "whole_weeks": True, "balance_alpha": 0.001,
               "required_guardrails": {"low": 0, "medium": 1, "high": 2}, "similar_hypotheses": 0.75,
               "novelty_days": 21},
    "calibration": {"replays": 400, "largest_units": 20000},
}  # fmt: skip


def load() -> Analyse:
    from eaas_assets.contracts.experiment import Experiment
    from eaas_assets.contracts.experiment_policy import ExperimentPolicy
    from eaas_assets.experiments.impact import impact_rows
    from eaas_assets.experiments.observations.opening import open_observations
    from eaas_assets.stats.experiments.randomised import mean_difference
    from eaas_assets.stats.experiments.srm import srm_test

    experiment, policy = Experiment.model_validate(DOCUMENT), ExperimentPolicy.model_validate(POLICY)

    def analyse(file: str) -> Answers:
        opened = open_observations(_world(Path(file)), experiment)
        assert opened.randomised is not None
        counts = opened.randomised.counts()
        ratio_check = srm_test([counts["0"], counts["1"]], [0.5, 0.5])
        effects = {row["metric"]: row for row in impact_rows(experiment, opened, policy, "benchmark")[0]}
        arms = opened.randomised.moments(experiment.primary)
        unadjusted = mean_difference(arms["1"], arms["0"], "revenue")
        return Answers(
            mean=unadjusted.estimate,
            adjusted=effects["revenue"]["estimate"],
            adjusted_error=effects["revenue"]["se"],
            ratio=effects["ctr"]["estimate"],
            sample_ratio_p=ratio_check.p_value,
        )

    return analyse


def _world(file: Path) -> Path:
    """A data folder that has the file as its experiment's, beside it and without a copy."""
    root = file.parent / "world"
    place = root / "experiments" / "benchmark" / "users.parquet"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        place.hardlink_to(file)
    return root


if __name__ == "__main__":
    measure(load)
