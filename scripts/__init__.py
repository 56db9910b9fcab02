"""Wrappers of commands of `mm-env`; maintainers' tools stand in tools/."""
