"""Observations of an experiment: files in, sufficient statistics out; no row of millions passes through pandas."""
