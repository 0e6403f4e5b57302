#!/usr/bin/python3
"""Trains boosted trees over lags, drivers and the calendar, one row per step of the forecast."""

import numpy as np
import xgboost

from data import Plan, parser
from registry import calibration_fields, interval_summary, manifest, probe, publish


def default_features(drivers):
    features = ["change.1", "change.2", "change.3", "change.5", "change.10", "lag.1", "lag.2", "mean.5", "deviation.5"]
    for name in drivers:
        features += [f"driver.{name}.change.{periods}" for periods in (1, 2, 5, 10)] + [f"driver.{name}.lag.1"]
    return features + ["calendar.month", "calendar.weekday", "step"]


def rows(windows, features, horizon):
    """[horizon * windows, features], step by step."""
    return np.concatenate(
        [windows.matrix(features, windows.history, windows.history + step, step + 1) for step in range(horizon)])


def main():
    arguments = parser(__doc__, "polymer-xgboost", history=30, horizon=3, series="*.*.polymer.*")
    arguments.add_argument("--features", help="comma separated (default: changes, lags, drivers, calendar, step)")
    arguments.add_argument("--target", default="log_change", choices=["log_change", "difference", "value"])
    arguments.add_argument("--rounds", type=int, default=120, help="number of trees (default: %(default)s)")
    arguments.add_argument("--depth", type=int, default=4, help="depth of a tree (default: %(default)s)")
    arguments.add_argument("--format", default="ubj", choices=["ubj", "json"], help="default: %(default)s")
    arguments = arguments.parse_args()
    plan = Plan(arguments, {"kind": "window_standard"})
    features = arguments.features.split(",") if arguments.features else default_features(n for n, _ in plan.drivers)
    horizon = arguments.horizon

    matrix = rows(plan.training, features, horizon)
    target = np.concatenate([plan.training.target(arguments.target, step) for step in range(horizon)])
    keep = np.isfinite(matrix).all(axis=1) & np.isfinite(target)
    booster = xgboost.train(
        {"objective": "reg:squarederror", "max_depth": arguments.depth, "eta": 0.08, "subsample": 0.8,
         "colsample_bytree": 0.8, "min_child_weight": 5, "tree_method": "hist", "seed": arguments.seed, "nthread": 2},
        xgboost.DMatrix(matrix[keep], target[keep]), arguments.rounds)

    def predict(windows):
        return booster.predict(xgboost.DMatrix(rows(windows, features, horizon))).reshape(horizon, len(windows))

    errors = np.stack([plan.holdout.target(arguments.target, step) for step in range(horizon)]) - predict(plan.holdout)
    means = np.stack([plan.holdout.restored(arguments.target, output) for output in predict(plan.holdout)], axis=1)
    finite = np.isfinite(rows(plan.holdout, features, horizon)).all(axis=1).reshape(horizon, -1).all(axis=0)
    usable = np.flatnonzero(finite & np.isfinite(errors).all(axis=0))
    if len(usable) == 0:
        raise SystemExit("no held-out window has all features; are drivers missing there?")
    model = manifest(
        plan, "xgboost", features=features, target=arguments.target,
        probes=[probe(plan.holdout, index, means[index]) for index in usable[[0, -1]]],
        **calibration_fields(plan.holdout, usable, errors[:, usable], plan.quantiles))
    folder = publish(arguments.registry, model, bytes(booster.save_raw(raw_format=arguments.format)),
                     f"model.{arguments.format}")
    error = np.sqrt((errors[:, usable] ** 2).mean())
    print(f"{folder}: {len(matrix)} rows, error (root mean square of the target) {error:.5f}{interval_summary(model)}")


if __name__ == "__main__":
    main()
