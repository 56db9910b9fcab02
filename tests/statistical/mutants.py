"""Kernels of the classic market with a bug planted: the sources, with one line replaced, compiled as another package."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

from mm_env.sim import closed_forms
from mm_env.sim.classic import step as classic
from mm_env.sim.compiling import OPTIONS
from mm_env.sim.pipeline import EntryPoint

if TYPE_CHECKING:
    from collections.abc import Iterator

MODULES = {
    f"classic.{name}": Path(classic.__file__).with_name(f"{name}.py") for name in ("step", "flow", "quoting", "state")
} | {"closed_forms": Path(closed_forms.__file__)}


def uncached(function: Any) -> Any:
    """An entry point whose machine code is not kept."""
    return EntryPoint(function, OPTIONS | {"nogil": True}, cached=False)


@contextmanager
def planted(folder: Path, module: str, line: str, bug: str) -> Iterator[None]:
    """Within it every classic environment runs kernels in which `line` of `module`, which stands there once, is `bug`."""
    sources = {name: path.read_text(encoding="utf-8") for name, path in MODULES.items()}
    assert sources[module].count(line) == 1, f"{line!r} stands {sources[module].count(line)} times in {module}"
    sources[module] = sources[module].replace(line, bug)
    package = f"mutant_{abs(hash((module, line, bug)))}"
    home = folder / package
    (home / "classic").mkdir(parents=True)
    for inside in (home, home / "classic"):
        (inside / "__init__.py").touch()
    for name, text in sources.items():
        for other in MODULES:
            text = text.replace(f"from mm_env.sim.{other} import", f"from {package}.{other} import")
        text = text.replace("import entry_point, kernel", "import kernel\nfrom tests.statistical.mutants import uncached")
        home.joinpath(*name.split(".")).with_suffix(".py").write_text(
            text.replace("@entry_point", "@uncached"), encoding="utf-8"
        )
    sys.path.insert(0, str(folder))
    try:
        mutant = importlib.import_module(f"{package}.classic.step")
        with mock.patch("mm_env.sim.classic.batch.step_range", mutant.step_range):
            yield
    finally:
        sys.path.remove(str(folder))
