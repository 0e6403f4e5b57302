#!/usr/bin/python3
"""Fits the smoothing factors of Croston's method, SBA or TSB over all series, and measures their intervals."""

import itertools

import numpy as np

from data import Plan, parser
from registry import calibration_fields, interval_summary, manifest, probe, publish


def rates(method, values, size_factor, interval_factor):
    """The forecast from each row of demand; Shared/Forecasting/IntermittentModel.swift names the sources."""
    rows = len(values)
    size, interval, since = np.zeros(rows), np.ones(rows), np.zeros(rows)
    probability = (values[:, 0] > 0).astype(float)
    seen = np.zeros(rows, dtype=bool)
    for period, demand in enumerate(values.T):
        occurs = demand > 0
        since += 1
        if period > 0:
            probability += interval_factor * (occurs - probability)
        first, later = occurs & ~seen, occurs & seen
        size = np.where(first, demand, np.where(later, size + size_factor * (demand - size), size))
        interval = np.where(first, since, np.where(later, interval + interval_factor * (since - interval), interval))
        since[occurs] = 0
        seen |= occurs
    rate = probability * size if method == "tsb" else size / interval
    return np.where(seen, rate * (1 - interval_factor / 2 if method == "sba" else 1), np.nan)


def main():
    arguments = parser(__doc__, "screening-demand", history=60, horizon=3, kind="demand", series="*.*.screening.*")
    arguments.add_argument("--method", default="sba", choices=["croston", "sba", "tsb"], help="default: %(default)s")
    arguments = arguments.parse_args()
    plan = Plan(arguments, {"kind": "window_mean"})
    history, horizon = arguments.history, arguments.horizon
    grid = [0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4]

    def errors(windows, factors):
        """[steps, windows] of the windows with demand, relative to the mean demand."""
        rate = rates(arguments.method, windows.values[:, :history], *factors)
        later = windows.values[:, history:history + horizon].T
        return ((later - rate) / windows.scale)[:, np.isfinite(rate)]

    best = min(itertools.product(grid, grid), key=lambda factors: (errors(plan.training, factors) ** 2).mean())
    rate = rates(arguments.method, plan.holdout.values[:, :history], *best)
    usable = np.flatnonzero(np.isfinite(rate))
    if len(usable) == 0:
        raise SystemExit("no held-out window has any demand")
    holdout_errors = errors(plan.holdout, best)
    model = manifest(
        plan, arguments.method, smoothing={"size": best[0], "interval": best[1]},
        probes=[probe(plan.holdout, index, [rate[index]] * horizon) for index in usable[[0, -1]]],
        **calibration_fields(plan.holdout, usable, holdout_errors, plan.quantiles))
    folder = publish(arguments.registry, model)
    print(f"{folder}: factors {best[0]} (size), {best[1]} (interval or probability); "
          f"error (root mean square, relative to the mean demand) {np.sqrt((holdout_errors ** 2).mean()):.5f}"
          + interval_summary(model))


if __name__ == "__main__":
    main()
