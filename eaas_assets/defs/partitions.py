"""The one dynamic dimension: agent versions, as ``agent@version``. Versions are added and never taken away."""

import dagster as dg

PARTITIONS_NAME = "agent_versions"

agent_versions_partitions = dg.DynamicPartitionsDefinition(name=PARTITIONS_NAME)
