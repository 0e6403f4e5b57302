"""Writes models into the folder that the inference worker reads: models/<name>/<version>/, then current.json."""

import datetime
import hashlib
import json
import os
import struct

import numpy as np


def rfc3339(seconds):
    return datetime.datetime.fromtimestamp(int(seconds), datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def safetensors(tensors):
    """The bytes of a safetensors file of float32 arrays."""
    header, blocks, offset = {}, [], 0
    for name, array in tensors.items():
        block = np.ascontiguousarray(array, dtype="<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [offset, offset + len(block)]}
        blocks.append(block)
        offset += len(block)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(blocks)


SMALLEST_GROUP = 200
"""Fewest windows of a material for residuals of its own."""


def residuals(errors, quantiles):
    """Split conformal: for each step and quantile, the error of that rank among n + 1. `errors` is [steps, windows], or
    [steps, quantiles, windows] where each quantile of the model has errors of its own."""
    rows = []
    for step in errors:
        count = step.shape[-1]
        ranks = [np.ceil((count + 1) * q) if q > 0.5 else np.floor((count + 1) * q) if q < 0.5 else (count + 1) / 2
                 for q in quantiles]
        ordered = np.sort(np.broadcast_to(step, (len(quantiles), count)), axis=1)
        rows.append([float(errors[int(min(max(rank, 1), count)) - 1]) for rank, errors in zip(ranks, ordered)])
    return rows


def calibration_fields(windows, usable, errors, quantiles):
    """The manifest's fields about intervals, measured on held-out windows: residuals over all series and by material,
    and the share of the newer half's values inside intervals made from the older half.

    `errors` is as for `residuals`, of `windows[usable]`: the distance of the value from the model's quantile (from its
    output, for a model without quantiles), on the scale of the output."""
    if not quantiles:
        return {}
    errors = np.asarray(errors, dtype=np.float64)
    if errors.ndim == 2:
        errors = np.repeat(errors[:, None], len(quantiles), axis=1)
    groups, times = windows.groups[usable], windows.times[usable, -1]

    def by_group(chosen):
        own = {group: residuals(errors[..., chosen & (groups == group)], quantiles)
                for group in np.unique(groups[chosen]) if (chosen & (groups == group)).sum() >= SMALLEST_GROUP}
        return residuals(errors[..., chosen], quantiles), own

    older = times < np.median(times)
    reached = None
    if older.any() and len(quantiles) > 1:
        default, own = by_group(older)
        rows = np.array([own.get(group, default) for group in groups[~older]]).transpose(1, 2, 0)
        newer = errors[..., ~older]
        reached = float(((newer[:, 0] >= rows[:, 0]) & (newer[:, -1] <= rows[:, -1])).mean())
    default, own = by_group(np.ones(len(groups), dtype=bool))
    return {"residuals": default, "group_residuals": own, "calibration": {
        "windows": int(errors.shape[-1]), "from": rfc3339(times.min()), "to": rfc3339(times.max()),
        **({} if reached is None else {"reached": round(reached, 4)})}}


def interval_summary(manifest):
    """The sentence about intervals that a training program prints; empty for a model without intervals."""
    reached = manifest.get("calibration", {}).get("reached")
    promised = manifest["quantiles"][-1] - manifest["quantiles"][0] if reached is not None else 0
    if reached is None:
        return ""
    return f"; intervals contain {100 * reached:.1f} % of later values, {100 * promised:.0f} % promised"


def probe(windows, index, means, seed=0, tolerance=1e-4):
    """An input and the means that the model has to return for it."""
    return {"values": windows.values[index, :windows.history].tolist(),
            "times": [rfc3339(time) for time in windows.times[index]],
            "drivers": windows.drivers[index].tolist(), "seed": seed,
            "means": [float(mean) for mean in means], "tolerance": tolerance}


def write(path, content):
    """Writes the file atomically."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".part", "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".part", path)


def manifest(plan, kind, **fields):
    arguments = plan.arguments
    now = datetime.datetime.now(datetime.timezone.utc)
    return {
        "format": 1, "name": arguments.name, "version": arguments.version or now.strftime("%Y%m%dT%H%M%SZ"),
        "kind": kind, "series": arguments.series, "series_kind": arguments.kind,
        "drivers": [{"name": name, "series": series} for name, series in plan.drivers],
        "history": arguments.history, "horizon": arguments.horizon, "quantiles": plan.quantiles,
        "period": arguments.period, "scaling": plan.scaling,
        "trained": {"from": rfc3339(plan.trained[0]), "to": rfc3339(plan.trained[1])},
        "created": now.strftime("%Y-%m-%dT%H:%M:%SZ"), **fields,
    }


def publish(folder, manifest, weights=None, file="weights.bin"):
    """Writes the weights, then the manifest, then current.json; returns the folder of the version."""
    home = os.path.join(folder, "models", manifest["name"])
    if weights is not None:
        manifest["weights"] = {"file": file, "sha256": hashlib.sha256(weights).hexdigest(), "bytes": len(weights)}
        write(os.path.join(home, manifest["version"], file), weights)
    text = json.dumps(manifest, indent=1, allow_nan=False).encode()
    write(os.path.join(home, manifest["version"], "manifest.json"), text)
    write(os.path.join(home, "current.json"), json.dumps({"version": manifest["version"]}).encode())
    return os.path.join(home, manifest["version"])
