"""Bars and the values that TA-Lib gives for them: an independent truth.

usage: talib_truth.py KIND SEED COUNT

Prints a line of names, then a line for each bar: session, high, low, close, volume, and the values under those names.
KIND: walk, flat, up, down, gaps (of price), tiny (prices far below one), still (long stretches without a change, and
without volume).
"""
import sys

import numpy as np
import talib


def bars(kind, seed, count):
    random = np.random.default_rng(seed)
    steps = random.normal(0, 0.2, count)
    volume = np.floor(random.gamma(1.2, 4_000, count))
    if kind == "up":
        steps = np.abs(steps) + 0.01
    elif kind == "down":
        steps = -np.abs(steps) - 0.01
    elif kind == "gaps":
        steps[random.random(count) < 0.02] *= 150
    elif kind == "still":
        for start in range(0, count, 97):
            steps[start:start + 60] = 0
            volume[start + 10:start + 40] = 0
    close = 100 + np.cumsum(steps)
    high = close + np.abs(random.normal(0, 0.1, count))
    low = close - np.abs(random.normal(0, 0.1, count))
    if kind == "still":
        still = np.concatenate([[False], np.diff(close) == 0])
        high[still] = low[still] = close[still]
    if kind == "flat":
        close[:] = high[:] = low[:] = 100.1
    scale, digits = (1e-6, 10) if kind == "tiny" else (1, 2)
    lift = max(0, 1 - close.min()) if kind in ("down", "gaps") else 0
    return [np.round((part + lift) * scale, digits) for part in (high, low, close)] + [volume]


def deviations(series, period, first):
    """From the median of the values before, in estimates of the standard deviation by the median difference."""
    found = np.full(len(series), np.nan)
    for place in range(first, len(series)):
        before = series[place - period:place]
        middle = np.median(before)
        spread = 1.4826 * np.median(np.abs(before - middle))
        if spread > 0:
            found[place] = (series[place] - middle) / spread
    return found


def values(high, low, close, volume, session):
    """By the names of the values."""
    found = {}

    def several(names, arrays):
        found.update(zip(names, arrays))

    for period in (5, 20, 50, 200):
        found[f"sma{period}"] = talib.SMA(close, period)
    for period in (9, 12, 26):
        found[f"ema{period}"] = talib.EMA(close, period)
    for period in (2, 14):
        found[f"rsi{period}"] = talib.RSI(close, period)
    several(["macd", "macd_signal", "macd_hist"], talib.MACD(close, 12, 26, 9))
    several(["macd5.35.5", "macd5.35.5_signal", "macd5.35.5_hist"], talib.MACD(close, 5, 35, 5))
    several(["bb_upper", "bb_middle", "bb_lower"], talib.BBANDS(close, 20, 2, 2))
    several(["bb10.2.5_upper", "bb10.2.5_middle", "bb10.2.5_lower"], talib.BBANDS(close, 10, 2.5, 2.5))
    for period in (3, 14):
        found[f"atr{period}"] = talib.ATR(high, low, close, period)
    for period in (5, 14):
        found[f"adx{period}"] = talib.ADX(high, low, close, period)
    several(["stoch_k", "stoch_d"], talib.STOCH(high, low, close, 5, 3, 0, 3, 0))
    several(["stoch14.1.3_k", "stoch14.1.3_d"], talib.STOCH(high, low, close, 14, 1, 0, 3, 0))
    for period in (5, 14):
        found[f"mfi{period}"] = talib.MFI(high, low, close, volume, period)
    found["obv"] = talib.OBV(close, volume)
    weighted, typical = np.full(len(close), np.nan), (high + low + close) / 3
    for number in np.unique(session):
        part = session == number
        total = np.cumsum(volume[part])
        with np.errstate(invalid="ignore", divide="ignore"):
            weighted[part] = np.where(total > 0, np.cumsum(typical[part] * volume[part]) / total, np.nan)
    found["session_vwap"] = weighted
    change = np.concatenate([[np.nan], close[1:] / close[:-1] - 1])
    found["pricedev20"] = deviations(change, 20, first=21)
    found["volumedev31"] = deviations(volume, 31, first=31)
    return found


def main():
    kind, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    columns = bars(kind, seed, count)
    session = np.arange(count) // 78
    found = values(*columns, session)
    print(" ".join(found))
    rows = np.column_stack([session, *columns, *found.values()])
    for row in rows.tolist():
        print(" ".join(map(repr, row)))


if __name__ == "__main__":
    main()
