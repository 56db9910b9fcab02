"""Exporters: `mm_env.data.events` written for other software.

module      | what
----------- | ----
base        | the options of exporters
lobster     | LOBSTER's pair of files
hftbacktest | hftbacktest's array

An exporter is a module with a function `export(events, about, target, options) -> paths`, and a row in `EXPORTERS`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from mm_env.data.events import About, Events
from mm_env.data.exporters.base import ExportOptions
from mm_env.data.exporters.hftbacktest import export_hftbacktest
from mm_env.data.exporters.lobster import export_lobster
from mm_env.data.forms import check_options
from mm_env.errors import check_choice

__all__ = ["EXPORTERS", "ExportOptions", "Exporter", "export_events"]


class Exporter(NamedTuple):
    """A form of files.

    export: writes the events into a folder, or a file where the form is one file; returns the paths
    options: fields of `ExportOptions` that it uses
    """

    name: str
    export: Callable[[Iterable[Events], About, Path, ExportOptions], list[Path]]
    options: tuple[str, ...] = ()


EXPORTERS = {
    row.name: row
    for row in (
        Exporter("lobster", export_lobster, ("stem", "lot")),
        Exporter("hftbacktest", export_hftbacktest, ("stem", "latency_ms")),
    )
}
"""Exporters by name."""


def export_events(
    events: Iterable[Events], about: About, target: Path, form: str, options: ExportOptions | None = None
) -> list[Path]:
    """Write events in a form of `EXPORTERS`, whole or not at all; return the paths.

    Raises DataError for events that the form cannot hold, UsageError for an unknown form and an option that it does not use.
    """
    check_choice("form", form, EXPORTERS)
    options = options or ExportOptions()
    check_options(options, EXPORTERS[form], EXPORTERS)
    return EXPORTERS[form].export(events, about, target, options)
