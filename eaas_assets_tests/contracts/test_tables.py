from __future__ import annotations

import pandas as pd
import pytest

from eaas_assets.contracts.documentation import STAGES, contracts_of
from eaas_assets.contracts.evaluation import EvaluationSummary, WorkflowHealth
from eaas_assets.contracts.history import ScenarioEvaluations
from eaas_assets.contracts.tables import Boolean, Integer, Table, build, column, contract_problems, optional
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


class Odd(Table):
    """A table with every kind of promise."""

    name: str = column("Unique.", unique=True)
    kind: str = column("One of two.", isin=["a", "b"])
    share: float = optional("Between 0 and 1.", ge=0, le=1)
    count: Integer = column("Whole.", gt=0, lt=10)
    known: Boolean = optional("Known or not.")


GOOD = pd.DataFrame(
    {"name": ["x", "y"], "kind": ["a", "b"], "share": [0.5, None], "count": [1, 9], "known": [True, None]}
)


@pytest.mark.parametrize(
    "change",
    [
        {"name": ["x", "x"]},
        {"name": ["x", None]},
        {"kind": ["a", "c"]},
        {"kind": ["a", None]},
        {"share": [0.5, 1.5]},
        {"share": [-0.5, None]},
        {"share": ["much", "more"]},
        {"count": [0, 1]},
        {"count": [1, 10]},
        {"count": [1, None]},
        {"known": ["perhaps", "not"]},
    ],
    ids=str,
)
def test_every_broken_promise_is_found(change: dict[str, list[object]]) -> None:
    assert contract_problems(Odd, build(Odd, GOOD)) == []
    broken = build(Odd, GOOD)
    for name, values in change.items():
        broken[name] = values
    assert contract_problems(Odd, broken)


def test_a_good_table_of_other_types_is_read_as_pandera_reads_it() -> None:
    assert contract_problems(Odd, GOOD) == []
    assert contract_problems(Odd, build(Odd, GOOD)[list(reversed(GOOD.columns))]) == []
