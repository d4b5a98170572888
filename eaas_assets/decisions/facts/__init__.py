"""Facts for decision rules, from evidence tables alone. What each fact means stands in ``contracts.facts``."""
