#!/usr/bin/python3
"""Writes model.json beside itself: a model that takes a pair for one product when both sides are covered and nothing
contradicts, and a row's claim when no other row has a better one. Needs numpy and XGBoost 1.7 (python3-xgboost)."""

import base64
import json
import os

import numpy as np
import xgboost

PAIR, ROW = 90, 196
ROW_COVERED, NAME_COVERED, PERCENT, SIZE = 2, 3, 22, 25
"""Places in PairFeature."""
RIVAL = 5
"""Place in RowDecision's features."""


def learn(features, labels):
    parameters = {"objective": "binary:logistic", "max_depth": 4, "eta": 0.5, "nthread": 1, "seed": 1}
    return xgboost.train(parameters, xgboost.DMatrix(features, labels), 12)


def main():
    random = np.random.default_rng(1)
    pairs = np.zeros((4000, PAIR), np.float32)
    pairs[:, [ROW_COVERED, NAME_COVERED]] = random.random((4000, 2))
    pairs[:, [PERCENT, SIZE]] = random.integers(-1, 2, (4000, 2))
    first = learn(pairs, (pairs[:, ROW_COVERED] > 0.75) & (pairs[:, NAME_COVERED] > 0.7) & (pairs[:, PERCENT] != 0)
                  & (pairs[:, SIZE] != 0))
    rows = np.zeros((4000, ROW), np.float32)
    rows[:, [0, RIVAL]] = random.random((4000, 2))
    second = learn(rows, (rows[:, 0] > 0.5) & (rows[:, 0] > rows[:, RIVAL] - 0.01))
    content = {
        "format": 1, "version": "test", "features": PAIR, "same": 0.7, "perhaps": 0.3,
        "probes": {"pairs": pairs[:3].tolist(), "rows": rows[:3].tolist(),
                   "pairAnswers": first.predict(xgboost.DMatrix(pairs[:3])).tolist(),
                   "rowAnswers": second.predict(xgboost.DMatrix(rows[:3])).tolist()},
        "pairs": base64.b64encode(bytes(first.save_raw(raw_format="ubj"))).decode(),
        "rows": base64.b64encode(bytes(second.save_raw(raw_format="ubj"))).decode()}
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "model.json"), "w", encoding="utf-8") as file:
        json.dump(content, file)


if __name__ == "__main__":
    main()
