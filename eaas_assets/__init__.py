"""Evaluation as a service for AI agents, and a decision discipline for experiments, as Dagster assets."""
