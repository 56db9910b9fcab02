"""Small files of market data for tests of readers."""

import gzip
import json
import zipfile

MESSAGES = [
    "34200.000000001,1,11,100,1000000,1",
    "34200.5,4,11,40,1000000,1",
    "34201,4,12,7,1000300,-1",
    "34201.25,2,11,10,1000000,1",
    "34202,3,11,50,1000000,1",
    "34203,5,0,5,1000150,-1",
    "34204,7,0,0,-1,-1",
]
BOOKS = [f"1000300,{10 + k},1000000,100,9999999999,0,-9999999999,0" for k in range(len(MESSAGES))]
STEM = "XYZ_2012-06-21_34200000_57600000_{}_2.csv"


def lobster_zip(folder, messages=MESSAGES, books=BOOKS):
    path = folder / "sample.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(STEM.format("message"), "\n".join(messages) + "\n")
        archive.writestr(STEM.format("orderbook"), "\n".join(books) + "\n")
    return path


def lobster_folder(folder):
    inside = folder / "day"
    inside.mkdir()
    (inside / STEM.format("message")).write_text("\n".join(MESSAGES) + "\n")
    (inside / STEM.format("orderbook")).write_text("\r\n".join(BOOKS) + "\r\n")
    return inside


def stream(time, name, **data):
    return f"{time} " + json.dumps({"stream": f"xyzusdt@{name}", "data": {"s": "XYZUSDT", **data}})


def ticker(time, update, bid, ask, bid_size="1.0", ask_size="2.0"):
    return stream(time, "bookTicker", u=update, b=bid, B=bid_size, a=ask, A=ask_size)


LINES = [
    "100 " + json.dumps({"lastUpdateId": 10, "bids": [["99.90", "5"], ["99.80", "6"]], "asks": [["100.10", "7"]]}),
    stream(200, "depth@100ms", U=5, u=9, b=[["99.80", "0"]], a=[]),  # older than the snapshot
    stream(300, "depth@100ms", U=10, u=12, b=[["99.80", "0"], ["99.70", "3"]], a=[["100.20", "1"]]),
    ticker(400, 15, "100.00", "100.10"),
    stream(500, "trade", p="100.10", q="0.5", T=499, m=False),
    stream(600, "depth@100ms", U=13, u=14, b=[["100.05", "9"]], a=[]),  # older than the best bid and offer
    ticker(700, 20, "99.70", "99.95"),
    stream(800, "trade", p="99.70", q="0.25", T=799, m=True),
]


def binance_file(folder, lines=LINES, name="xyz.gz"):
    path = folder / name
    content = "\n".join(lines) + "\n"
    path.write_bytes(gzip.compress(content.encode()) if name.endswith(".gz") else content.encode())
    return path


TRADES = "when,last,qty,who\n1000,100.02,5,buy\n2000,99.99,1,SELL\n2000,100.00,2,\n4000,100.05,3,b\n"
QUOTES = "when,bid,ask,bid_size,ask_size\n1000,99.98,100.02,10,20\n3000,100.00,100.04,30,40\n"
NAMES = {"time": "when", "price": "last", "size": "qty", "side": "who"}
