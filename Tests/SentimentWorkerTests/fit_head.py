"""The weights of a logistic regression, by Newton's method in double precision with numpy: what HeadFit has to find.

usage: fit_head.py FILE     {"vectors": [[...]], "labels": [...], "classes": n, "penalty": x}; prints the rows of
                            weights as JSON, each with its bias behind it
"""
import json
import sys

import numpy as np

with open(sys.argv[1]) as file:
    given = json.load(file)
vectors = np.asarray(given["vectors"], dtype=np.float64)
inputs = np.hstack([vectors, np.ones((len(vectors), 1))])
count, columns, classes, penalty = len(inputs), inputs.shape[1], given["classes"], given["penalty"]
target = np.eye(classes)[given["labels"]]
weights = np.zeros((classes, columns))
for _ in range(50):
    scores = inputs @ weights.T
    shares = np.exp(scores - scores.max(axis=1, keepdims=True))
    shares /= shares.sum(axis=1, keepdims=True)
    gradient = (shares - target).T @ inputs / count + penalty * weights
    if np.abs(gradient).max() < 1e-12:
        break
    hessian = np.zeros((classes * columns, classes * columns))
    for first in range(classes):
        for second in range(classes):
            share = shares[:, first] * ((first == second) - shares[:, second])
            block = (inputs * share[:, None]).T @ inputs / count
            hessian[first * columns:(first + 1) * columns, second * columns:(second + 1) * columns] = block
    hessian += penalty * np.eye(classes * columns)
    weights -= np.linalg.solve(hessian, gradient.ravel()).reshape(weights.shape)
print(json.dumps(weights.tolist()))
