"""Reads series from a CSV file: series,kind,observed_at,value and one column per driver."""

import argparse
import csv
import datetime

import numpy as np


class Series:
    """Observations of one series, oldest first."""

    def __init__(self, name, times, values, drivers):
        self.name = name
        self.times = np.asarray(times, dtype=np.int64)
        """Seconds since 1970."""
        self.values = np.asarray(values, dtype=np.float64)
        self.drivers = np.asarray(drivers, dtype=np.float64).reshape(len(values), -1).T
        """One row per driver: its latest value as of each time, nan before its first."""


def seconds(text):
    time = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    if time.tzinfo is None:
        raise SystemExit(f"observed_at '{text}' has no offset; write it as 2025-01-20T00:00:00Z")
    return int(time.timestamp())


def read_csv(path, kind, drivers):
    """The series of one kind (price or demand), with the named driver columns."""
    rows = {}
    with open(path, newline="", encoding="utf-8") as file:
        reader = csv.DictReader(file)
        missing = {"series", "kind", "observed_at", "value", *drivers} - set(reader.fieldnames or [])
        if missing:
            raise SystemExit(f"{path} has no column {', '.join(sorted(missing))}")
        for row in reader:
            if row["kind"] == kind:
                rows.setdefault(row["series"], []).append(
                    (seconds(row["observed_at"]), float(row["value"]), [row[name] for name in drivers]))
    series = []
    for name, observations in sorted(rows.items()):
        observations.sort(key=lambda row: row[0])
        latest, carried = [float("nan")] * len(drivers), []
        for _, _, given in observations:
            latest = [float(text) if text else old for text, old in zip(given, latest)]
            carried.append(latest)
        series.append(Series(name, [row[0] for row in observations], [row[1] for row in observations], carried))
    if not series:
        raise SystemExit(f"{path} has no series of kind {kind}")
    return series


def parser(description, name, history, horizon, kind="price", series="*.*.*.*"):
    """The arguments that all training programs share."""
    arguments = argparse.ArgumentParser(description=description)
    arguments.add_argument("csv", help="series,kind,observed_at,value[,driver...]; observed_at in RFC 3339")
    arguments.add_argument("registry", help="folder that holds models/; created when it is missing")
    arguments.add_argument("--name", default=name, help="name of the model (default: %(default)s)")
    arguments.add_argument("--version", help="version of the model (default: the current time)")
    arguments.add_argument("--series", default=series,
                           help="routing pattern of the series that the model forecasts (default: %(default)s)")
    arguments.add_argument("--kind", default=kind, choices=["price", "demand"], help="default: %(default)s")
    arguments.add_argument("--driver", action="append", default=[], metavar="COLUMN=SERIES",
                           help="a driver: its column and its routing key; repeatable")
    arguments.add_argument("--history", type=int, default=history,
                           help="observations that one forecast reads (default: %(default)s)")
    arguments.add_argument("--horizon", type=int, default=horizon, help="steps of a forecast (default: %(default)s)")
    arguments.add_argument("--period", type=int, default=86_400, help="seconds between observations (default: a day)")
    arguments.add_argument("--quantiles", default="0.1,0.5,0.9", help="default: %(default)s; empty for none")
    arguments.add_argument("--windows", type=int, default=20_000,
                           help="most windows to train on (default: %(default)s)")
    arguments.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    return arguments


class Plan:
    """The arguments, and the windows of the data: `training`, and later ones in `holdout`."""

    def __init__(self, arguments, scaling, needs_calibration=True):
        from features import Windows
        self.drivers = [tuple(text.split("=", 1)) for text in arguments.driver]
        if any(len(pair) != 2 for pair in self.drivers):
            raise SystemExit("--driver is written COLUMN=SERIES, such as brent=global.world.energy.brent")
        self.quantiles = sorted(float(text) for text in arguments.quantiles.split(",") if text)
        self.arguments = arguments
        self.scaling = scaling
        all_series = read_csv(arguments.csv, arguments.kind, [name for name, _ in self.drivers])
        times = np.sort(np.concatenate([series.times for series in all_series]))
        self.trained = (int(times[0]), int(times[-1]))
        # The newest fifth of the time is held out: its errors make the intervals.
        cut = times[int(len(times) * 0.8)] if needs_calibration else times[-1] + 1
        training, holdout = [], []
        span = arguments.history + arguments.horizon
        for series in all_series:
            for start in range(len(series.values) - span + 1):
                first, last = series.times[start + arguments.history], series.times[start + span - 1]
                window = (series, start)
                if last < cut:
                    training.append(window)
                elif first >= cut:
                    holdout.append(window)
        if not training or needs_calibration and not holdout:
            raise SystemExit(f"no series has enough observations for windows of {span} on both sides of the cut")
        random = np.random.default_rng(arguments.seed)
        names = [name for name, _ in self.drivers]
        make = lambda chosen: Windows.of(chosen, names, arguments.history, arguments.horizon, arguments.period, scaling)
        self.training = make(sampled(training, arguments.windows, random))
        self.holdout = make(sampled(holdout, arguments.windows, random)) if holdout else None


def sampled(windows, count, random):
    """At most `count` windows, in their order."""
    if len(windows) <= count:
        return windows
    return [windows[index] for index in np.sort(random.choice(len(windows), count, replace=False))]
