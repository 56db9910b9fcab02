"""The command `mm-env`: each command parses its options, calls the package, and prints.

app      | the group, which imports a command's module when that command runs
commands | table of the commands: name, function, panel, one line of help
options  | options that commands share
logs     | logging of all commands
progress | a bar on a terminal, lines elsewhere

Every other module is one command or a few of a kind.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit. arguments: its name and options; those of this process if None."""
    from mm_env.cli.app import app

    app(args=None if arguments is None else list(arguments), prog_name="mm-env")
