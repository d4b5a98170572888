"""Tables that textbooks print: boundaries, critical values for several arms, sizes and power."""

import numpy as np
import pytest

from eaas_assets.stats.experiments.boundaries import group_sequential_boundaries
from eaas_assets.stats.experiments.many_arms import dunnett_critical
from eaas_assets.stats.experiments.planning import MetricPlan, detectable_effect, proportion_plan, required_units
from eaas_assets.stats.multiplicity import holm


@pytest.mark.parametrize(
    ("looks", "pocock", "obrien_fleming"),
    [(2, 2.178, 1.977), (3, 2.289, 2.004), (4, 2.361, 2.024), (6, 2.453, 2.053), (10, 2.555, 2.087)],
)
def test_boundaries_at_other_numbers_of_looks(looks, pocock, obrien_fleming):
    """Jennison & Turnbull 2000, Group Sequential Methods, tables 2.1 and 2.3, α = .05."""
    assert group_sequential_boundaries("pocock", looks)[-1] == pytest.approx(pocock, abs=6e-4)
    assert group_sequential_boundaries("obrien_fleming", looks)[-1] == pytest.approx(obrien_fleming, abs=6e-4)


@pytest.mark.parametrize(("alpha", "looks", "pocock"), [(0.01, 2, 2.772), (0.01, 4, 2.939), (0.10, 2, 1.875)])
def test_boundaries_at_other_levels(alpha, looks, pocock):
    """Jennison & Turnbull 2000, table 2.1."""
    assert group_sequential_boundaries("pocock", looks, alpha)[-1] == pytest.approx(pocock, abs=6e-4)


@pytest.mark.parametrize(("arms", "critical"), [(2, 2.21), (3, 2.35), (4, 2.44), (5, 2.51), (9, 2.69)])
def test_critical_values_for_several_arms_and_one_control(arms, critical):
    """Dunnett 1964, Biometrics 20, two-sided 5 %, equal arms, infinitely many degrees of freedom."""
    assert dunnett_critical(np.full(arms, np.sqrt(0.5))) == pytest.approx(critical, abs=6e-3)


@pytest.mark.parametrize(("arms", "critical"), [(2, 2.38), (3, 2.54)])
def test_critical_values_with_few_degrees_of_freedom(arms, critical):
    """Dunnett 1964, 20 degrees of freedom."""
    assert dunnett_critical(np.full(arms, np.sqrt(0.5)), df=20.0) == pytest.approx(critical, abs=6e-3)


def test_sizes_and_power_of_r():
    """R's power.t.test: n = 20, delta = 1 has power .8689528; delta = .5, sd = 2, power .8 needs 252.1281.

    R's power.prop.test: n = 50, .5 against .75 has power .7401659.
    """
    assert required_units(MetricPlan(0.0, 1.0), 1.0, power=0.8689528).control == pytest.approx(20.0, abs=1e-4)
    assert required_units(MetricPlan(0.0, 4.0), 0.5).control == pytest.approx(252.1281, abs=1e-3)
    assert required_units(proportion_plan(0.5), 0.25, power=0.7401659).control == pytest.approx(50.0, abs=1e-3)
    assert detectable_effect(MetricPlan(0.0, 1.0), 40.0, power=0.8689528) == pytest.approx(1.0, rel=1e-4)


def test_holm_steps_down():
    """Holm 1979, Scandinavian Journal of Statistics 6: of .01, .04, .03, .005 the first and the last are rejected."""
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
