"""Stage *experiments*: read, check, watch and estimate controlled changes. Knows nothing of Dagster."""
