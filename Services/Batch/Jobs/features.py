"""Indicators of compacted bars, or anomalies of compacted flow and sentiment, by the program that computes the live
ones: `signal-worker compute`.

`parameters.source` says of what: `bars` (the default), `flow` or `sentiment`. One task is all records of a symbol; what
it makes is written by date. `parameters.indicators`, `intervals`, `hours`, `feed` and `event_days` are those of
signal-worker's flags."""

import json

import pyarrow as pa
import pyarrow.compute

from archive import program, run_program, unpacked
from records import DOUBLE, LENGTHS, SIGNAL_SOURCES, TEXT, WHOLE, by_date, chosen, parsed, signal_source
from signals import Symbols

COLUMNS = [("symbol", TEXT), ("feed", TEXT), ("interval", TEXT), ("start_ns", WHOLE), ("known_ns", WHOLE),
           ("bars", WHOLE)]
EVENTS = pa.list_(pa.struct([("rule", TEXT), ("condition", TEXT), ("left", DOUBLE), ("right", DOUBLE)]))
FLAGS = {"indicators": "--indicators", "intervals": "--intervals", "hours": "--hours", "feed": "--only-feed",
         "event_days": "--event-days"}


def dataset(job):
    return SIGNAL_SOURCES[signal_source(job)][1]


def flags(job):
    source = [] if signal_source(job) == "bars" else ["--source", signal_source(job)]
    return source + [word for name, flag in FLAGS.items() if job["parameters"].get(name)
                     for word in (flag, job["parameters"][name])]


def plan(job, store, before):
    found = Symbols(job, store, SIGNAL_SOURCES[signal_source(job)][0], flags(job))
    return {"schema": "features/1", "boundaries": found.boundaries(before), "tasks": found.tasks(before),
            "inputs": found.inputs}


def run(job, store, task, write):
    given = b"".join(unpacked(store.get(key), key) for key in task["lines"])
    made = run_program([program("SIGNAL_WORKER", "signal-worker"), "compute", *flags(job)], given)
    complete = last_end(given.splitlines()) if signal_source(job) == "bars" else None
    signals, lines = signal_table(made.splitlines())
    starts = signals.column("start_ns").to_pylist()
    parts = []
    for date, rows in by_date(starts):
        if date >= task["from"]:
            first, last = rows[0], rows[-1] + 1
            part = write(date, task["symbol"], signals.slice(first, last - first), lines[first:last],
                         (starts[first], starts[last - 1]), task["inputs"])
            part["complete_ns"] = complete
            parts.append(part)
    return parts


def last_end(lines):
    """Where the last minute ends. A longer bar whose last minutes had no trade is complete when a later one is known:
    so what ends behind this is not complete here, although the bars are."""
    for line in reversed(lines):
        bar = json.loads(line)
        if bar["interval"] == "1m" and not bar.get("running"):
            return bar["start_ns"] + LENGTHS["1m"]
    return 0


def boundaries(planned, parts):
    """What the plan covers of each symbol; of bars up to the end of its last minute."""
    complete = {part["symbol"]: part["complete_ns"] for part in parts}
    found = []
    for symbol, start, until in planned:
        end = complete.get(symbol, 0)
        until = until if end is None else min(until, end)
        if start < until:
            found.append([symbol, start, until])
    return found


def signal_table(lines):
    """Signals as columns, one for each value by its name, and their lines, in the order of time."""
    columns = pa.schema(COLUMNS + [("events", EVENTS)])
    if not lines:
        return columns.empty_table(), []
    read = with_values(lines, columns)
    values = read.column("values").combine_chunks()
    names = sorted(field.name for field in values.type)
    # A number that is whole on every row is inferred as such: all values are of double precision.
    found = pa.table(
        [read.column(name) for name in columns.names] + [pa.compute.cast(values.field(name), DOUBLE) for name in names],
        names=columns.names + names)
    order = pa.compute.sort_indices(found, [(name, "ascending") for name in ("start_ns", "feed", "interval")])
    return found.take(order), [lines[index] for index in order.to_pylist()]


def with_values(lines, columns):
    """Signals with their values as one column. The last lines have every name, but for one that has no value there,
    such as a deviation among equals: then all lines are looked at."""
    names = sorted({name for line in lines[-64:] for name in json.loads(line)["values"]})
    known = [pa.field("id", TEXT), *columns, pa.field("values", pa.struct([(name, DOUBLE) for name in names]))]
    try:
        return parsed(lines, pa.schema(known), unknown="error")
    except pa.ArrowInvalid:
        return parsed(lines, columns, unknown="infer")
