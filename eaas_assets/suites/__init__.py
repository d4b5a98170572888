"""Test suites: reading them from whatever a user wrote, and doubting them before any number rests on them."""
