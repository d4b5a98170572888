"""Agent versions as a table."""

from __future__ import annotations

import pandas as pd

from eaas_assets.agents.catalogue import AgentCatalogue
from eaas_assets.contracts.inputs import AgentVersions
from eaas_assets.contracts.tables import build


def agent_versions(catalogue: AgentCatalogue) -> pd.DataFrame:
    """Table `agent_versions`: one row per readable version, in the order in which they are evaluated."""
    return build(
        AgentVersions,
        [
            {
                "partition_key": str(key),
                "agent": key.agent,
                "version": key.version,
                "suite": entry.version.suite,
                "adapter": entry.version.adapter,
                "baseline": entry.version.baseline,
                "trials": entry.version.trials,
                "live": entry.version.live,
                "owner": entry.version.owner,
                "digest": entry.digest,
                "file": entry.file,
            }
            for key, entry in catalogue.versions.items()
        ],
    )
