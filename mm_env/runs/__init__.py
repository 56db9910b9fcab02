"""Runs: the tables of recorded episodes, the folder that holds them, and the baseline run.

module   | what
-------- | ----
tables   | the columns of steps, fills and headlines, each with its unit
recorder | a watcher that writes the tables
folder   | the run folder: written at the end or on an interrupt, and read back
baseline | the run of a policy, its statistics and its folder
book_events | a simulated market as events, order by order
queues   | the orders that stand behind the lots of a book
"""

from mm_env.errors import RunError
from mm_env.runs.folder import Run, RunFolder, read_run
from mm_env.runs.recorder import Recorder

__all__ = ["Recorder", "Run", "RunError", "RunFolder", "read_run"]
