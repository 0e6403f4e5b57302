#!/usr/bin/python3
"""Trains a recurrent network that reads the newest periods and returns mean and quantiles of all steps at once."""

import numpy as np
import torch

from data import Plan, parser
from networks import Network, train
from registry import calibration_fields, interval_summary, manifest, probe, publish, safetensors


def sequences(windows, features, context):
    """[windows, context, features]: the periods up to the first step, each with the values known before it."""
    places = range(windows.history - context + 1, windows.history + 1)
    return np.stack([windows.matrix(features, place) for place in places], axis=1)


def main():
    arguments = parser(__doc__, "shielding-lstm", history=31, horizon=3, series="*.*.shielding.*")
    arguments.add_argument("--features", help="comma separated (default: lag.1, drivers, calendar)")
    arguments.add_argument("--context", type=int, default=30, help="periods read (default: %(default)s)")
    arguments.add_argument("--hidden", type=int, default=32, help="cells of a layer (default: %(default)s)")
    arguments.add_argument("--layers", type=int, default=1, help="default: %(default)s")
    arguments.add_argument("--epochs", type=int, default=6, help="default: %(default)s")
    arguments = arguments.parse_args()
    torch.manual_seed(arguments.seed)
    plan = Plan(arguments, {"kind": "window_standard"}, needs_calibration=True)
    features = arguments.features.split(",") if arguments.features else (
        ["lag.1"] + [f"driver.{name}.lag.1" for name, _ in plan.drivers] + ["calendar.week_sin", "calendar.week_cos"])
    horizon, width = arguments.horizon, 1 + len(plan.quantiles)

    def tensors(windows):
        x = sequences(windows, features, arguments.context)
        y = np.stack([windows.target("difference", step) for step in range(horizon)], axis=1)
        keep = np.isfinite(x).all(axis=(1, 2)) & np.isfinite(y).all(axis=1)
        return torch.from_numpy(x[keep]), torch.from_numpy(y[keep].astype(np.float32)), np.flatnonzero(keep)

    x, y, _ = tensors(plan.training)
    network = Network(len(features), arguments.hidden, arguments.layers, horizon * width)
    probabilities = torch.tensor(plan.quantiles)

    def outputs(x):
        return network(x)[0][:, -1].reshape(-1, horizon, width)

    def loss(indices):
        out, target = outputs(x[indices]), y[indices]
        error = target[..., None] - out[..., 1:]
        # The pinball loss, which is minimal at the quantile.
        pinball = torch.maximum(probabilities * error, (probabilities - 1) * error).mean() if width > 1 else 0.0
        return ((out[..., 0] - target) ** 2).mean() + pinball

    train(network, loss, len(x), arguments.epochs, 3e-3, arguments.seed)
    network.eval()
    x, y, usable = tensors(plan.holdout)
    if len(usable) == 0:
        raise SystemExit("no held-out window has all features; are drivers missing there?")
    with torch.no_grad():
        out = outputs(x).numpy().astype(np.float64)
    error = np.sqrt(((out[..., 0] - y.numpy()) ** 2).mean())
    means = np.full((len(plan.holdout), horizon), np.nan)
    for step in range(horizon):
        full = np.zeros(len(plan.holdout))
        full[usable] = out[:, step, 0]
        means[:, step] = plan.holdout.restored("difference", full)
    # [steps, quantiles, windows]: the distance of the actual value from each quantile, after sorting the quantiles.
    errors = (y.numpy()[..., None] - np.sort(out[..., 1:], axis=2)).transpose(1, 2, 0)
    model = manifest(
        plan, "lstm", features=features, target="difference",
        network={"layers": arguments.layers, "hidden": arguments.hidden, "context": arguments.context},
        probes=[probe(plan.holdout, index, means[index]) for index in usable[[0, -1]]],
        **calibration_fields(plan.holdout, usable, errors, plan.quantiles))
    folder = publish(arguments.registry, model, safetensors(network.tensors()), "weights.safetensors")
    print(f"{folder}: error (root mean square, scaled) {error:.5f}{interval_summary(model)}")


if __name__ == "__main__":
    main()
