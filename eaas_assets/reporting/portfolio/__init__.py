"""The executives' page: what worked, what did not, why, what happens next, and what would change it."""
