"""Agents: the protocol, the catalogue of versions, how a version is opened, and what several adapters share."""
