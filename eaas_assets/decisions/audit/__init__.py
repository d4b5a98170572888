"""The audit log: what was decided, approved, refused and run, in a file that shows whether it was touched."""
