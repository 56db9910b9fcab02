"""Logging of commands: level, file, format, and what it leaves behind."""

import json
import logging
import sys

import pytest
from typer.testing import CliRunner

from mm_env.cli.app import program
from mm_env.cli.logs import StderrHandler

logger = logging.getLogger("mm_env.tests.cli")


def speak() -> None:
    logger.debug("low %d", 1)
    logger.info("usual %d", 2)
    logging.getLogger("elsewhere").info("of another package")
    try:
        raise ValueError("oops")
    except ValueError:
        logger.exception("high")


def run(*arguments):
    return CliRunner().invoke(program("speak", speak), [str(argument) for argument in arguments])


def test_lines_are_plain_and_from_info_on():
    said = run().stderr
    assert said.startswith("usual 2\nhigh\nTraceback") and "low" not in said and "another" not in said


def test_the_level_is_the_least_that_is_logged():
    assert run("--log-level", "debug").stderr.startswith("low 1\nusual 2\n")
    assert run("--log-level", "ERROR").stderr.startswith("high\n")


def test_json_lines_hold_time_level_logger_and_message():
    lines = [json.loads(line) for line in run("--log-config", "json").stderr.splitlines()]
    assert [(line["level"], line["logger"], line["message"]) for line in lines] == [
        ("info", "mm_env.tests.cli", "usual 2"), ("error", "mm_env.tests.cli", "high"),
    ]  # fmt: skip
    assert (
        lines[0]["time"].endswith("+00:00") and "ValueError: oops" in lines[1]["exception"] and "exception" not in lines[0]
    )


def test_a_file_receives_the_lines_too_at_its_end(tmp_path):
    file = tmp_path / "sub" / "log.txt"
    for _ in range(2):
        assert run("--log-file", file).stderr.startswith("usual 2\n")
    lines = [line for line in file.read_text().splitlines() if "usual" in line]
    assert len(lines) == 2 and all(line.endswith(" INFO mm_env.tests.cli: usual 2") for line in lines)
    run("--log-file", tmp_path / "j", "--log-config", "json")
    assert json.loads((tmp_path / "j").read_text().splitlines()[0])["message"] == "usual 2"


def test_a_file_of_ones_own_is_read_as_dictconfig_does(tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text(
        "version: 1\nformatters: {f: {format: 'own %(message)s'}}\n"
        "handlers: {h: {class: logging.FileHandler, filename: " + str(tmp_path / "own.log") + ", formatter: f}}\n"
        "root: {level: DEBUG, handlers: [h]}\n"
    )
    assert run("--log-config", own).exit_code == 0
    assert "own low 1" in (tmp_path / "own.log").read_text()


@pytest.mark.parametrize(
    "arguments, said",
    [
        (
            ["--log-level", "inof"],
            "--log-level 'inof': expected one of 'debug', 'info', 'warning', 'error'; nearest: 'info'",
        ),
        (["--log-config", "jsno"], "--log-config jsno: No such file or directory; expected a preset (json, plain)"),
        (["--log-config", "LIST"], "expected a mapping, as logging.config.dictConfig takes it"),
        (["--log-config", "TABS"], "malformed YAML"),
        (["--log-config", "BAD"], "logging.config.dictConfig refuses it: Unable to configure handler 'x'"),
        (["--log-config", "DATE"], "--log-config DATE: malformed YAML: month must be in 1..12"),
        (["--log-config", "DEEP"], "--log-config DEEP: malformed YAML: nested too deeply"),
        (["--log-config", "~nosuchuser/x"], "--log-config ~nosuchuser/x: Could not determine home directory"),
        (["--log-config", "LOGGERS"], "--log-config LOGGERS: loggers: value 5: expected a mapping"),
        (["--log-config", "OURS", "--log-level", "info"], "--log-config OURS: loggers.mm_env: value 5: expected a mapping"),
        (
            ["--log-config", "HANDLERS", "--log-file", "x"],
            "--log-config HANDLERS: handlers: value ['a']: expected a mapping",
        ),
        (
            ["--log-config", "FORMATTERS", "--log-file", "x"],
            "--log-config FORMATTERS: formatters: value 5: expected a mapping",
        ),
        (["--log-config", "ROOT", "--log-file", "x"], "--log-config ROOT: root.handlers: value 5: expected a list of names"),
        (
            ["--log-config", "INCREMENTAL", "--log-file", "x"],
            "--log-config INCREMENTAL: incremental: expected false beside --log-file, which adds a handler",
        ),
        (["--log-file", "."], "--log-file .: cannot be written: Is a directory"),
    ],
)
def test_a_mistake_is_one_line_and_exit_status_2(arguments, said, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "LIST").write_text("[1]")
    (tmp_path / "TABS").write_text("a: [")
    for name, text in {
        "DATE": "date: 2020-13-45",
        "DEEP": "[" * 5000,
        "LOGGERS": "loggers: 5",
        "OURS": "loggers: {mm_env: 5}",
        "HANDLERS": "handlers: [a]",
        "FORMATTERS": "formatters: 5",
        "ROOT": "root: {handlers: 5}",
        "INCREMENTAL": "incremental: true",
    }.items():
        (tmp_path / name).write_text(f"version: 1\n{text}\n" if ":" in text else text)
    (tmp_path / "BAD").write_text("version: 1\nhandlers: {x: {class: no.Such}}\nroot: {handlers: [x]}\n")
    result = run(*arguments)
    assert result.exit_code == 2 and said in result.stderr and result.stderr.count("\n") == 1


def test_what_was_there_before_is_restored():
    root, ours = logging.getLogger(), logging.getLogger("mm_env")
    before = list(root.handlers), root.level, ours.level
    run("--log-level", "debug")
    assert (list(root.handlers), root.level, ours.level) == before
    assert not any(isinstance(handler, StderrHandler) for handler in root.handlers)


def test_handlers_of_a_program_that_runs_a_command_stay(caplog):
    run()
    assert "usual 2" in caplog.text


@pytest.mark.skipif(sys.platform != "linux", reason="writes to a device of Linux")
def test_a_full_disk_is_one_warning(tmp_path):
    result = run("--log-file", "/dev/full")
    assert result.exit_code == 0 and "Logging error" not in result.stderr
    assert result.stderr.count("--log-file /dev/full: cannot be written: No space left on device; it lacks lines\n") == 1
    own = tmp_path / "own.yaml"
    own.write_text(
        "version: 1\nhandlers: {h: {class: logging.FileHandler, filename: /dev/full}}\nroot: {level: INFO, handlers: [h]}\n"
    )
    assert run("--log-config", own).exit_code == 0
