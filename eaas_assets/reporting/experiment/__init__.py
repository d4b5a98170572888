"""The page of one experiment: what is decided, why, and what would change it."""
