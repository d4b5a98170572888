"""What the assets of this stage have in common."""

from typing import Any

import dagster as dg

from eaas_assets.contracts.agent import AgentVersion
from eaas_assets.contracts.identifiers import VersionKey
from eaas_assets.contracts.suite import Suite
from eaas_assets.contracts.tables import Table
from eaas_assets.defs.partitions import agent_versions_partitions
from eaas_assets.defs.tables import asset_options, table_options
from eaas_assets.defs.world import World

GROUP = "evaluation"


def options(contract: type[Table]) -> dict[str, Any]:
    """Keyword arguments of an asset that is one table."""
    return {"partitions_def": agent_versions_partitions, **asset_options(contract, GROUP)}


def out(contract: type[Table]) -> dg.AssetOut:
    """A table of an asset that makes several."""
    return dg.AssetOut(description=contract.__doc__, **table_options(contract, GROUP))


def version_of(world: World, partition_key: str) -> AgentVersion:
    """The agent version that a partition stands for."""
    return world.files.version(VersionKey.parse(partition_key)).version


def suite_of(world: World, partition_key: str) -> Suite:
    """The rules of the suite that it is evaluated with."""
    return world.files.suite_rules(version_of(world, partition_key).suite)
