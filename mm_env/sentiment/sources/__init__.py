"""Live headlines from feeds and a provider with a key, polled into a file that `load_tape` reads. Extra `[news]`.

module   | what
-------- | ----
base     | the protocol of a source, and a headline of one
rss      | RSS and Atom feeds
massive  | ticker news of Massive (formerly Polygon.io)
recorder | polls sources into a CSV or Parquet file

A source of your own is any object that fulfils `HeadlineSource`: `name` and `poll()`.
"""

from mm_env.errors import RecordingError
from mm_env.sentiment.sources.base import HeadlineItem, HeadlineSource
from mm_env.sentiment.sources.massive import MassiveSource
from mm_env.sentiment.sources.recorder import PollReport, record_headlines
from mm_env.sentiment.sources.rss import RssSource

__all__ = [
    "HeadlineItem",
    "HeadlineSource",
    "MassiveSource",
    "PollReport",
    "RecordingError",
    "RssSource",
    "record_headlines",
]
