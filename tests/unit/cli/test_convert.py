"""The command that converts market data recognises the form of a file, and refuses what it cannot use."""

import json

from typer.testing import CliRunner

from mm_env.cli.app import single
from mm_env.data.events import about_events, all_events
from mm_env.data.readers import READERS
from tests.unit.data.files import NAMES, TRADES, binance_file, lobster_zip

APP = single("convert")


def run(*arguments):
    return CliRunner().invoke(APP, [str(argument) for argument in arguments])


def test_the_command_finds_the_form_by_the_name(tmp_path):
    out = tmp_path / "new" / "events.parquet"
    for source in (lobster_zip(tmp_path), binance_file(tmp_path)):
        result = run(source, "--out", out, "--json", tmp_path / "counts.json")
        assert result.exit_code == 0, result.output
        assert "0 malformed" in result.output
        assert json.loads((tmp_path / "counts.json").read_text())["events"] == len(all_events(out))
    trades = tmp_path / "t.csv"
    trades.write_text(TRADES)
    columns = [part for ours, theirs in NAMES.items() for part in ("--column", f"{ours}={theirs}")]
    result = run(trades, "--out", out, *columns, "--time-unit", "ms", "--symbol", "XYZ")
    assert result.exit_code == 0, result.output
    assert about_events(out).symbol == "XYZ"


def test_the_command_refuses_and_writes_nothing(tmp_path):
    trades = tmp_path / "t.csv"
    trades.write_text("time,price,size\nx,1,1\n")
    out = tmp_path / "events.parquet"
    for arguments, message in (
        ((trades,), "no event could be read"),
        ((trades, "--form", "xml"), f"form 'xml': expected one of {', '.join(map(repr, READERS))}"),
        ((trades, "--column", "price"), "--column 'price': expected OURS=THEIRS"),
        ((lobster_zip(tmp_path), "--symbol", "A"), "symbol 'A': the form lobster has no such option; only with tables"),
        ((lobster_zip(tmp_path), "--coarse-tick", 1), "only with binance"),
        ((trades, "--coarse-tick", 1), "only with binance"),
        (
            (lobster_zip(tmp_path), "--venue", "A"),
            "venue 'A': the form lobster has no such option; only with tables or binance",
        ),
        ((tmp_path / "none.zip",), "there is no such file"),
    ):
        result = run(*arguments, "--out", out)
        assert result.exit_code == 2, result.output
        assert message in " ".join(result.output.split())
        assert not out.exists()
