"""Every design has its rows: a sound one passes everything, and the same evidence gives the same rows."""

from eaas_assets.contracts.experiments import DesignValidation
from eaas_assets.contracts.tables import build, contract_problems
from eaas_assets_tests.experiments.design.asking import concluded, grade_of, judge, units


def test_rows_keep_the_contract():
    for rows in (judge(), concluded(), judge(units(), status="running")):
        assert contract_problems(DesignValidation, build(DesignValidation, rows)) == []
        assert len({row["check"] for row in rows}) == len(rows)


def test_a_sound_proposal_is_an_a_on_its_plan_alone():
    rows = judge()
    assert {row["outcome"] for row in rows} == {"passed"}
    assert grade_of(rows) == "A"


def test_a_sound_experiment_is_an_a():
    rows = concluded()
    assert [row["check"] for row in rows if row["outcome"] != "passed"] == []
    assert grade_of(rows) == "A"


def test_the_same_evidence_gives_the_same_rows():
    assert concluded() == concluded()
