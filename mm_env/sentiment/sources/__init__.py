"""Headlines as they come in: feeds and a keyed provider, polled into a file that `load_tape` reads. Extra `[news]`.

module   | what
-------- | ----
base     | what a source is, and a headline of one
rss      | RSS and Atom feeds
massive  | ticker news of Massive (formerly Polygon.io)
recorder | polls sources into a CSV or Parquet file

A source of your own is any object with `name` and `poll()`, as `HeadlineSource` says.
"""

from mm_env.sentiment.sources.base import HeadlineItem, HeadlineSource, SourceError
from mm_env.sentiment.sources.massive import MassiveSource
from mm_env.sentiment.sources.recorder import PollReport, RecordingError, record
from mm_env.sentiment.sources.rss import RssSource

__all__ = [
    "HeadlineItem",
    "HeadlineSource",
    "MassiveSource",
    "PollReport",
    "RecordingError",
    "RssSource",
    "SourceError",
    "record",
]
