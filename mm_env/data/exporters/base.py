"""The options of exporters."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ExportOptions:
    """Options of exporters; each uses those that its row in `mm_env.data.exporters.EXPORTERS` names.

    stem: name of a file without its ending, where the target is a folder
    lot: [units of size] in one unit of files whose sizes are whole
    latency_ms: [ms] from the venue to the observer
    """

    stem: str = "events"
    lot: float = 1.0
    latency_ms: float = 0.0
