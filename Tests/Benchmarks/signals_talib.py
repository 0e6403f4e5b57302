"""The default indicators of signal-worker by TA-Lib, for `souk-bench signals`.

usage: signals_talib.py FILE

FILE: high, low, close, volume of each bar in a line. Prints two rates in bars a second of CPU time: all bars in one
pass over arrays, and bar by bar as a live program does it, which computes the last 250 bars of a pandas frame anew.
"""
import sys
import time

import numpy as np
import pandas as pd
import talib


def indicators(high, low, close, volume):
    return (
        talib.SMA(close, 20), talib.SMA(close, 50), talib.SMA(close, 200), talib.EMA(close, 12), talib.EMA(close, 26),
        talib.RSI(close, 14), *talib.MACD(close, 12, 26, 9), *talib.BBANDS(close, 20, 2, 2),
        talib.ATR(high, low, close, 14), talib.ADX(high, low, close, 14), *talib.STOCH(high, low, close, 5, 3, 0, 3, 0),
        talib.MFI(high, low, close, volume, 14), talib.OBV(close, volume))


def main():
    frame = pd.read_csv(sys.argv[1], names=["high", "low", "close", "volume"], sep=" ", dtype=np.float64)
    columns = [frame[name].to_numpy() for name in frame.columns]
    start, passes = time.process_time(), 0
    while time.process_time() - start < 2:
        indicators(*columns)
        passes += 1
    whole = passes * len(frame) / (time.process_time() - start)
    start, bars, last = time.process_time(), 0, 0.0
    while time.process_time() - start < 2:
        window = frame.iloc[bars % (len(frame) - 250):][:250]
        last += indicators(*(window[name].to_numpy() for name in window.columns))[5][-1]
        bars += 1
    print(whole, bars / (time.process_time() - start), last)


if __name__ == "__main__":
    main()
