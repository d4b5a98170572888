"""Stage *decisions*, beside the way: every past decision anew under a changed policy, from the Launchpad."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import dagster as dg
import pandas as pd
from pydantic import Field

from eaas_assets.contracts.decision_policy import DecisionPolicy
from eaas_assets.contracts.decisions import PolicyBacktest
from eaas_assets.contracts.readings import read_document
from eaas_assets.decisions.backtest import replay
from eaas_assets.decisions.facts.values import records
from eaas_assets.defs.tables import asset_options, table_result
from eaas_assets.defs.world import World, policy_file


class OtherPolicy(dg.Config):
    """Which policy is tried."""

    policy_file: str = Field(
        default=policy_file("decisions"), description="A decision policy, as a path below the data folder"
    )


@dg.asset(**asset_options(PolicyBacktest, "decisions"))
def policy_backtest(config: OtherPolicy, world: World, decisions: pd.DataFrame) -> Iterator[dg.MaterializeResult[Any]]:
    """What another policy would have decided on all past evidence, and what that would have been worth.

    Nothing is decided by it. The policy is a file below the data folder; name it in the Launchpad.
    """
    policy, _ = read_document(DecisionPolicy, world.locations.data, config.policy_file)
    rows = replay(records(decisions), policy, datetime.now(UTC))
    differing = [row for row in rows if row["differs"]]
    known = [row["difference_usd"] for row in differing if row["difference_usd"] is not None]
    yield table_result(
        PolicyBacktest,
        sorted(rows, key=lambda row: not row["differs"]),
        preview=[
            "subject_id",
            "phase",
            "old_decision",
            "new_decision",
            "new_rule",
            "differs",
            "difference_usd",
            "reason",
        ],
        metadata={
            "replayed": len(rows),
            "would differ": len(differing),
            **({"known difference (USD)": float(sum(known))} if known else {}),
        },
    )
