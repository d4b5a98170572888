"""Bytes in and out: hostile user files in, ledgers, parts and tables out. What the bytes mean is decided elsewhere."""
