"""A module that cannot be imported."""

raise SystemExit("this module ends the program")
