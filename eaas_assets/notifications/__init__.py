"""Telling people that something was decided, needs their approval, or went red; never in the way of the work."""
