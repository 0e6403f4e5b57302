"""The features of manifests, computed over many windows at once. README.md lists them. The inference worker computes
the same features: change both together (Shared/Forecasting/Features)."""

import numpy as np


class Windows:
    """Windows of equal length: a history and, for training, the values that follow it."""

    def __init__(self, values, times, drivers, driver_names, history, period, scaling, groups=None):
        self.values = np.asarray(values, dtype=np.float64)
        """[windows, history + future]"""
        self.times = np.asarray(times, dtype=np.int64)
        """[windows, history]: seconds since 1970"""
        self.drivers = np.asarray(drivers, dtype=np.float64)
        """[windows, drivers, history]"""
        self.groups = groups
        """[windows]: the material, the last word of the routing key; None when residuals are not by material"""
        self.driver_names = list(driver_names)
        self.history, self.period, self.scaling = history, period, scaling
        self.offset, self.scale = scale_of(scaling, self.values[:, :history])
        if scaling["kind"] in ("window_mean", "window_standard"):
            scales = [scale_of(scaling, self.drivers[:, index]) for index in range(len(self.driver_names))]
        else:
            scales = [(np.zeros(len(self.values)), np.ones(len(self.values)))] * len(self.driver_names)
        self.driver_scales = scales

    @staticmethod
    def of(windows, driver_names, history, horizon, period, scaling):
        """From (series, start) pairs."""
        span = history + horizon
        return Windows(
            np.stack([series.values[start:start + span] for series, start in windows]),
            np.stack([series.times[start:start + history] for series, start in windows]),
            np.stack([series.drivers[:, start:start + history] for series, start in windows]),
            driver_names, history, period, scaling,
            np.array([series.name.rsplit(".", 1)[-1] for series, _ in windows]))

    def __len__(self):
        return len(self.values)

    def subset(self, rows):
        """The windows at these indices."""
        return Windows(self.values[rows], self.times[rows], self.drivers[rows], self.driver_names, self.history,
                       self.period, self.scaling, None if self.groups is None else self.groups[rows])

    def scaled(self, values):
        return ((values.T - self.offset) / self.scale).T

    def time(self, place):
        if place < self.history:
            return self.times[:, place]
        return self.times[:, -1] + (place - self.history + 1) * self.period

    def driver(self, index, place):
        return self.drivers[:, index, min(place, self.history - 1)]

    def feature(self, name, place, time_place, step):
        """[windows]; place is `history` for the first step of the forecast."""
        words = name.split(".")
        if name == "step":
            return np.full(len(self), float(step))
        if name == "log_scale":
            return np.log(self.scale)
        if words[0] == "calendar":
            return calendar(words[1], self.time(time_place))
        if words[0] == "driver":
            index, periods = self.driver_names.index(words[1]), int(words[3])
            if words[2] == "lag":
                offset, scale = self.driver_scales[index]
                return (self.driver(index, place - periods) - offset) / scale
            return np.log(self.driver(index, place - 1) / self.driver(index, place - 1 - periods))
        periods = int(words[1])
        if words[0] == "lag":
            return (self.values[:, place - periods] - self.offset) / self.scale
        if words[0] == "change":
            return np.log(self.values[:, place - 1] / self.values[:, place - 1 - periods])
        window = self.values[:, place - periods:place]
        if words[0] == "mean":
            return (window.mean(axis=1) - self.offset) / self.scale
        if words[0] == "deviation":
            return window.std(axis=1) / self.scale
        raise SystemExit(f"the feature '{name}' is not known")

    def matrix(self, names, place, time_place=None, step=1):
        """[windows, features]: the input of a model."""
        time_place = place if time_place is None else time_place
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.stack(
                [self.feature(name, place, time_place, step) for name in names], axis=1).astype(np.float32)

    def target(self, kind, step):
        """The output that a model is trained for at a step; 0 is the first."""
        value, last = self.values[:, self.history + step], self.values[:, self.history - 1]
        if kind == "log_change":
            with np.errstate(divide="ignore", invalid="ignore"):
                return np.log(value / last)
        return (value - (last if kind == "difference" else self.offset)) / self.scale

    def restored(self, kind, output):
        last = self.values[:, self.history - 1]
        if kind == "log_change":
            return last * np.exp(output)
        return (last if kind == "difference" else self.offset) + self.scale * output


def scale_of(scaling, values):
    """(offset, scale) of each row."""
    rows = len(values)
    if scaling["kind"] == "standard":
        return np.full(rows, scaling["mean"]), np.full(rows, scaling["deviation"])
    if scaling["kind"] == "window_mean":
        scale = np.abs(values).mean(axis=1)
        return np.zeros(rows), np.where(scale == 0, 1, scale)
    if scaling["kind"] == "window_standard":
        deviation = values.std(axis=1)
        return values.mean(axis=1), np.where(deviation == 0, 1, deviation)
    return np.zeros(rows), np.ones(rows)


def calendar(part, seconds):
    days = seconds.astype("datetime64[s]").astype("datetime64[D]")
    second_of_day = (seconds % 86_400).astype(np.float64)
    weekday = ((days.astype(np.int64) + 3) % 7).astype(np.float64)
    months, years = days.astype("datetime64[M]"), days.astype("datetime64[Y]")
    day_of_year = (days - years.astype("datetime64[D]")).astype(np.float64)
    turn = 2 * np.pi
    return {
        "month": lambda: (months.astype(np.int64) % 12 + 1).astype(np.float64),
        "day": lambda: (days - months.astype("datetime64[D]")).astype(np.float64) + 1,
        "weekday": lambda: weekday,
        "hour": lambda: np.floor(second_of_day / 3_600),
        "year_sin": lambda: np.sin(turn * day_of_year / 365.25),
        "year_cos": lambda: np.cos(turn * day_of_year / 365.25),
        "week_sin": lambda: np.sin(turn * weekday / 7),
        "week_cos": lambda: np.cos(turn * weekday / 7),
        "day_sin": lambda: np.sin(turn * second_of_day / 86_400),
        "day_cos": lambda: np.cos(turn * second_of_day / 86_400),
    }[part]()
