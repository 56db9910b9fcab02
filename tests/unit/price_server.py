"""A server on loopback that speaks as Yahoo's charts, Massive's REST interface, and Binance's's public data."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

KEY = "k3y-that-nobody-may-see"
SECOND = 1_000_000_000


def utc(*parts):
    return int(datetime(*parts, tzinfo=UTC).timestamp())


class Server:
    """Answers by what `answer(path, query)` returns: (status, headers, body or JSON); `faults` are told first.

    faults: (start of a path, status, headers) each told once, for the first request that fits
    asked: path, query and headers of each request
    """

    def __init__(self, answer):
        self.answer, self.faults, self.asked = answer, [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                parts = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                outer.asked.append((parts.path, query, dict(self.headers)))
                fault = next((one for one in outer.faults if parts.path.startswith(one[0])), None)
                if fault is not None:
                    outer.faults.remove(fault)
                    status, headers, body = fault[1], fault[2], {"error": "busy"}
                else:
                    status, headers, body = outer.answer(parts.path, query)
                content = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Type": "application/json", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_):  # a client that went away
                pass

        self.httpd = Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.httpd.server_address[1]}"
        self.thread = threading.Thread(target=self.httpd.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def paths(self, start):
        """Queries of the requests for paths that begin so."""
        return [query for path, query, _ in self.asked if path.startswith(start)]

    def close(self):
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()


class Yahoo:
    """Charts: symbol -> rows (second, open, high, low, close, adjusted close, volume), None where Yahoo has null."""

    def __init__(self, charts, zone="America/New_York", offset=-18_000):
        self.charts, self.zone, self.offset = charts, zone, offset

    def __call__(self, path, query):
        if path.endswith("getcrumb"):
            return 200, {"Content-Type": "text/plain"}, b"crumb/1"
        if not path.startswith("/v8/finance/chart/"):
            return 404, {}, b"<html>not here</html>"
        symbol = unquote(path.rsplit("/", 1)[1])
        if symbol not in self.charts:
            error = {"code": "Not Found", "description": "No data found, symbol may be delisted"}
            return 404, {}, {"chart": {"result": None, "error": error}}
        rows = self.charts[symbol]
        if "period1" in query:
            rows = [row for row in rows if int(query["period1"]) <= row[0] < int(query["period2"])]
        return 200, {}, {"chart": {"result": [self._result(symbol, rows, query)], "error": None}}

    def _result(self, symbol, rows, query):
        meta = {
            "currency": "USD", "symbol": symbol, "exchangeName": "NMS", "instrumentType": "EQUITY", "priceHint": 2,
            "exchangeTimezoneName": self.zone, "gmtoffset": self.offset, "dataGranularity": query.get("interval"),
            "range": query.get("range", ""), "validRanges": ["1d", "5d", "1mo", "1y", "max"], "regularMarketTime": 1,
        }  # fmt: skip
        if query.get("interval") != "1d":
            days = sorted({row[0] // 86_400 for row in rows})
            meta["tradingPeriods"] = [
                [{"timezone": "EST", "start": day * 86_400 + 52_200, "end": day * 86_400 + 75_600, "gmtoffset": self.offset}]
                for day in days
            ]
        if not rows:
            return {"meta": meta, "indicators": {"quote": [{}], "adjclose": [{}]}}
        second, open_, high, low, close, adjusted, volume = (list(column) for column in zip(*rows, strict=True))
        quote = {"open": open_, "high": high, "low": low, "close": close, "volume": volume}
        return {
            "meta": meta, "timestamp": second, "indicators": {"quote": [quote], "adjclose": [{"adjclose": adjusted}]},
        }  # fmt: skip


class Massive:
    """Trades, quotes and aggregates; `page` rows an answer, and a cursor to the next page."""

    def __init__(self, trades=(), quotes=(), bars=(), page=2, key=KEY):
        self.rows = {"/v3/trades/": list(trades), "/v3/quotes/": list(quotes), "/v2/aggs/": list(bars)}
        self.page, self.server = page, None

    def __call__(self, path, query):
        headers = self.server.asked[-1][2]
        if headers.get("Authorization") != f"Bearer {KEY}":
            return 401, {}, {"status": "ERROR", "error": f"Unknown API Key {headers.get('Authorization')}"}
        rows = next((rows for start, rows in self.rows.items() if path.startswith(start)), None)
        if rows is None:
            return 404, {}, {"status": "NOT_FOUND"}
        if path.startswith("/v2/"):
            start, end = (int(part) for part in path.split("/")[-2:])
            wide = 3_600_000  # it answers with whole bars
            rows = [row for row in rows if not isinstance(row.get("t"), int) or start - wide <= row["t"] <= end + wide]
        elif "timestamp.gte" in query:
            low, high = int(query["timestamp.gte"]), int(query["timestamp.lt"])
            stamps = [row.get("sip_timestamp", row.get("participant_timestamp")) for row in rows]
            within = [not isinstance(stamp, int) or low <= stamp < high for stamp in stamps]
            rows = [row for row, kept in zip(rows, within, strict=True) if kept]
        begin = int(query.get("cursor", 0))
        body = {"status": "OK", "results": rows[begin : begin + self.page]}
        if begin + self.page < len(rows):
            span = "".join(f"&{name}={value}" for name, value in query.items() if name.startswith("timestamp"))
            body["next_url"] = f"https://api.massive.com{path}?cursor={begin + self.page}{span}"
        return 200, {}, body


class Binance:
    """Spot pairs with USDT that all tell the same.

    trades: (id, ms, price, size, whether the buyer was the maker); books: (bids, asks), told one after the other
    """

    def __init__(self, trades=(), books=(), page=1000, coins=("BTC",)):
        self.coins = coins
        self.trades, self.books, self.page = list(trades), list(books), page

    def __call__(self, path, query):
        if path.endswith("/exchangeInfo"):
            return (
                200,
                {},
                {"timezone": "UTC", "serverTime": 1, "rateLimits": [], "symbols": [self._pair(coin) for coin in self.coins]},
            )
        if path.endswith("/aggTrades"):
            rows = [row for row in self.trades if row[1] >= int(query.get("startTime", 0))]
            return 200, {}, [
                {"a": a, "p": price, "q": size, "f": a, "l": a, "T": ms, "m": maker, "M": True}
                for a, ms, price, size, maker in rows[: min(self.page, int(query.get("limit", 500)))]
            ]  # fmt: skip
        if path.endswith("/depth"):
            bids, asks = self.books.pop(0) if len(self.books) > 1 else self.books[0]
            return 200, {}, {"lastUpdateId": 1, "bids": bids, "asks": asks}
        return 404, {}, {"code": -1, "msg": "not here"}

    def _pair(self, coin):
        return {
            "symbol": f"{coin}USDT", "status": "TRADING", "baseAsset": coin, "quoteAsset": "USDT", "baseAssetPrecision": 8,
            "quotePrecision": 8, "quoteAssetPrecision": 8, "orderTypes": ["LIMIT"], "isSpotTradingAllowed": True,
            "isMarginTradingAllowed": False, "permissions": ["SPOT"],
            "filters": [
                {"filterType": "PRICE_FILTER", "minPrice": "0.01", "maxPrice": "1000000", "tickSize": "0.01"},
                {"filterType": "LOT_SIZE", "minQty": "0.00001", "maxQty": "9000", "stepSize": "0.00001"},
            ],
        }  # fmt: skip
