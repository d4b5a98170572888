"""Agents behind an HTTP address, and the guarded way to the network that others use too."""
