#!/usr/bin/python3
"""A recurrent network that gives a distribution for each step (DeepAR, Salinas et al. 2020)."""

import numpy as np
import torch

from data import Plan, parser
from networks import PARAMETERS, Network, loss, parameters, train
from registry import manifest, probe, publish, safetensors


def sequences(windows, features, context, horizon):
    """[windows, context + horizon - 1, features]; after the first step with the values that came."""
    places = range(windows.history - context + 1, windows.history + horizon)
    return np.stack([windows.matrix(features, place) for place in places], axis=1)


def main():
    arguments = parser(__doc__, "shielding-deepar", history=36, horizon=3, series="*.*.shielding.*")
    arguments.add_argument("--features", help="comma separated (default: lags, drivers, calendar, log_scale)")
    arguments.add_argument("--context", type=int, default=30, help="periods read (default: %(default)s)")
    arguments.add_argument("--hidden", type=int, default=32, help="cells of a layer (default: %(default)s)")
    arguments.add_argument("--layers", type=int, default=1, help="default: %(default)s")
    arguments.add_argument("--head", default="student_t", choices=sorted(PARAMETERS), help="default: %(default)s")
    arguments.add_argument("--samples", type=int, default=100, help="paths (default: %(default)s)")
    arguments.add_argument("--epochs", type=int, default=6, help="default: %(default)s")
    arguments = arguments.parse_args()
    torch.manual_seed(arguments.seed)
    plan = Plan(arguments, {"kind": "window_mean"})
    features = arguments.features.split(",") if arguments.features else (
        ["lag.1", "lag.2", "lag.5"] + [f"driver.{name}.lag.1" for name, _ in plan.drivers]
        + ["calendar.week_sin", "calendar.week_cos", "log_scale"])
    horizon, context = arguments.horizon, arguments.context
    first = arguments.history - context + 1

    def tensors(windows):
        x = sequences(windows, features, context, horizon)
        y = windows.values[:, first:]
        keep = np.isfinite(x).all(axis=(1, 2)) & np.isfinite(y).all(axis=1)
        return (torch.from_numpy(x[keep]), torch.from_numpy(y[keep].astype(np.float32)),
                torch.from_numpy(windows.scale[keep].astype(np.float32)), np.flatnonzero(keep))

    x, y, scale, _ = tensors(plan.learn)
    network = Network(len(features), arguments.hidden, arguments.layers, PARAMETERS[arguments.head])

    def likelihood(indices):
        return loss(arguments.head, network(x[indices])[0], y[indices], scale[indices, None].expand_as(y[indices]))

    train(network, likelihood, len(x), arguments.epochs, 3e-3, arguments.seed)
    network.eval()
    x, y, scale, usable = tensors(plan.check)
    if len(usable) == 0:
        raise SystemExit("no window after the cut has all features; are drivers missing there?")
    with torch.no_grad():
        numbers = network(x)[0]
        left = float(loss(arguments.head, numbers, y, scale[:, None].expand_as(y)))
        # The mean of the first step is exact; those of later ones are averages over sampled paths.
        means = parameters(arguments.head, numbers[:, context - 1], scale)[0].numpy()
    made = manifest(
        plan, "deepar", features=features, target="value",
        network={"layers": arguments.layers, "hidden": arguments.hidden, "context": context,
                 "head": arguments.head, "samples": arguments.samples},
        probes=[probe(plan.check, usable[row], [means[row]]) for row in (0, len(usable) - 1)])
    folder = publish(arguments.registry, made, safetensors(network.tensors()), "weights.safetensors")
    print(f"{folder}: negative log likelihood on later data {left:.5f}")


if __name__ == "__main__":
    main()
