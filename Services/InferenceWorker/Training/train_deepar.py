#!/usr/bin/python3
"""Trains a recurrent network with a distribution per step (DeepAR, Salinas et al. 2020)."""

import numpy as np
import torch

from data import Plan, parser
from features import Windows
from networks import PARAMETERS, Network, draw, loss, parameters, train
from registry import calibration_fields, interval_summary, manifest, probe, publish, safetensors


def sequences(windows, features, context, horizon):
    """[windows, context + horizon - 1, features]; steps after the first read the actual values."""
    places = range(windows.history - context + 1, windows.history + horizon)
    return np.stack([windows.matrix(features, place) for place in places], axis=1)


def sampled(network, windows, features, context, horizon, head, samples, quantiles):
    """[horizon, quantiles, windows]: the quantiles of sampled paths, scaled, as the worker computes them."""
    counts = head == "negative_binomial"
    x = np.stack([windows.matrix(features, place)
                  for place in range(windows.history - context + 1, windows.history + 1)], axis=1)
    output, state = network.lstm(torch.from_numpy(x))
    rows = len(windows) * samples
    numbers = network.head(output[:, -1]).repeat_interleave(samples, 0)
    state = tuple(part.repeat_interleave(samples, 1) for part in state)
    scale = torch.from_numpy(np.repeat(windows.scale, samples).astype(np.float32)) if counts else torch.ones(rows)
    values = np.repeat(windows.values[:, :windows.history], samples, axis=0)
    steps = []
    for step in range(horizon):
        if step > 0:
            paths = Windows(values, np.repeat(windows.times, samples, 0), np.repeat(windows.drivers, samples, 0),
                            windows.driver_names, windows.history, windows.period, windows.scaling)
            output, state = network.lstm(
                torch.from_numpy(paths.matrix(features, windows.history + step))[:, None], state)
            numbers = network.head(output[:, 0])
        numeric = draw(head, numbers, scale).numpy().astype(np.float64).reshape(len(windows), samples)
        actual = numeric if counts else windows.offset[:, None] + windows.scale[:, None] * numeric
        values = np.concatenate([values, actual.reshape(rows, 1)], axis=1)
        steps.append(np.quantile(((actual.T - windows.offset) / windows.scale).T, quantiles, axis=1))
    return np.stack(steps)


def main():
    arguments = parser(__doc__, "shielding-deepar", history=36, horizon=3, series="*.*.shielding.*")
    arguments.add_argument("--features", help="comma separated (default: lags, drivers, calendar)")
    arguments.add_argument("--context", type=int, default=30, help="periods read (default: %(default)s)")
    arguments.add_argument("--hidden", type=int, default=32, help="cells of a layer (default: %(default)s)")
    arguments.add_argument("--layers", type=int, default=1, help="default: %(default)s")
    arguments.add_argument("--head", default="student_t", choices=sorted(PARAMETERS), help="default: %(default)s")
    arguments.add_argument("--samples", type=int, default=100, help="sample paths (default: %(default)s)")
    arguments.add_argument("--epochs", type=int, default=6, help="default: %(default)s")
    arguments = arguments.parse_args()
    torch.manual_seed(arguments.seed)
    # Prices are scaled by their own deviation, so that a change of 0.1 % is not lost beside the level. Counts are not.
    counts = arguments.head == "negative_binomial"
    plan = Plan(arguments, {"kind": "window_mean" if counts else "window_standard"})
    features = arguments.features.split(",") if arguments.features else (
        ["lag.1", "lag.2", "lag.5"] + [f"driver.{name}.lag.1" for name, _ in plan.drivers]
        + ["calendar.week_sin", "calendar.week_cos"] + (["log_scale"] if counts else []))
    horizon, context = arguments.horizon, arguments.context
    first = arguments.history - context + 1

    def tensors(windows):
        x = sequences(windows, features, context, horizon)
        y = (windows.values if counts else windows.scaled(windows.values))[:, first:]
        scale = windows.scale if counts else np.ones(len(windows))
        keep = np.isfinite(x).all(axis=(1, 2)) & np.isfinite(y).all(axis=1)
        return (torch.from_numpy(x[keep]), torch.from_numpy(y[keep].astype(np.float32)),
                torch.from_numpy(scale[keep].astype(np.float32)), np.flatnonzero(keep))

    x, y, scale, _ = tensors(plan.training)
    network = Network(len(features), arguments.hidden, arguments.layers, PARAMETERS[arguments.head])

    def likelihood(indices):
        return loss(arguments.head, network(x[indices])[0], y[indices], scale[indices, None].expand_as(y[indices]))

    train(network, likelihood, len(x), arguments.epochs, 3e-3, arguments.seed)
    network.eval()
    x, y, scale, usable = tensors(plan.holdout)
    if len(usable) == 0:
        raise SystemExit("no held-out window has all features; are drivers missing there?")
    with torch.no_grad():
        numbers = network(x)[0]
        likelihood_loss = float(loss(arguments.head, numbers, y, scale[:, None].expand_as(y)))
        # The mean of the first step is exact; the means of later steps are averages over sampled paths.
        output = parameters(arguments.head, numbers[:, context - 1], scale)[0].numpy()
        quantiles = np.concatenate([
            sampled(network, plan.holdout.subset(part), features, context, horizon, arguments.head, arguments.samples,
                    plan.quantiles)
            for part in np.array_split(usable, len(usable) // 500 + 1)], axis=2) if plan.quantiles else None
    means = np.zeros(len(plan.holdout))
    means[usable] = output
    means = means if counts else plan.holdout.restored("value", means)
    errors = None if quantiles is None else (
        plan.holdout.scaled(plan.holdout.values)[usable, arguments.history:].T[:, None] - quantiles)
    model = manifest(
        plan, "deepar", features=features, target="value",
        network={"layers": arguments.layers, "hidden": arguments.hidden, "context": context,
                 "head": arguments.head, "samples": arguments.samples},
        probes=[probe(plan.holdout, usable[row], [means[usable[row]]]) for row in (0, len(usable) - 1)],
        **calibration_fields(plan.holdout, usable, errors, plan.quantiles))
    folder = publish(arguments.registry, model, safetensors(network.tensors()), "weights.safetensors")
    print(f"{folder}: negative log likelihood on held-out data {likelihood_loss:.5f}{interval_summary(model)}")


if __name__ == "__main__":
    main()
