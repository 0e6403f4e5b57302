"""Series for the reference programs: real daily bars where a folder of them is given, and made-up ones."""

import csv
import glob
import os
import sys


def need(module, package):
    try:
        return __import__(module)
    except ImportError:
        sys.exit(f"Python has no {module}: install {package}, or run `make deps` in the project's folder")


np = need("numpy", "the Debian package python3-torch, which brings it")
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../../../Services/InferenceWorker/Training"))
sys.dont_write_bytecode = True

DAY = 86_400
START = 1_704_067_200


class Made:
    """What data.Series is, of numbers."""

    name = ""

    def __init__(self, values, drivers, start=START, period=DAY):
        self.values = np.asarray(values, dtype=np.float64)
        self.times = start + period * np.arange(len(self.values), dtype=np.int64)
        self.drivers = np.asarray(drivers, dtype=np.float64).reshape(-1, len(self.values))


def prices(folder, random, length=160):
    """Closing prices of real bars (the newest), and random walks of very different size; each with one driver."""
    series = []
    for path in sorted(glob.glob(os.path.join(folder, "daily", "*.csv")))[:10] if folder else []:
        with open(path, newline="") as file:
            closes = [float(row["close"]) for row in csv.DictReader(file)][-length:]
        if len(closes) >= 80:
            series.append(closes)
    if folder and not series:
        sys.exit(f"{folder} has no daily bars")
    for size in (0.03, 1, 80, 25_000):
        series.append(size * np.exp(np.cumsum(random.normal(0, 0.02, length))))
    return [Made(values, 70 * np.exp(np.cumsum(random.normal(0, 0.01, len(values)))),
                 START + int(random.integers(0, 300)) * DAY + int(random.integers(0, 24)) * 3_600)
            for values in series]


def demands(random, length=160):
    """Intermittent demand of several frequencies and sizes."""
    series = []
    for probability, size in ((0.6, 3), (0.3, 10), (0.12, 40), (0.9, 200)):
        occurs = random.random(length) < probability
        series.append(Made(np.where(occurs, 1 + random.poisson(size, length), 0), np.zeros((0, length))))
    return series


def pairs(series, span, count, random):
    """Some (series, start) pairs with room for a window."""
    possible = [(one, start) for one in series for start in range(len(one.values) - span + 1)]
    chosen = random.choice(len(possible), min(count, len(possible)), replace=False)
    return [possible[index] for index in sorted(chosen)]


def inputs(windows, seed=0):
    return [{"values": windows.values[row, :windows.history].tolist(), "times": windows.times[row].tolist(),
             "drivers": windows.drivers[row, :len(windows.driver_names)].tolist(), "seed": seed + row}
            for row in range(len(windows))]


class Plan:
    """What registry.manifest needs to know."""

    def __init__(self, name, kind, history, horizon, quantiles, scaling, drivers, period=DAY):
        self.arguments = self
        self.name, self.version, self.series, self.kind = name, "1", "*.*.*.*", kind
        self.history, self.horizon, self.period = history, horizon, period
        self.quantiles, self.scaling, self.drivers = quantiles, scaling, drivers
        self.trained = (START, START + DAY)
