"""A finding in a language model's words, shown only where every number and word of it can be answered for."""
