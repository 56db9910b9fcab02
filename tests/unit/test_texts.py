"""What installed code says names commands that exist after `pip install`."""

import re
from pathlib import Path

import mm_env
from mm_env.cli.commands import COMMANDS

PACKAGE = Path(mm_env.__file__).parent
OF_A_CHECKOUT = re.compile(r"scripts/\w|pip install -e|-c constraints|make (train|baseline|dashboard)\b|python \w+\.py")


def texts():
    files = [*PACKAGE.rglob("*.py"), *(PACKAGE.parent / "configs").rglob("*.yaml")]
    return {path: path.read_text(encoding="utf-8") for path in files}


def test_no_text_names_what_only_a_checkout_has():
    found = [f"{path}: {match[0]}" for path, text in texts().items() for match in OF_A_CHECKOUT.finditer(text)]
    assert found == []


def test_every_command_that_a_text_names_exists():
    named = re.compile(r"\bmm-env ([a-z][a-z-]+)")
    unknown = {(path.name, name) for path, text in texts().items() for name in named.findall(text) if name not in COMMANDS}
    assert unknown == set()
