"""The record of a run: what a step, a fill and a headline leave behind, and the folder that holds it.

module   | what
-------- | ----
tables   | the columns of steps, fills and headlines, each with its unit
recorder | from a running environment to the tables
folder   | the run folder: written at the end or on an interrupt, and read back
baseline | the run of a policy, its statistics and its folder
book_events | a simulated market as events, order by order
queues   | which orders stand behind the lots of a book
"""

from mm_env.errors import RunError
from mm_env.runs.folder import Run, RunFolder, read_run
from mm_env.runs.recorder import Recorder

__all__ = ["Recorder", "Run", "RunError", "RunFolder", "read_run"]
