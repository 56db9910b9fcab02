"""The command that records prices, from a provider on loopback to what mm-env describe prints about the file."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("ccxt")
pytest.importorskip("massive")
pytest.importorskip("yfinance")


from mm_env import network
from mm_env.cli.app import single
from mm_env.data.events import about_events, all_events
from tests.unit.price_server import KEY, SECOND, Binance, Massive, Yahoo, utc

RECORD, DESCRIBE = single("record-prices"), single("describe")
ROOT = Path(__file__).parents[3]


def record(*arguments):
    return CliRunner().invoke(RECORD, [str(argument) for argument in arguments])


@pytest.fixture(autouse=True)
def hurried(apart, monkeypatch):
    """Busy servers are asked again at once."""
    monkeypatch.setattr(network, "RetryPolicy", partial(network.RetryPolicy, backoff_seconds=0.0))


def days(prices):
    return [
        (utc(2024, 1, 2 + k, 14, 30), price, price + 1.0, price - 1.0, price + 0.5, price + 0.5, 100)
        for k, price in enumerate(prices)
    ]


CHARTS = {"AAPL": days([100.0, 102.0, 101.0, 104.0, 103.0, 107.0]), "^GSPC": days([50.0, 51.5, 50.0, 52.5, 51.0, 55.0])}


def test_bars_are_recorded_described_and_gone_on_with(serve, tmp_path, caplog):
    server = serve(Yahoo(CHARTS))
    common = (
        "--source",
        "yfinance",
        "--symbols",
        "AAPL,^GSPC",
        "--base-url",
        server.url,
        "--out",
        tmp_path / "new" / "prices",
    )
    result = record(*common, "--start", "2024-01-01", "--end", "2024-01-06", "--json", tmp_path / "a.json")
    assert result.exit_code == 0, result.output
    files = [tmp_path / "new" / "prices" / name for name in ("aapl_1d.parquet", "gspc_1d.parquet")]
    assert f"{files[0]}: AAPL at NMS, 4 bars from 2024-01-03T05:00:00+00:00 to" in result.output
    assert "4 new, adjusted for splits, 0 malformed" in result.output
    result = record(*common, "--start", "2024-01-01", "--end", "2024-02-01", "--json", tmp_path / "b.json")
    told = json.loads((tmp_path / "b.json").read_text())
    assert [(one["symbol"], one["rows"], one["new"], one["repeated"]) for one in told["files"]] == [
        ("AAPL", 6, 2, 1), ("^GSPC", 6, 2, 1),
    ]  # fmt: skip
    assert told["failed"] == [] and all_events(files[1]).price.tolist() == [50.5, 52.0, 50.5, 53.0, 51.5, 55.5]
    result = CliRunner().invoke(DESCRIBE, [*map(str, files), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    (pair,) = json.loads((tmp_path / "out" / "bars.json").read_text())["correlations"]
    assert pair["symbols"] == ["AAPL", "^GSPC"] and pair["bars"] == 6 and pair["value"] > 0.9
    assert "volatility over 1 bar" in result.output


T = utc(2024, 1, 2, 14, 30) * SECOND
TRADES = [
    {"sip_timestamp": T + k * SECOND + 5, "price": 10.01 + 0.01 * (k % 2), "size": 100.0} for k in range(60)
]  # fmt: skip
QUOTES = [
    {
        "sip_timestamp": T + k * SECOND,
        "bid_price": 10.0,
        "ask_price": 10.02 + 0.01 * (k % 3),
        "bid_size": 1.0,
        "ask_size": 2.0,
    }
    for k in range(60)
]


def test_a_tape_is_recorded_and_described_and_the_key_shows_nowhere(serve, tmp_path, caplog):
    server = serve(Massive(TRADES, QUOTES, page=25))
    out = tmp_path / "tape.parquet"
    result = record(
        "--source", "massive", "--symbols", "AAPL", "--what", "trades,quotes", "--start", "2024-01-02T09:30",
        "--end", "2024-01-02T16:00", "--base-url", server.url, "--out", out, "--log-level", "debug", "--tick", 0.01,
        "--json", tmp_path / "a.json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert f"{out}: AAPL at consolidated, 120 events from 2024-01-02T14:30:00+00:00" in result.output
    said = result.output + caplog.text + (tmp_path / "a.json").read_text()
    assert KEY not in said and KEY.encode() not in out.read_bytes()
    result = CliRunner().invoke(DESCRIBE, [str(out), "--lot", "100", "--exponentials", "1", "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.output
    told = json.loads((tmp_path / "out" / "estimates.json").read_text())
    assert told["takers"] > 20 and told["spread_median_ticks"] == 3


def test_a_provider_that_fails_leaves_the_others_and_what_was_got(serve, tmp_path, monkeypatch):
    server = serve(Yahoo({"AAPL": CHARTS["AAPL"]}))
    result = record(
        "--source", "yfinance", "--symbols", "NONE,AAPL", "--start", "2024-01-01", "--end", "2024-02-01",
        "--base-url", server.url, "--out", tmp_path, "--json", tmp_path / "a.json",
    )  # fmt: skip
    assert result.exit_code == 2
    assert (
        "yfinance NONE: HTTP 404: No data found" in result.output
        and "the same command continues from there" in result.output
    )
    told = json.loads((tmp_path / "a.json").read_text())
    assert told["failed"] == ["yfinance NONE: HTTP 404: No data found, symbol may be delisted"]
    assert [one["rows"] for one in told["files"]] == [6]
    monkeypatch.setenv("MASSIVE_API_KEY", "wr0ng")
    url = serve(Massive()).url
    result = record(
        "--source", "massive", "--symbols", "AAPL", "--start", "2024-01-02", "--base-url", url, "--out", tmp_path / "b"
    )
    assert result.exit_code == 2 and "Unknown API Key" in result.output and "wr0ng" not in result.output


def test_books_of_two_symbols_are_polled_at_once_until_ctrl_c(serve, tmp_path):
    class Moving(Binance):
        polls = 0

        def __call__(self, path, query):
            if path.endswith("/depth"):
                Moving.polls += 1
                self.books = [([["100.00", str(Moving.polls)]], [["100.01", "3"]])]
                self.trades.append((Moving.polls, int(time.time() * 1000), "100.01", "0.5", False))
            return super().__call__(path, query)

    server = serve(Moving(books=[None], coins=("BTC", "ETH")))
    arguments = (
        "--source", "ccxt", "--exchange", "binance", "--symbols", "BTC/USDT,ETH/USDT", "--what", "trades,books",
        "--levels", "3", "--every", "0.05", "--base-url", server.url, "--out", str(tmp_path),
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "mm_env", "record-prices", *arguments], cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        while Moving.polls < 16 and process.poll() is None:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        said, failed = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130, said + failed
    assert "stopped before the end: the files hold what was recorded until then" in failed and "BTC/USDT at binance" in said
    assert "ETH/USDT at binance" in said
    for name in ("btc", "eth"):
        path = tmp_path / f"{name}_usdt_books_trades.parquet"
        events = all_events(path)
        assert {"trade", "depth"} == set(events.kind) and len(events) > 6 and about_events(path).levels == 3


def test_books_are_polled_for_a_while(serve, tmp_path):
    server = serve(Binance(books=[([["100.00", "1"]], [["100.01", "3"]])]))
    result = record(
        "--source", "ccxt", "--exchange", "binance", "--symbols", "BTC/USDT", "--what", "books", "--seconds", "0.2",
        "--every", "0.05", "--base-url", server.url, "--out", tmp_path,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert len(all_events(tmp_path / "btc_usdt_books.parquet")) == 1


CCXT = ("--source", "ccxt", "--symbols", "BTC/USDT")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--source", "yfinanc", "--symbols", "A"),
            "--source 'yfinanc': expected one of 'yfinance', 'massive', 'ccxt'; nearest: 'yfinance'",
        ),
        (("--source", "yfinance", "--symbols", "A,A"), "--symbols 'A,A': expected one or more, each once"),
        (("--source", "yfinance", "--symbols", "A", "--what", "trades"), "--what 'trades': expected for yfinance: bars"),
        (
            ("--source", "massive", "--symbols", "A", "--what", "bars,trades"),
            "--what 'bars,trades': expected for massive: bars, or trades,quotes or one of them",
        ),
        (
            ("--source", "yfinance", "--symbols", "A", "--interval", "2m"),
            "interval '2m': expected one of '1m', '5m', '15m', '30m', '1h', '1d'",
        ),
        (
            ("--source", "yfinance", "--symbols", "A", "--adjusted", "none"),
            "adjusted for 'none': expected one of 'splits', 'all'",
        ),
        (("--source", "yfinance", "--symbols", "A", "--exchange", "kraken"), "--exchange: only with --source ccxt"),
        (("--source", "yfinance", "--symbols", "A", "--levels", "3"), "--levels: only with books"),
        ((*CCXT, "--exchange", "binance", "--interval", "1d"), "--interval: only with bars"),
        (("--source", "massive", "--symbols", "A", "--tick", "0.01"), "--tick: only with trades and quotes of massive"),
        (CCXT, "--exchange: none; expected one that ccxt knows"),
        ((*CCXT, "--exchange", "krakn"), "that ccxt knows; nearest: 'kraken'"),
        ((*CCXT, "--exchange", "kraken", "--what", "books", "--start", "2024-01-01"), "--start: only without books"),
        ((*CCXT, "--exchange", "kraken", "--what", "books", "--seconds", "inf"), "--seconds inf: expected a number that is"),
        ((*CCXT, "--exchange", "kraken", "--start", "soon"), "--start 'soon': expected a date or a time"),
        (
            (*CCXT, "--exchange", "kraken", "--start", "0001-01-01"),
            "--start '0001-01-01': expected a date or a time from 1900",
        ),
        (
            (*CCXT, "--exchange", "kraken", "--start", "2024-01-02", "--end", "2024-01-01"),
            "--start 2024-01-02 and --end 2024-01-01: expected a start before the end",
        ),
        (
            ("--source", "yfinance", "--symbols", "A", "--base-url", "x"),
            "address 'x': expected an address that begins with http",
        ),
        (("--source", "yfinance", "--symbols", "A/B,A_B"), "two would share a file"),
        (("--source", "massive", "--symbols", "A", "--log-level", "loud"), "--log-level 'loud': expected"),
    ],
)
def test_the_command_refuses(tmp_path, arguments, message):
    result = record(*arguments, "--out", tmp_path / "new")
    assert result.exit_code == 2
    assert message in " ".join(result.output.split())
    assert not list(tmp_path.glob("new/*"))


def test_one_file_is_of_one_symbol_and_a_key_is_needed(tmp_path, monkeypatch):
    result = record("--source", "massive", "--symbols", "A,B", "--out", tmp_path / "a.parquet")
    assert result.exit_code == 2 and "one file for 2 symbols; expected a folder" in result.output
    for name in ("MASSIVE_API_KEY", "POLYGON_API_KEY"):
        monkeypatch.delenv(name, raising=False)
    result = record("--source", "massive", "--symbols", "A", "--out", tmp_path)
    assert result.exit_code == 2 and "no key: expected one in the environment variable" in " ".join(result.output.split())


@pytest.mark.parametrize(
    ("source", "package"),
    [("yfinance", "yfinance"), ("massive", "massive"), ("ccxt", "ccxt"), ("yfinance", "curl_cffi.requests")],
)
def test_a_package_that_is_not_there_is_told(tmp_path, monkeypatch, source, package):
    monkeypatch.setitem(sys.modules, package, None)
    more = ("--exchange", "kraken") if source == "ccxt" else ()
    result = record("--source", source, "--symbols", "A", "--out", tmp_path, *more)
    assert result.exit_code == 2
    name = package.partition(".")[0].replace("_", "-")
    assert f"{name} is not installed: pip install 'mm_env[prices]'" in " ".join(result.output.split())
