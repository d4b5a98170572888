from __future__ import annotations

import pandas as pd
import pytest

from eaas_assets.contracts.documentation import STAGES, contracts_of
from eaas_assets.contracts.evaluation import EvaluationSummary, WorkflowHealth
from eaas_assets.contracts.history import ScenarioEvaluations
from eaas_assets.contracts.tables import Table, build, contract_problems
from eaas_assets.errors import StorageError

CONTRACTS = [contract for _, module in STAGES for contract in contracts_of(module)]


@pytest.mark.parametrize("contract", CONTRACTS)
def test_an_empty_table_has_every_column_with_its_type(contract: type[Table]) -> None:
    empty = build(contract, [])
    assert contract_problems(contract, empty) == []
    assert contract.validate(empty).dtypes.equals(empty.dtypes)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_table_and_column_is_documented(contract: type[Table]) -> None:
    assert contract.__doc__
    assert all(column.description for column in contract.to_schema().columns.values())


def test_types_do_not_depend_on_the_values() -> None:
    unknown = build(ScenarioEvaluations, [{"run_id": "a", "trial": 1, "passed": None, "confidence": None}])
    known = build(ScenarioEvaluations, [{"run_id": "a", "trial": 1, "passed": True, "confidence": 0.5}])
    assert unknown.dtypes.equals(known.dtypes)


def test_every_broken_value_is_told_with_its_row_and_column() -> None:
    row = {"run_id": "r", "stage": "score", "status": "ok", "units": 1, "failures": 0, "statement": "fine"}
    table = build(WorkflowHealth, [row, row | {"status": "wonderful"}, row | {"units": -1}])
    problems = {(problem.row, problem.field, problem.found) for problem in contract_problems(WorkflowHealth, table)}
    assert problems == {(2, "status", "'wonderful'"), (3, "units", "-1")}


def test_a_column_too_many_or_too_few_breaks_the_contract() -> None:
    table = build(WorkflowHealth, [])
    assert contract_problems(WorkflowHealth, table.assign(extra=1))
    assert contract_problems(WorkflowHealth, table.drop(columns="stage"))


def test_a_value_that_cannot_have_its_type_is_an_error_of_the_stage() -> None:
    with pytest.raises(StorageError, match="EvaluationSummary"):
        build(EvaluationSummary, pd.DataFrame({"total_scenarios": ["many"]}))
