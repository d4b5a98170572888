"""`eaas policy replay`: another decision policy over all past decisions."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import IntEnum
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from eaas_assets.contracts.decision_policy import DecisionPolicy
from eaas_assets.contracts.readings import read_document
from eaas_assets.decisions.approvals.policy import read_approval_policy
from eaas_assets.decisions.audit.log import AuditLog
from eaas_assets.decisions.audit.visible import inert
from eaas_assets.decisions.backtest import replay as replay_decisions
from eaas_assets.decisions.deciding import decision_rows
from eaas_assets.decisions.wording import usd
from eaas_assets.errors import EaasError
from eaas_assets.storage.files import write_atomically
from eaas_assets.storage.locations import Locations


class ExitCode(IntEnum):
    """How the command ends."""

    REPLAYED = 0
    NOT_POSSIBLE = 3


def replay(locations: Locations, policy_path: Path, output: Path | None = None) -> int:
    """Print what would differ; write every row as CSV where a file is named."""
    console, now = Console(), datetime.now(UTC)
    try:
        path = policy_path.absolute()
        policy, _ = read_document(DecisionPolicy, path.parent, path.name)
        log = AuditLog.at(locations)
        past = decision_rows(list(log.entries()), read_approval_policy(locations.data), now)
        rows = replay_decisions(past, policy, now)
    except EaasError as error:
        console.print(escape(str(error)), highlight=False)
        return ExitCode.NOT_POSSIBLE
    differing = [row for row in rows if row["differs"]]
    table = Table("subject", "decided", "was", "would be", "by rule", "worth a year")
    for row in differing:
        worth = "not known" if row["difference_usd"] is None else usd(row["difference_usd"])
        cells = row["subject_id"], f"{row['decided_at']:%Y-%m-%d}", row["old_decision"], row["new_decision"]
        table.add_row(*map(escape, (*cells, row["new_rule"], worth)))
    if differing:
        console.print(table)
    known = [row["difference_usd"] for row in differing if row["difference_usd"] is not None]
    worth = f"; where the later outcome is known ({len(known)}), {usd(sum(known))} a year" if known else ""
    console.print(f"{len(differing)} of {len(rows)} past decisions would differ{worth}.", highlight=False)
    if output is not None:
        frame = pd.DataFrame(rows).map(lambda value: inert(value) if isinstance(value, str) else value)
        write_atomically(output, frame.to_csv(index=False).encode())
    return ExitCode.REPLAYED
