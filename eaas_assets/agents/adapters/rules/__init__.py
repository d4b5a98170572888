"""Simulated agents that decide by declared rules."""
