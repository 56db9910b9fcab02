"""Logging of all commands: level, file and format, set once from `--log-level`, `--log-file` and `--log-config`.

The formats are files for `logging.config.dictConfig`; the presets `plain` and `json` stand in configs/logging/.
"""

from __future__ import annotations

import contextlib
import json
import logging
import logging.config
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from mm_env.errors import UsageError, check_choice

LEVELS = ("debug", "info", "warning", "error")
DEFAULT_CONFIG = "plain"


class StderrHandler(logging.StreamHandler[TextIO]):
    """Writes to whatever `sys.stderr` is at that moment, so that lines appear above a progress bar."""

    def __init__(self) -> None:
        """Hold no stream."""
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard error."""
        return sys.stderr


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time in UTC, level, logger, message; the traceback where an exception is logged."""
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class AppendingHandler(logging.FileHandler):
    """Appends lines to a file; where that fails, as on a full disk, one warning says so and the command goes on."""

    _failed = False

    def handleError(self, record: logging.LogRecord) -> None:
        """Warn of a line that cannot be written; leave a mistake in a call of the logger to logging."""
        error = sys.exc_info()[1]
        if isinstance(error, OSError):
            self._warn(error)
        else:
            super().handleError(record)

    def close(self) -> None:
        """Close the file."""
        try:
            super().close()
        except OSError as error:
            self._warn(error)

    def _warn(self, error: OSError) -> None:
        if not self._failed:
            self._failed = True
            print(f"--log-file {self.baseFilename}: cannot be written: {error.strerror}; it lacks lines", file=sys.stderr)


@contextlib.contextmanager
def logging_of(level: str | None, file: Path | None, config: str | None) -> Iterator[None]:
    """Set up logging, and restore what was there before afterwards.

    level: least level that is logged, in place of the configuration's; file: receives all lines too, at its end;
    config: preset, or YAML file for `logging.config.dictConfig`. Raises `UsageError`.
    """
    content = _read(config or DEFAULT_CONFIG)
    if level is not None:
        check_choice("--log-level", level.lower(), LEVELS)
        content = _with_level(content, level.upper())
    if file is not None:
        if content.get("incremental"):
            raise UsageError(f"--log-config {config}: incremental: expected false beside --log-file, which adds a handler")
        content = _with_file(content, file)
    root, ours = logging.getLogger(), logging.getLogger("mm_env")
    handlers, levels = list(root.handlers), (root.level, ours.level)
    try:
        _apply(content, config or DEFAULT_CONFIG)
        new = list(root.handlers)
        for handler in handlers:  # those of a program that runs a command inside itself
            root.addHandler(handler)
        try:
            yield
        finally:
            for handler in new:
                root.removeHandler(handler)
                with contextlib.suppress(OSError):  # logging has reported the lines that could not be written
                    handler.close()
    finally:
        root.handlers[:] = handlers
        root.setLevel(levels[0])
        ours.setLevel(levels[1])


def _read(config: str) -> dict[str, Any]:
    """Content of a preset or a file, as `dictConfig` takes it."""
    import yaml

    from mm_env.config.io import preset_folder

    presets = preset_folder("logging")
    names = sorted(path.stem for path in presets.glob("*.yaml"))
    try:
        path = presets / f"{config}.yaml" if config in names else Path(config).expanduser()
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except RecursionError as error:
        raise UsageError(f"--log-config {config}: malformed YAML: nested too deeply") from error
    except RuntimeError as error:  # of the home of an unknown user
        raise UsageError(f"--log-config {config}: {error}") from error
    except OSError as error:
        raise UsageError(
            f"--log-config {config}: {error.strerror}; expected a preset ({', '.join(names)}) or a YAML file"
        ) from error
    except (yaml.YAMLError, ValueError, LookupError) as error:  # the last two of `2020-13-45` and `!!bool x`
        raise UsageError(f"--log-config {config}: malformed YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise UsageError(f"--log-config {config}: expected a mapping, as logging.config.dictConfig takes it")
    content = {"disable_existing_loggers": False} | {key: value for key, value in content.items() if value is not None}
    _check_shape(content, config)
    return content


def _check_shape(content: dict[str, Any], config: str) -> None:
    """Raise `UsageError` for parts that `--log-level` and `--log-file` cannot add to; dictConfig checks what is in them."""
    loggers, root = content.get("loggers", {}), content.get("root", {})
    ours = loggers.get("mm_env") if isinstance(loggers, dict) else None
    parts = {key: content.get(key, {}) for key in ("formatters", "filters", "handlers", "loggers", "root")}
    for key, value in {**parts, "loggers.mm_env": ours or {}}.items():
        if not isinstance(value, dict):
            raise UsageError(f"--log-config {config}: {key}: value {value!r}: expected a mapping")
    if not isinstance(root.get("handlers") or [], list):
        raise UsageError(f"--log-config {config}: root.handlers: value {root['handlers']!r}: expected a list of names")


def _with_level(content: dict[str, Any], level: str) -> dict[str, Any]:
    loggers = content.get("loggers") or {}
    return {**content, "loggers": {**loggers, "mm_env": {**(loggers.get("mm_env") or {}), "level": level}}}


def _with_file(content: dict[str, Any], file: Path) -> dict[str, Any]:
    """The configuration with a handler that appends to a file; its lines take the formatter `file`, where there is one."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("a", encoding="utf-8"):
            pass
    except OSError as error:
        raise UsageError(f"--log-file {file}: cannot be written: {error.strerror}; expected a file, new or old") from error
    handler = {"()": AppendingHandler, "filename": str(file), "encoding": "utf-8"}
    if "file" in (content.get("formatters") or {}):
        handler["formatter"] = "file"
    root = content.get("root") or {}
    return {
        **content,
        "handlers": {**(content.get("handlers") or {}), "log_file": handler},
        "root": {**root, "handlers": [*(root.get("handlers") or []), "log_file"]},
    }


def _apply(content: dict[str, Any], config: str) -> None:
    try:
        logging.config.dictConfig(content)
    except (ValueError, TypeError, AttributeError, ImportError, LookupError, OSError, RecursionError) as error:
        reason = f"{error}: {error.__cause__}" if error.__cause__ else str(error)
        raise UsageError(f"--log-config {config}: logging.config.dictConfig refuses it: {reason}") from error
