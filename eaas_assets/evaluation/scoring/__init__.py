"""Executed evaluations under a policy: what the answers are worth. Nothing is executed here."""
