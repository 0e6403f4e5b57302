"""Indicators of compacted bars, by the program that computes the live ones: `signal-worker compute`.

One task is all bars of a symbol, since averages of long memory depend on where a series begins; what it makes is
written by date. `parameters.indicators`, `intervals`, `hours` and `feed` are those of signal-worker's flags."""

import hashlib
import json

import pyarrow as pa
import pyarrow.compute

from archive import program, run_program, unpacked
from lake import Dataset
from records import DOUBLE, LENGTHS, TEXT, WHOLE, Days, Refused, chosen, day_of, midnight, next_day, parsed

COLUMNS = [("symbol", TEXT), ("feed", TEXT), ("interval", TEXT), ("start_ns", WHOLE), ("known_ns", WHOLE),
           ("bars", WHOLE)]
EVENTS = pa.list_(pa.struct([("rule", TEXT), ("condition", TEXT), ("left", DOUBLE), ("right", DOUBLE)]))
FLAGS = {"indicators": "--indicators", "intervals": "--intervals", "hours": "--hours", "feed": "--only-feed"}


def dataset(job):
    return "features"


def flags(job):
    return [word for name, flag in FLAGS.items() if job["parameters"].get(name)
            for word in (flag, job["parameters"][name])]


def plan(job, store, before):
    bars = Dataset(store, "bars")
    pointer = bars.pointer()
    if not pointer:
        raise Refused("there are no compacted bars yet: run a job of kind compact first", "no_input")
    manifest = bars.manifest(pointer)
    first = day_of(job["from_ns"]) if job.get("from_ns") is not None else ""
    last = day_of(job["until_ns"] - 1) if job.get("until_ns") is not None else "9999"
    wanted = set(job["symbols"])
    by_symbol = {}
    for part in manifest["parts"]:
        if part["date"] <= last and (not wanted or part["symbol"] in wanted):
            by_symbol.setdefault(part["symbol"], []).append(part)
    if not by_symbol:
        raise Refused("there are no compacted bars of these symbols and this time", "no_input")
    made = {part["symbol"]: part.get("inputs") for part in (before or {}).get("parts", [])}
    tasks, boundaries = [], []
    for symbol, parts in sorted(by_symbol.items()):
        inputs = hashlib.sha256("\n".join(
            [part["sha256"] for part in parts] + flags(job) + [first]).encode()).hexdigest()
        if made.get(symbol) != inputs:
            tasks.append({"name": f"{len(tasks):06}", "symbol": symbol, "from": first, "inputs": inputs,
                          "lines": [part["lines"] for part in parts]})
    changed = {task["symbol"] for task in tasks}
    floor = midnight(first) if first else None
    ceiling = job.get("until_ns")
    for each in manifest["boundaries"]:
        if each["symbol"] in changed:
            for span in each["covers"]:
                start = max(span["from_ns"], floor) if floor is not None else span["from_ns"]
                until = min(span["until_ns"], midnight(next_day(last))) if ceiling is not None else span["until_ns"]
                if start < until:
                    boundaries.append([each["symbol"], start, until])
    total = hashlib.sha256("\n".join(part["sha256"] for parts in by_symbol.values() for part in parts).encode())
    return {"schema": "features/1", "boundaries": boundaries, "tasks": tasks,
            "inputs": [{"dataset": "bars", "manifest": pointer["manifest"],
                        "objects": sum(len(parts) for parts in by_symbol.values()), "sha256": total.hexdigest()}]}


def run(job, store, task, write):
    bars = b"".join(unpacked(store.get(key), key) for key in task["lines"])
    made = run_program([program("SIGNAL_WORKER", "signal-worker"), "compute", *flags(job)], bars).splitlines()
    complete = last_end(bars.splitlines())
    signals, lines = signal_table(made)
    days, by_date = Days(), {}
    for index, start in enumerate(signals.column("start_ns").to_pylist()):
        by_date.setdefault(days.date(start), []).append(index)
    parts = []
    for date, rows in sorted(by_date.items()):
        if date >= task["from"]:
            found, own = chosen(signals, lines, rows)
            times = found.column("start_ns").to_pylist()
            part = write(date, task["symbol"], found, own, (times[0], times[-1]), task["inputs"])
            parts.append({**part, "complete_ns": complete})
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
    """What the plan covers of each symbol, up to the end of its last minute."""
    complete = {part["symbol"]: part["complete_ns"] for part in parts}
    return [[symbol, start, min(until, complete.get(symbol, 0))] for symbol, start, until in planned
            if start < min(until, complete.get(symbol, 0))]


def signal_table(lines):
    """Signals as columns, one for each value by its name, and their lines, in the order of time."""
    columns = pa.schema(COLUMNS + [("events", EVENTS)])
    if not lines:
        return columns.empty_table(), []
    read = parsed(lines, columns, unknown="infer")
    values = read.column("values").combine_chunks()
    names = sorted(field.name for field in values.type)
    # A number that is whole on every row is read as such: all values are of double precision.
    found = pa.table(
        [read.column(name) for name in columns.names] + [pa.compute.cast(values.field(name), DOUBLE) for name in names],
        names=columns.names + names)
    keys = list(zip(*(found.column(name).to_pylist() for name in ("start_ns", "feed", "interval"))))
    order = sorted(range(len(keys)), key=keys.__getitem__)
    return chosen(found, lines, order)
