"""Publishes models of every kind into FOLDER with inputs for them, and measures how fast the reference library
answers; prints {"kind": predictions per second of CPU time}: python3 models_reference.py FOLDER BATCH SECONDS PART

PART is `networks` (PyTorch), `trees` (xgboost) or `demand` (statsforecast, in the project's virtual environment). Each
library is given the features ready made, and one thread."""

import json
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../Services/InferenceWorker/Training"))
sys.dont_write_bytecode = True

import numpy as np

FOLDER, BATCH, SECONDS, PART = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
HISTORY, HORIZON, QUANTILES = 42, 3, [0.1, 0.5, 0.9]
random = np.random.default_rng(1)


def rate(call):
    """The median of three."""
    call()
    rates = []
    for _ in range(3):
        start, calls = time.process_time(), 0
        while time.process_time() - start < SECONDS / 3:
            call()
            calls += 1
        rates.append(calls * BATCH / (time.process_time() - start))
    return sorted(rates)[1]


class Plan:
    def __init__(self, name, kind, scaling):
        self.arguments = self
        self.name, self.version, self.series, self.kind, self.period = name, "1", "#", kind, 86_400
        self.history, self.horizon, self.quantiles, self.scaling = HISTORY, HORIZON, QUANTILES, scaling
        self.drivers, self.trained = [], (0, 86_400)


def windows(kind, scaling):
    from features import Windows
    span = HISTORY + HORIZON
    if kind == "demand":
        values = np.where(random.random((BATCH, span)) < 0.3, 1 + random.poisson(9, (BATCH, span)), 0).astype(float)
        values[:, 0] = 1
    else:
        values = 80 * np.exp(np.cumsum(random.normal(0, 0.02, (BATCH, span)), axis=1))
    times = np.tile(1_704_067_200 + 86_400 * np.arange(HISTORY), (BATCH, 1))
    return Windows(values, times, np.zeros((BATCH, 0, HISTORY)), [], HISTORY, 86_400, scaling)


def write_inputs(name, made):
    with open(f"{FOLDER}/{name}.json", "w") as file:
        json.dump({"values": made.values[:, :HISTORY].tolist(), "times": made.times.tolist()}, file)


def trees():
    import xgboost
    from registry import manifest, publish
    scaling = {"kind": "window_standard"}
    made = windows("price", scaling)
    features = ["change.1", "change.2", "change.3", "change.5", "change.10", "lag.1", "lag.2", "mean.5", "deviation.5",
                "calendar.month", "calendar.weekday", "step"]
    matrix = np.concatenate([made.matrix(features, HISTORY, HISTORY + step, step + 1) for step in range(HORIZON)])
    target = np.concatenate([made.target("log_change", step) for step in range(HORIZON)])
    booster = xgboost.train({"max_depth": 6, "eta": 0.1, "tree_method": "hist", "nthread": 1},
                            xgboost.DMatrix(matrix, target), 200)
    plan = Plan("xgboost", "price", scaling)
    publish(FOLDER, manifest(plan, "xgboost", features=features, target="log_change",
                             residuals=[[-0.01, 0.0, 0.01]] * HORIZON),
            bytes(booster.save_raw(raw_format="ubj")), "m.ubj")
    write_inputs("xgboost", made)
    return {"xgboost": rate(lambda: booster.inplace_predict(matrix))}


def networks():
    import torch
    from networks import Network, parameters
    from registry import manifest, publish, safetensors
    torch.set_num_threads(1)
    torch.manual_seed(1)
    rates, context, hidden, samples = {}, 30, 40, 100
    scaling = {"kind": "window_standard"}
    made, features = windows("price", scaling), ["lag.1", "calendar.week_sin", "calendar.week_cos"]
    places = range(HISTORY - context + 1, HISTORY + 1)
    network = Network(len(features), hidden, 2, HORIZON * 4).eval()
    publish(FOLDER, manifest(Plan("lstm", "price", scaling), "lstm", features=features, target="difference",
                             network={"layers": 2, "hidden": hidden, "context": context}),
            safetensors(network.tensors()), "w.safetensors")
    write_inputs("lstm", made)
    x = torch.from_numpy(np.stack([made.matrix(features, place) for place in places], axis=1))

    @torch.no_grad()
    def lstm():
        return network.head(network.lstm(x)[0][:, -1])

    rates["lstm"] = rate(lstm)
    scaling, features = {"kind": "window_mean"}, ["lag.1", "lag.2", "log_scale"]
    for head in ("gaussian", "student_t", "negative_binomial"):
        kind = "demand" if head == "negative_binomial" else "price"
        made = windows(kind, scaling)
        deep = Network(len(features), hidden, 2, 3 if head == "student_t" else 2).eval()
        with torch.no_grad():
            deep.head.bias[0], deep.head.bias[1] = 1.0, -1.0
        name = f"deepar {head}"
        shape = {"layers": 2, "hidden": hidden, "context": context, "head": head, "samples": samples}
        publish(FOLDER, manifest(Plan(name.replace(" ", "-"), kind, scaling), "deepar", features=features,
                                 target="value", network=shape), safetensors(deep.tensors()), "w.safetensors")
        write_inputs(name.replace(" ", "-"), made)
        sequence = torch.from_numpy(np.stack([made.matrix(features, place) for place in places], axis=1))
        scale = torch.from_numpy(made.scale.astype(np.float32))
        rates[name] = rate(lambda: deepar(torch, deep, head, sequence, scale, samples, parameters))
    return rates


def deepar(torch, network, head, x, scale, samples, parameters):
    """All paths of all inputs in one batch."""
    kinds = torch.distributions
    with torch.no_grad():
        out, state = network.lstm(x)
        numbers = network.head(out[:, -1]).repeat_interleave(samples, 0)
        state = tuple(part.repeat_interleave(samples, 1) for part in state)
        wide, before = scale.repeat_interleave(samples), x[:, -1, 0].repeat_interleave(samples)
        answers = []
        for step in range(HORIZON):
            if head == "gaussian":
                drawn = kinds.Normal(*parameters(head, numbers, wide)).sample()
            elif head == "student_t":
                location, spread, freedom = parameters(head, numbers, wide)
                drawn = kinds.StudentT(freedom, location, spread).sample()
            else:
                mean, dispersion = parameters(head, numbers, wide)
                drawn = torch.poisson(kinds.Gamma(1 / dispersion, 1 / (dispersion * mean)).sample())
            paths = drawn.reshape(len(x), samples)
            answers.append((paths.mean(1), torch.quantile(paths, torch.tensor(QUANTILES), dim=1)))
            if step + 1 < HORIZON:
                now = drawn / wide
                out, state = network.lstm(torch.stack([now, before, torch.log(wide)], 1)[:, None], state)
                numbers, before = network.head(out[:, 0]), now
        return answers


def demand():
    from statsforecast.models import TSB, CrostonClassic, CrostonSBA
    from registry import manifest, publish
    rates = {}
    for kind, model in (("croston", CrostonClassic()), ("sba", CrostonSBA()), ("tsb", TSB(alpha_d=0.1, alpha_p=0.1))):
        made = windows("demand", {"kind": "none"})
        plan = Plan(kind, "demand", {"kind": "none"})
        plan.quantiles = []
        publish(FOLDER, manifest(plan, kind, smoothing={"size": 0.1, "interval": 0.1}))
        write_inputs(kind, made)
        rows = [np.ascontiguousarray(row) for row in made.values[:, :HISTORY]]
        rates[kind] = rate(lambda: [model.forecast(row, HORIZON) for row in rows])
    return rates


print(json.dumps({"networks": networks, "trees": trees, "demand": demand}[PART]()))
