"""Networks with random weights in several shapes, written for the registry, and what PyTorch answers (in double
precision): python3 networks.py OUTPUT [FOLDER OF REAL BARS]"""

import json
import sys

from common import Plan, demands, inputs, need, np, pairs, prices

torch = need("torch", "the Debian package python3-torch")
scipy_stats = need("scipy.stats", "the Debian package python3-scipy").stats

from features import Windows
from registry import manifest, publish, safetensors

BRENT = [("brent", "global.world.energy.brent")]
OUTPUT, FOLDER = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None
random = np.random.default_rng(11)
torch.manual_seed(11)
PRICES, DEMANDS = prices(FOLDER, random), demands(random)


class Net(torch.nn.Module):
    def __init__(self, features, hidden, layers, outputs):
        super().__init__()
        self.lstm = torch.nn.LSTM(features, hidden, layers, batch_first=True)
        self.head = torch.nn.Linear(hidden, outputs)
        with torch.no_grad():
            for parameter in self.parameters():
                # Wider than PyTorch begins with, so that gates are driven into both ends.
                parameter.mul_(2.5)

    def tensors(self):
        return {name: tensor.detach().numpy() for name, tensor in self.state_dict().items()}


def read(net, windows, features, context):
    places = range(windows.history - context + 1, windows.history + 1)
    x = np.stack([windows.matrix(features, place) for place in places], axis=1)
    return net.lstm(torch.from_numpy(x).double())


def lstm(name, layers, hidden, context, horizon, features, scaling, target, quantiles, residuals=None):
    net = Net(len(features), hidden, layers, horizon * (1 + len(quantiles)))
    history = 42
    plan = Plan(name, "price", history, horizon, quantiles, scaling, BRENT)
    made = manifest(plan, "lstm", features=features, target=target,
                    network={"layers": layers, "hidden": hidden, "context": context},
                    **({} if residuals is None else {"residuals": residuals}))
    publish(OUTPUT, made, safetensors(net.tensors()), "weights.safetensors")
    chosen = pairs(PRICES, history + horizon, 40, random)
    windows = Windows.of(chosen, ["brent"], history, horizon, plan.period, scaling)
    with torch.no_grad():
        net.double()
        out = net.head(read(net, windows, features, context)[0][:, -1]).numpy().reshape(len(windows), horizon, -1)
    if residuals is not None:
        out[..., 1:] = np.sort(out[..., 1:], axis=2) + np.array(residuals)
    restored = np.stack([[windows.restored(target, out[:, step, column]) for column in range(out.shape[2])]
                         for step in range(horizon)]).transpose(2, 0, 1)
    return {"model": name, "inputs": inputs(windows), "means": restored[..., 0].tolist(),
            "quantiles": np.sort(restored[..., 1:], axis=2).tolist()}


def softplus(x):
    return np.logaddexp(0, x)


def parameters(head, numbers, scale, offset=0.0):
    numbers = numbers.astype(np.float64)
    first, spread = numbers[:, 0], softplus(numbers[:, 1])
    if head == "gaussian":
        return np.stack([offset + first * scale, (spread + 1e-6) * scale], axis=1)
    if head == "student_t":
        return np.stack([offset + first * scale, (spread + 1e-6) * scale, 2 + softplus(numbers[:, 2])], axis=1)
    return np.stack([softplus(first) * scale, spread / np.sqrt(scale)], axis=1)


def distribution(head, row):
    if head == "gaussian":
        return scipy_stats.norm(row[:, 0], row[:, 1])
    if head == "student_t":
        return scipy_stats.t(row[:, 2], row[:, 0], row[:, 1])
    shape = 1 / row[:, 1]
    return scipy_stats.nbinom(shape, shape / (shape + row[:, 0]))


def deepar(name, head, layers, hidden, context, features, samples, history=44, horizon=4, scaled="window_mean"):
    """Distributions along the path that came; and sampled here, by another generator, what all paths together give."""
    counts = {"gaussian": 2, "student_t": 3, "negative_binomial": 2}[head]
    net = Net(len(features), hidden, layers, counts)
    series, kind, drivers = (DEMANDS, "demand", []) if head == "negative_binomial" else (PRICES, "price", BRENT)
    quantiles, scaling = [0.05, 0.25, 0.5, 0.9], {"kind": scaled}
    with torch.no_grad():
        if scaled == "window_standard":
            net.head.weight.mul_(0.3)
        elif head != "negative_binomial":
            # A location near what prices are, and a spread of a few percent.
            net.head.weight.mul_(0.1)
            net.head.bias[0], net.head.bias[1] = 1.0, -2.5
    plan = Plan(name, kind, history, horizon, quantiles, scaling, drivers)
    made = manifest(plan, "deepar", features=features, target="value",
                    network={"layers": layers, "hidden": hidden, "context": context, "head": head, "samples": samples})
    publish(OUTPUT, made, safetensors(net.tensors()), "weights.safetensors")
    names = [driver for driver, _ in drivers]
    windows = Windows.of(pairs(series, history + horizon, 20, random), names, history, horizon, plan.period, scaling)
    scale, offset = windows.scale, windows.offset
    with torch.no_grad():
        net.double()
        hidden_states, state = read(net, windows, features, context)
        first = parameters(head, net.head(hidden_states[:, -1]).numpy(), scale, offset)
        along, then = [first], state
        for step in range(1, horizon):
            x = torch.from_numpy(windows.matrix(features, history + step)).double()[:, None]
            out, then = net.lstm(x, then)
            along.append(parameters(head, net.head(out[:, 0]).numpy(), scale, offset))
        sampled = sample(net, head, windows, features, state, first, horizon, 1_000)
    # The first step's quantiles, with what chance may do to those of `samples` paths: five standard errors.
    error = [5 * np.sqrt(q * (1 - q) / samples) for q in quantiles]
    exact = distribution(head, first)
    lower = np.stack([exact.ppf(max(q - e, 1e-9)) for q, e in zip(quantiles, error)], axis=1)
    upper = np.stack([exact.ppf(min(q + e, 1 - 1e-9)) for q, e in zip(quantiles, error)], axis=1)
    return {"model": name, "inputs": inputs(windows, seed=1 << 60), "samples": samples, "head": head,
            "path": windows.values[:, history:].tolist(), "parameters": np.stack(along, axis=1).tolist(),
            "lower": lower.tolist(), "upper": upper.tolist(), **sampled}


def sample(net, head, windows, features, state, first, horizon, count):
    rows = len(windows)
    generator = np.random.default_rng(5)
    repeated = np.repeat(np.arange(rows), count)
    copy = Windows(windows.values[repeated], windows.times[repeated], windows.drivers[repeated], windows.driver_names,
                   windows.history, windows.period, windows.scaling)
    state = tuple(part[:, repeated].contiguous() for part in state)
    current, means, deviations = first[repeated], [], []
    for step in range(horizon):
        values = distribution(head, current).rvs(random_state=generator)
        means.append(values.reshape(rows, count).mean(axis=1))
        deviations.append(values.reshape(rows, count).std(axis=1))
        copy.values[:, windows.history + step] = np.maximum(values, 0) if head == "negative_binomial" else values
        if step + 1 < horizon:
            x = torch.from_numpy(copy.matrix(features, windows.history + step + 1)).double()[:, None]
            out, state = net.lstm(x, state)
            current = parameters(head, net.head(out[:, 0]).numpy(), copy.scale, copy.offset)
    return {"sampled": count, "sampled_means": np.stack(means, axis=1).tolist(),
            "deviations": np.stack(deviations, axis=1).tolist()}


CALENDAR = ["calendar.week_sin", "calendar.week_cos", "calendar.year_sin", "calendar.year_cos"]
cases = {
    "lstm": [
        lstm("lstm-one", 1, 40, 30, 3, ["lag.1", "driver.brent.lag.1", *CALENDAR], {"kind": "window_standard"},
             "difference", [0.1, 0.5, 0.9]),
        lstm("lstm-three", 3, 13, 24, 5, ["lag.1", "change.1", "mean.5", "deviation.5", "driver.brent.change.2"],
             {"kind": "window_standard"}, "difference", []),
        lstm("lstm-tiny", 2, 1, 1, 1, ["lag.1", "calendar.day_sin"], {"kind": "window_mean"}, "value", [0.5]),
        lstm("lstm-measured", 1, 16, 20, 2, ["lag.1"], {"kind": "window_standard"}, "difference", [0.1, 0.5, 0.9],
             [[-0.4, 0.01, 0.3], [0.9, -0.02, -0.7]]),
        lstm("lstm-wide", 1, 64, 42, 2, ["lag.1"], {"kind": "window_standard"}, "log_change", [0.2, 0.8]),
    ],
    "deepar": [
        deepar("deepar-gaussian", "gaussian", 1, 40, 30, ["lag.1", "lag.2", "lag.7", "driver.brent.lag.1", *CALENDAR],
               400),
        deepar("deepar-student", "student_t", 2, 20, 20, ["lag.1", "lag.3", "log_scale", "calendar.weekday"], 400),
        deepar("deepar-standard", "student_t", 1, 20, 20, ["lag.1", "lag.2", "driver.brent.lag.1"], 400,
               scaled="window_standard"),
        deepar("deepar-counts", "negative_binomial", 1, 24, 30, ["lag.1", "lag.2", "log_scale"], 400),
    ],
}
with open(f"{OUTPUT}/expected.json", "w") as file:
    json.dump(cases, file, allow_nan=False)
