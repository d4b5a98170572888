"""Stage *decisions*: evidence in, decisions out, by rules that anyone can read. Knows nothing of Dagster."""
