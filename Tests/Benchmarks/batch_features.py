"""Features of many tickers, for `souk-bench batch`: the job of batch-runner, and pandas with TA-Lib, on the same cores.

usage: batch_features.py JOBS SIGNAL_WORKER FOLDER TICKERS DAYS WORKERS

Invents minutes of regular sessions into the dataset `bars`, then computes the default indicators of bars of 1m, 5m,
15m, 1h and 1d twice: by the job `features`, which also computes rules and writes rows as lines, and by pandas and
TA-Lib, which read the same Parquet and write Parquet by symbol and day. Prints bars and seconds of both.
"""
import datetime
import json
import multiprocessing
import os
import random
import subprocess
import sys
import time

JOBS, SIGNAL_WORKER, FOLDER = sys.argv[1:4]
TICKERS, DAYS, WORKERS = map(int, sys.argv[4:7])
sys.path.insert(0, JOBS)

import lake  # noqa: E402
import records  # noqa: E402
from store import Folder  # noqa: E402

MINUTE = 60 * 10**9


def dates():
    """Tuesdays to Thursdays of 2025, which has no holiday on them in the first months."""
    day, found = datetime.date(2025, 1, 14), []
    while len(found) < DAYS:
        if day.weekday() in (1, 2, 3) and (day.month, day.day) not in ((1, 9), (6, 19), (12, 25)):
            found.append(day.isoformat())
        day += datetime.timedelta(days=1)
    return found


def invent(number):
    chance, dataset, parts = random.Random(number), lake.Dataset(Folder(FOLDER), "bars"), []
    symbol, price = f"T{number:03}", 100.0
    for date in dates():
        lines, start = [], records.midnight(date) + 570 * MINUTE
        for minute in range(390):
            price = round(max(1, price * (1 + chance.uniform(-0.001, 0.001))), 2)
            begin = start + minute * MINUTE
            lines.append(json.dumps({
                "symbol": symbol, "feed": "polygon-stocks", "interval": "1m", "start_ns": begin,
                "known_ns": begin + MINUTE, "open": price, "high": round(price + 0.05, 2),
                "low": round(price - 0.05, 2), "close": price, "volume": chance.randint(100, 9_999), "revision": 0},
                separators=(",", ":")).encode())
        table = records.parsed(lines, records.BARS.columns)
        parts.append(dataset.write("bench-1", "0" * 64, date, symbol, table, lines, (start, begin), "bench"))
    return parts


def indicators(frame):
    import talib
    high, low, close, volume = (frame[name].to_numpy() for name in ("high", "low", "close", "volume"))
    macd = talib.MACD(close, 12, 26, 9)
    bands = talib.BBANDS(close, 20, 2, 2)
    stochastic = talib.STOCH(high, low, close, 5, 3, 0, 3, 0)
    return frame.assign(
        sma20=talib.SMA(close, 20), sma50=talib.SMA(close, 50), sma200=talib.SMA(close, 200),
        ema12=talib.EMA(close, 12), ema26=talib.EMA(close, 26), rsi14=talib.RSI(close, 14), macd=macd[0], macd_signal=macd[1], macd_hist=macd[2],
        bb_upper=bands[0], bb_middle=bands[1], bb_lower=bands[2], atr14=talib.ATR(high, low, close, 14),
        adx14=talib.ADX(high, low, close, 14), stoch_k=stochastic[0], stoch_d=stochastic[1],
        mfi14=talib.MFI(high, low, close, volume, 14), obv=talib.OBV(close, volume))


def by_pandas(number):
    import pandas as pd
    symbol = f"T{number:03}"
    days = [pd.read_parquet(
        os.path.join(FOLDER, f"lake/bars/date={date}/symbol={symbol}/bench-1-00000000.parquet"),
        columns=["start_ns", "high", "low", "close", "volume"]) for date in dates()]
    frame = pd.concat(days)
    for name in ("high", "low", "close", "volume"):
        frame[name] = frame[name].astype("float64")
    frame.index = pd.DatetimeIndex(pd.to_datetime(frame["start_ns"], utc=True)).tz_convert("America/New_York")
    how = {"high": "max", "low": "min", "close": "last", "volume": "sum"}
    made = [indicators(frame.drop(columns="start_ns")).assign(interval="1m")]
    for interval, rule in (("5m", "5min"), ("15m", "15min"), ("1h", "60min"), ("1d", "1D")):
        bars = frame.resample(rule, offset="30min" if interval == "1h" else None).agg(how).dropna()
        made.append(indicators(bars).assign(interval=interval))
    every = pd.concat(made)
    for date, rows in every.groupby(every.index.date):
        folder = os.path.join(FOLDER, f"pandas/date={date}/symbol={symbol}")
        os.makedirs(folder, exist_ok=True)
        rows.to_parquet(os.path.join(folder, "part.parquet"))
    return len(frame)


def main():
    with multiprocessing.get_context("spawn").Pool(WORKERS) as pool:
        parts = [part for each in pool.map(invent, range(TICKERS)) for part in each]
        dataset = lake.Dataset(Folder(FOLDER), "bars")
        end = records.midnight(records.next_day(dates()[-1]))
        dataset.publish(
            {"job_id": "bench", "kind": "compact"}, "bench-1",
            {"schema": "bars/1", "code": "0" * 64, "inputs": []}, parts,
            [[f"T{number:03}", records.midnight(dates()[0]), end] for number in range(TICKERS)])
        pool.map(by_pandas, range(min(WORKERS, TICKERS)))
        start = time.monotonic()
        bars = sum(pool.map(by_pandas, range(TICKERS), chunksize=1))
        pandas_seconds = time.monotonic() - start
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, os.path.join(JOBS, "batch.py"), "--object-store", f"file://{FOLDER}", "--dask-n-workers",
         str(WORKERS)], input=json.dumps({"job_id": "f", "kind": "features", "submitted_ns": 1}).encode(),
        env={**os.environ, "SIGNAL_WORKER": SIGNAL_WORKER, "DASK_ENABLED": "false"}, stdout=subprocess.PIPE, check=True)
    seconds = time.monotonic() - start
    last = json.loads(done.stdout.splitlines()[-1])
    print(bars, last["rows"], seconds, pandas_seconds)


if __name__ == "__main__":
    main()
