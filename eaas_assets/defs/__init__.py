"""The Dagster shell: one module a stage, and the only place that knows Dagster."""
