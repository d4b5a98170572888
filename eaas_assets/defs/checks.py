"""The factories of asset checks: table contracts, which block, and policy gates, which are as loud as a policy says.

A blocking check stops what follows in the same Dagster run only; runs that start later do not look at it.
"""

from collections.abc import Sequence
from typing import Any

import dagster as dg
import pandas as pd

from eaas_assets.contracts.tables import Table, contract_problems
from eaas_assets.defs.tables import table_preview

SHOWN_FAILURES = 20


def contract_check(
    asset: str, contract: type[Table], partitions_def: dg.PartitionsDefinition | None = None
) -> dg.AssetChecksDefinition:
    """A blocking check that a stored table meets its contract.

    The check has the partitions of its asset (a preview argument in Dagster 1.13): without them it would load every
    partition there is.
    """

    @dg.asset_check(
        asset=asset,
        name="meets_contract",
        blocking=True,
        partitions_def=partitions_def,
        description=f"Every row of `{asset}` meets the pandera contract `{contract.__name__}`.",
        additional_ins={},
    )
    def check(table: pd.DataFrame) -> dg.AssetCheckResult:
        return contract_result(table, contract)

    return check


def contract_result(table: pd.DataFrame, contract: type[Table]) -> dg.AssetCheckResult:
    """Passed, or failed with the first failing rows as a table."""
    problems = contract_problems(contract, table)
    if not problems:
        return dg.AssetCheckResult(passed=True, metadata={"rows": len(table)})
    failures = pd.DataFrame([problem.as_row() for problem in problems])
    return dg.AssetCheckResult(
        passed=False,
        metadata={"failures": len(problems), "failing_rows": table_preview(failures, SHOWN_FAILURES)},
    )


def gate_result(reasons: Sequence[str], severity: str, passed_because: str, **metadata: Any) -> dg.AssetCheckResult:
    """A policy gate: red with its reasons in plain sentences, or green with what was looked at."""
    text = "\n".join(f"* {reason}" for reason in reasons) if reasons else passed_because
    return dg.AssetCheckResult(
        passed=not reasons,
        severity=dg.AssetCheckSeverity.ERROR if severity == "error" else dg.AssetCheckSeverity.WARN,
        description="; ".join(reasons)[:500] if reasons else passed_because,
        metadata={"reasons": len(reasons), "explanation": dg.MetadataValue.md(text), **metadata},
    )
