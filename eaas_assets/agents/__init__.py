"""The agent protocol and its adapters, one file each."""
