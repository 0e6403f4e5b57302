"""Compares what the batch layer computes with what the live layer said of the same records.

For each symbol and date: the signals of the job `features` against those that were published live and archived, each in
its last version. A signal that only one of the two has, or of which a value differs, is a row of the dataset `compare`;
no tolerance: the same program computes both from the same records. The job's message says the sums. `parameters.source`
is that of the job `features`: `bars` (the default), `flow` or `sentiment`."""

import hashlib
import json

import pyarrow as pa

import records
from archive import Archive, digest, unpacked
from lake import Dataset
from records import DOUBLE, SIGNAL_SOURCES, TEXT, WHOLE, Refused, chosen_dates, read, resolved, signal_source

COLUMNS = pa.schema([("symbol", TEXT), ("date", TEXT), ("id", TEXT), ("start_ns", WHOLE), ("difference", TEXT),
                     ("name", TEXT), ("batch", DOUBLE), ("live", DOUBLE)])
KINDS = ("value", "only_batch", "only_live")


def dataset(job):
    source = signal_source(job)
    return "compare" if source == "bars" else f"compare-{source}"


def plan(job, store, before):
    batch = Dataset(store, SIGNAL_SOURCES[signal_source(job)][1])
    pointer = batch.pointer()
    if not pointer:
        raise Refused(f"there is no '{batch.name}' of the batch layer yet: run a job of kind features first",
                      "no_input")
    manifest = batch.manifest(pointer)
    archive = Archive(store, records.SIGNALS.source)
    # A date between them on which nothing was said live is one of differences, too.
    dates = chosen_dates(job, archive)
    until = {each["symbol"]: each["covers"][-1]["until_ns"] for each in manifest["boundaries"] if each["covers"]}
    wanted = set(job["symbols"])
    tasks = []
    for part in manifest["parts"]:
        if not dates or not dates[0] <= part["date"] <= dates[-1] or wanted and part["symbol"] not in wanted:
            continue
        live = [entry for entry in archive.objects(part["date"]) if entry["symbol"] == part["symbol"]]
        inputs = hashlib.sha256((part["sha256"] + digest(live)).encode()).hexdigest()
        tasks.append({"name": f"{len(tasks):06}", "date": part["date"], "symbol": part["symbol"],
                      "lines": part["lines"], "objects": [entry["object"] for entry in live], "inputs": inputs,
                      "until": until.get(part["symbol"], 0)})
    if not tasks:
        raise Refused("the batch layer and the archive of live signals have no date in common", "no_input")
    return {"schema": "compare/1", "boundaries": [], "tasks": tasks,
            "inputs": [{"dataset": batch.name, "manifest": pointer["manifest"], "objects": len(tasks),
                        "sha256": hashlib.sha256("".join(task["inputs"] for task in tasks).encode()).hexdigest()}]}


def run(job, store, task, write):
    batch = signals(unpacked(store.get(task["lines"]), task["lines"]).splitlines(), job, task)
    _, lines = resolved(read(store, task), records.SIGNALS)
    live = signals(lines, job, task)
    rows = list(differences(batch, live))
    for row in rows:
        row.update(symbol=task["symbol"], date=task["date"])
    table = pa.Table.from_pylist(rows, schema=COLUMNS)
    times = (min(row["start_ns"] for row in rows), max(row["start_ns"] for row in rows)) if rows else (0, 0)
    part = write(task["date"], task["symbol"], table, [records.line(row) for row in rows], times, task["inputs"])
    part["compared"] = len(batch.keys() & live.keys())
    part["differences"] = {kind: sum(row["difference"] == kind for row in rows)
                           for kind in KINDS}
    return [part]


def signals(lines, job, task):
    """By id, those of the job's source that end where the batch layer ends, or before. One without values says that
    nothing stands of it any more."""
    ending = "" if signal_source(job) == "bars" else f"{signal_source(job)}-"
    found = {}
    for each in map(json.loads, lines):
        interval = each["interval"]
        if interval.startswith(ending) and ("-" in interval) == bool(ending) and each["values"] and (
                each["start_ns"] + records.LENGTHS.get(interval, 0) <= task["until"]):
            found[each["id"]] = each
    return found


def differences(batch, live):
    for name in sorted(batch.keys() | live.keys()):
        one, other = batch.get(name), live.get(name)
        if one is None or other is None:
            yield {"id": name, "start_ns": (one or other)["start_ns"],
                   "difference": "only_batch" if other is None else "only_live"}
            continue
        for value in sorted(one["values"].keys() | other["values"].keys()):
            ours, theirs = one["values"].get(value), other["values"].get(value)
            if ours != theirs:
                yield {"id": name, "start_ns": one["start_ns"], "difference": "value", "name": value, "batch": ours,
                       "live": theirs}


def sums(parts):
    return {kind: sum(part["differences"][kind] for part in parts) for kind in KINDS}


def message(parts):
    found = sums(parts)
    return (f"{sum(part['compared'] for part in parts)} signals are in both, {found['value']} values differ, "
            f"{found['only_batch']} only in the batch layer, {found['only_live']} only live")
