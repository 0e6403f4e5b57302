"""Writes an archive as archiver does: bars that come late, twice and revised, and the catalogue of their objects.

usage: make_archive.py <folder of the programs> <folder of the store> <dates> <symbols> [minutes]
       make_archive.py <folder of the programs> <folder of the store> demand <series> <days>
       make_archive.py <folder of the programs> <folder of the store> daily <symbols> <days>
       make_archive.py <folder of the programs> <folder of the store> print market-bars
       make_archive.py <folder of the programs> <folder of the store> upload s3://bucket
       make_archive.py <folder of the programs> <folder of the store> signals <file of lines> <first offset>"""

import datetime
import hashlib
import json
import os
import random
import sys

if __name__ == "__main__":
    sys.path.insert(0, sys.argv[1])
else:
    sys.path.insert(0, os.environ["JOBS"])

import archive  # noqa: E402
import records  # noqa: E402
from store import Folder, Missing, open_store  # noqa: E402

MINUTE = 60 * 10**9
OPEN = records.midnight("2026-03-05") + int(9.5 * 60) * MINUTE


def bar(symbol, minute, open_ns=OPEN, revision=0, known=0, close=100.0, volume=10):
    start = open_ns + minute * MINUTE
    return {"symbol": symbol, "feed": "polygon-stocks", "interval": "1m", "start_ns": start,
            "known_ns": start + MINUTE + known * 10**9, "open": close, "high": close, "low": close, "close": close,
            "volume": volume, "revision": revision}


def put(folder, symbol, date, rows, offset, partition=0, dataset="market-bars", time=lambda row: row["start_ns"]):
    """One more object of the archive, with its line in the catalogue."""
    store = Folder(folder)
    body = archive.packed([json.dumps(row, separators=(",", ":")).encode() for row in rows])
    key = f"{dataset}/date={date}/symbol={archive.encoded(symbol)}/part-{partition:05}-{offset:020}.jsonl.gz"
    store.put(key, body)
    times = [time(row) for row in rows]
    entry = {"object": key, "date": date, "symbol": symbol, "bytes": len(body), "rows": len(rows),
             "from_ns": min(times), "to_ns": max(times), "sha256": hashlib.sha256(body).hexdigest()}
    name = f"_catalogue/{dataset}/date={date}.jsonl.gz"
    try:
        lines = archive.unpacked(store.get(name), name).splitlines()
    except Missing:
        lines = []
    store.put(name, archive.packed(lines + [json.dumps(entry).encode()]))
    try:
        index = json.loads(store.get(f"_catalogue/{dataset}/index.json"))
    except Missing:
        index = {"dataset": dataset, "prefix": dataset, "dates": []}
    index["dates"] = sorted([each for each in index["dates"] if each["date"] != date] + [{"date": date}],
                            key=lambda each: each["date"])
    store.put(f"_catalogue/{dataset}/index.json", json.dumps(index).encode())


def fill(folder, symbols, dates, minutes=120, seed=1):
    chance = random.Random(seed)
    for day, date in enumerate(dates):
        open_ns = records.midnight(date) + int(9.5 * 60) * MINUTE
        for number, symbol in enumerate(symbols):
            price, rows = 100.0 + number, []
            for minute in range(minutes):
                price = round(price * (1 + chance.uniform(-0.002, 0.002)), 2)
                # Some minutes have no trade, some come twice, some are revised.
                if chance.random() < 0.03:
                    continue
                row = bar(symbol, minute, open_ns, close=price, volume=chance.randint(1, 900))
                rows.append(row)
                if chance.random() < 0.05:
                    rows.append(dict(row))
                if chance.random() < 0.05:
                    rows.append({**row, "revision": 1, "known_ns": row["known_ns"] + 5 * 10**9, "volume": 1_000})
            chance.shuffle(rows)
            half = len(rows) // 2
            put(folder, symbol, date, rows[:half], 1_000 * day, number % 3)
            put(folder, symbol, date, rows[half:], 1_000 * day + half, number % 3)


def demand(folder, series, days, seed=1):
    """Observations of demand, most of them 0, a day apart."""
    chance = random.Random(seed)
    for day in range(days):
        seconds = 1_736_000_000 + day * 86_400
        moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        for number, name in enumerate(series):
            value = chance.randint(1, 20) if chance.random() < 0.3 else 0
            rows = [{"series": name, "kind": "demand", "material": "valve", "value": value, "unit": "pc",
                     "observed_at": moment, "source": "test", "fetched_at": moment}]
            put(folder, name, records.day_of(seconds * 10**9), rows, day, number, "sentinel_market_data.screening",
                lambda row: records.instant(row["observed_at"]))


def daily(folder, symbols, days, seed=1):
    """Daily bars, whose closes walk at random."""
    chance, date = random.Random(seed), "2025-03-03"
    closes = {symbol: 50.0 + 10 * number for number, symbol in enumerate(symbols)}
    for day in range(days):
        for number, symbol in enumerate(symbols):
            closes[symbol] = round(closes[symbol] * (1 + chance.uniform(-0.02, 0.021)), 2)
            row = {**bar(symbol, 0, records.midnight(date), close=closes[symbol]), "interval": "1d"}
            put(folder, symbol, date, [row], day, number)
        date = records.next_day(date)


def everything(folder, dataset):
    """The lines of all objects, those of a date behind those of the date before."""
    kept = archive.Archive(Folder(folder), dataset)
    for date in kept.dates():
        for entry in kept.objects(date):
            yield from archive.lines(kept.store, entry["object"])


def keep_signals(folder, path, offset):
    """Archives lines of `technical-signals` that are in a file."""
    by_place = {}
    with open(path, encoding="utf-8") as file:
        for row in map(json.loads, file):
            by_place.setdefault((row["symbol"], records.day_of(row["start_ns"])), []).append(row)
    for number, ((symbol, date), rows) in enumerate(sorted(by_place.items())):
        put(folder, symbol, date, rows, offset + number, dataset="technical-signals")


if __name__ == "__main__" and sys.argv[3] == "print":
    for each in everything(sys.argv[2], sys.argv[4]):
        sys.stdout.buffer.write(each + b"\n")
elif __name__ == "__main__" and sys.argv[3] == "daily":
    daily(sys.argv[2], sys.argv[4].split(","), int(sys.argv[5]))
elif __name__ == "__main__" and sys.argv[3] == "upload":
    source, target = Folder(sys.argv[2]), open_store(sys.argv[4])
    for each in source.list("market-bars/") + source.list("_catalogue/"):
        target.put(each, source.get(each))
elif __name__ == "__main__" and sys.argv[3] == "signals":
    keep_signals(sys.argv[2], sys.argv[4], int(sys.argv[5]))
elif __name__ == "__main__" and sys.argv[3] == "demand":
    demand(sys.argv[2], sys.argv[4].split(","), int(sys.argv[5]))
elif __name__ == "__main__":
    fill(sys.argv[2], sys.argv[4].split(","), sys.argv[3].split(","), int((sys.argv + ["120"])[5]))
