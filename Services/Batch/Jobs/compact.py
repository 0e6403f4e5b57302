"""Archived records into Parquet: one row for each name, its last version, in the order of time.

`parameters.dataset` says which: `bars` (the default), `options-flow`, `sentiment-events`, or `observations` of the
archive's dataset that `parameters.source` names."""

import records
from records import Kind, Plan, Refused, bar_ends, chosen, grouped, read, resolved

KINDS = {"bars": records.BARS, "options-flow": records.FLOW, "sentiment-events": records.SENTIMENT,
         "observations": records.OBSERVATIONS}


def dataset(job):
    name = job["parameters"].get("dataset", "bars")
    if name not in KINDS:
        raise Refused(f"there is no dataset '{name}'; there are {', '.join(KINDS)}")
    return name


def kind(job) -> Kind:
    return KINDS[dataset(job)]


def plan(job, store, before):
    source = job["parameters"].get("source") or kind(job).source
    if not source:
        raise Refused("parameters.source has to name the dataset of the archive")
    found = Plan(job, store, source)
    return {"schema": kind(job).schema, "inputs": found.inputs, "boundaries": found.boundaries(),
            "tasks": grouped(found.parts(before))}


def run(job, store, task, write):
    parts = []
    for part in task["parts"]:
        rows, lines = resolved(read(store, part), kind(job))
        if dataset(job) == "bars":
            # A bar that is open at the boundary belongs to the live layer.
            ended = [index for index, end in enumerate(bar_ends(rows)) if end <= part["until"]]
            rows, lines = chosen(rows, lines, ended)
            times = rows.column("start_ns").to_pylist()
        else:
            times = [records.instant(time) if isinstance(time, str) else time
                     for time in rows.column(kind(job).time).to_pylist()]
            early = [index for index, time in enumerate(times) if time < part["until"]]
            rows, lines = chosen(rows, lines, early)
            times = [times[index] for index in early]
        span = (min(times), max(times)) if times else (0, 0)
        parts.append(write(part["date"], part["symbol"], rows, lines, span, part["inputs"]))
    return parts
