"""Progress without a terminal: a line now and then, with a pace that leaves out what came before the first step."""

import logging

from mm_env.cli import progress


def test_lines_say_how_much_is_left(monkeypatch, caplog):
    clock = iter([0.0, 400.0, 410.0, 431.0, 440.0])  # begun, then each report
    monkeypatch.setattr(progress, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO, "mm_env"), progress.progress_of("env steps", 1000) as advance:
        for _ in range(4):
            advance(100)
    assert [record.getMessage() for record in caplog.records] == ["env steps: 300 of 1,000, about 108 s left"]
