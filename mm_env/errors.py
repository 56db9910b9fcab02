"""Mistakes that a user is told of in one message, beside those of market files and of tapes."""

from __future__ import annotations


class UsageError(ValueError):
    """A command line that cannot be carried out; the message names the option, its value and what is allowed."""


class RunError(ValueError):
    """A run folder that cannot be written or read; the message names the path."""
