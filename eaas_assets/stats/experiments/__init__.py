"""Effects of experiments with intervals that cover: pure functions over sufficient statistics per arm.

Estimators take counts, means, variances and covariances, so a database can aggregate ten million units and
only a handful of numbers comes here. Nothing here reads data, knows tables, or decides what to do.

    results        the shapes every estimator returns: Effect, ArmEstimates, Refusal
    distributions  normal, t and chi-squared probabilities without a heavy import
    moments        counts, means and covariances of one arm; merging partitions
    contrast       from two arm estimates to an Effect
    relative       relative effects by test inversion;  skewness  unequal arms and long tails
    randomised     difference of means;  proportions  difference of proportions
    adjustment     regression adjustment (CUPED);  ratio_metric, quantile_metric, clusters
    many_arms      several treatments against one control
    srm            sample-ratio mismatch, fixed and at any time
    boundaries     group-sequential boundaries;  sequential  confidence sequences
    noninferiority margins for guardrails;  benefit  money
    segments       heterogeneity, shrinkage and harm by segment
    planning       sample size, detectable effect, duration, false-positive risk
"""
