"""Agents that are chat models behind an OpenAI-compatible service."""
