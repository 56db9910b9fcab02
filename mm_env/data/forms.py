"""The check, for readers and exporters, that the chosen form uses the options that were set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Protocol

from mm_env.errors import UsageError


class Form(Protocol):
    """A row of a table of readers or exporters: a form of files, and the options that it uses."""

    @property
    def name(self) -> str:
        """Name of the form."""
        ...

    @property
    def options(self) -> tuple[str, ...]:
        """Fields of the options that it uses."""
        ...


def check_options(options: Any, form: Form, forms: Mapping[str, Form]) -> None:
    """Raise UsageError for an option that is set although `form` does not use it.

    options: a dataclass whose fields have defaults; forms: all rows of the table
    """
    defaults = type(options)()
    for field in fields(options):
        value = getattr(options, field.name)
        if field.name not in form.options and value != getattr(defaults, field.name):
            users = " or ".join(row.name for row in forms.values() if field.name in row.options)
            raise UsageError(f"{field.name} {value!r}: the form {form.name} has no such option; only with {users}")
