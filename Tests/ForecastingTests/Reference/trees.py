"""Trains boosted trees and says what the xgboost package answers: python3 trees.py OUTPUT [FOLDER OF REAL BARS]"""

import json
import sys

from common import Plan, demands, inputs, need, np, pairs, prices

xgboost = need("xgboost", "the Debian package python3-xgboost")

from features import Windows
from registry import manifest, publish, residuals

OUTPUT, FOLDER = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
random = np.random.default_rng(7)
FEATURES = ["change.1", "change.5", "lag.1", "lag.4", "mean.5", "deviation.10", "driver.brent.change.3",
            "driver.brent.lag.1", "calendar.month", "calendar.day", "calendar.weekday", "calendar.hour",
            "calendar.year_sin", "calendar.day_cos", "step"]


def case(name, series, kind, drivers, features, scaling, target, form, parameters, history=21, horizon=3):
    quantiles = [0.1, 0.9]
    windows = Windows.of(pairs(series, history + horizon, 700, random), [driver for driver, _ in drivers], history,
                         horizon, 86_400, scaling)
    matrix = np.stack([windows.matrix(features, history, history + step, step + 1) for step in range(horizon)])
    outcome = np.stack([windows.target(target, step) for step in range(horizon)])
    booster = xgboost.train({"nthread": 1, "seed": 3, **parameters},
                            xgboost.DMatrix(matrix.reshape(-1, len(features)), outcome.reshape(-1)), 60)
    out = booster.predict(xgboost.DMatrix(matrix.reshape(-1, len(features)))).reshape(horizon, -1).astype(np.float64)
    spread = residuals(outcome - out, quantiles)
    plan = Plan(name, kind, history, horizon, quantiles, scaling, drivers)
    publish(OUTPUT, manifest(plan, "xgboost", features=features, target=target, residuals=spread),
            bytes(booster.save_raw(raw_format=form)), f"model.{form}")
    floor = 0 if kind == "demand" else -np.inf
    means = np.stack([np.maximum(windows.restored(target, row), floor) for row in out], axis=1)
    bounds = np.stack([[np.maximum(windows.restored(target, out[step] + spread[step][index]), floor)
                        for index in range(len(quantiles))] for step in range(horizon)]).transpose(2, 0, 1)
    return {"model": name, "inputs": inputs(windows), "means": means.tolist(), "quantiles": bounds.tolist(),
            "features": matrix.transpose(1, 0, 2).astype(np.float64).tolist()}


brent = [("brent", "global.world.energy.brent")]
bars = prices(FOLDER, random)
own = [name for name in FEATURES if not name.startswith("driver")]
deep = {"max_depth": 5, "eta": 0.1, "tree_method": "hist", "subsample": 0.8}
cases = [
    case("trees-oil", bars, "price", brent, FEATURES, {"kind": "window_standard"}, "log_change", "ubj", deep),
    case("trees-json", bars, "price", [], own, {"kind": "window_mean"}, "difference", "json", {"max_depth": 3}),
    case("trees-standard", bars, "price", brent, FEATURES, {"kind": "standard", "mean": 40.0, "deviation": 9.5},
         "value", "ubj", {"max_depth": 4, "booster": "dart", "rate_drop": 0.1}),
    case("trees-counts", demands(random), "demand", [], ["lag.1", "lag.2", "mean.7", "deviation.7", "step"],
         {"kind": "none"}, "value", "json", {"objective": "count:poisson"}),
]
with open(f"{OUTPUT}/expected.json", "w") as file:
    json.dump(cases, file, allow_nan=False)
