import subprocess
import sys

LARGE_EXPERIMENT = """
import sys
from eaas_assets.stats.experiments.adjustment import adjusted_mean_difference
from eaas_assets.stats.experiments.benefit import net_benefit
from eaas_assets.stats.experiments.moments import ArmMoments
from eaas_assets.stats.experiments.noninferiority import noninferiority
from eaas_assets.stats.experiments.proportions import proportion_difference
from eaas_assets.stats.experiments.randomised import mean_difference
from eaas_assets.stats.experiments.ratio_metric import ratio_difference
from eaas_assets.stats.experiments.sequential import anytime_effect
from eaas_assets.stats.experiments.srm import anytime_srm, srm_test

def arm(n, mean):
    means, variances = {"y": mean, "x": 1.0, "d": 3.0}, {"y": 2.0, "x": 1.0, "d": 1.0}
    return ArmMoments.from_aggregates(n, means, variances, {("y", "x"): 0.9, ("y", "d"): 0.3, ("x", "d"): 0.1})

treatment, control = arm(5_000_123, 1.003), arm(4_999_877, 1.0)
effects = [
    mean_difference(treatment, control),
    adjusted_mean_difference(treatment, control, ["x"]),
    ratio_difference(treatment, control, "y", "d", ["x"]),
    proportion_difference(1_002_000, treatment.n, 1_000_000, control.n),
]
assert all(effect.answered for effect in effects)
assert all(anytime_effect(effect, 10_000_000).answered for effect in effects)
noninferiority(effects[0], 0.01, higher_is_better=True), net_benefit(effects[1], 1.0, 1e6, 10.0)
assert not srm_test((treatment.n, control.n), (1, 1)).mismatch
assert not anytime_srm([(treatment.n, control.n)], (1, 1)).mismatch
print(sorted(name for name in sys.modules if name.split(".")[0] in ("scipy", "statsmodels", "pandas", "dagster")))
"""


def test_an_experiment_with_ten_million_units_needs_nothing_but_numpy():
    """Imports would cost more than all statistics of a large experiment; scipy is for small and special ones."""
    result = subprocess.run([sys.executable, "-c", LARGE_EXPERIMENT], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"
