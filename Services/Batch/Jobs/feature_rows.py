"""The declared features of compacted records, by the program that computes them: `souk features compute`.

`parameters.source` says of which records: `bars` (the default), `signals` (of the job `features`), `flow`, `sentiment`;
`parameters.definitions` is the YAML of the features, without it those that programs have embedded. One task is all
records of a symbol; what it makes is written by the date of the event time. A row can be used from `known_ns` on: the
time at which the last record was known that made it. Columns are named as Feast's fields: `return_5m_v1`."""

import hashlib
import os
import tempfile

import pyarrow as pa
import pyarrow.compute

import signals
from archive import program, run_program, unpacked
from lake import Dataset
from records import DOUBLE, TEXT, WHOLE, Refused, by_date, chosen, parsed

# The dataset that has the records of a source.
SOURCES = {"bars": "bars", "signals": "features", "flow": "options-flow", "sentiment": "sentiment-events"}
COLUMNS = pa.schema([("symbol", TEXT), ("group", TEXT), ("event_ns", WHOLE), ("known_ns", WHOLE)])
STAMP = pa.timestamp("us", "UTC")


def source(job):
    name = job["parameters"].get("source", "bars")
    if name not in SOURCES:
        raise Refused(f"there is no source '{name}'; there are {', '.join(SOURCES)}")
    return name


def dataset(job):
    return f"feature-rows-{source(job)}"


def plan(job, store, before):
    found = signals.Symbols(job, store, SOURCES[source(job)], [source(job), job["parameters"].get("definitions", "")])
    return {"schema": "feature-rows/1", "boundaries": found.boundaries(before), "tasks": found.tasks(before),
            "inputs": found.inputs}


def run(job, store, task, write):
    given = b"".join(unpacked(store.get(key), key) for key in task["lines"])
    with tempfile.TemporaryDirectory(prefix="souk-features-") as folder:
        definitions = []
        if job["parameters"].get("definitions"):
            definitions = ["--features", os.path.join(folder, "features.yaml")]
            with open(definitions[1], "w", encoding="utf-8") as file:
                file.write(job["parameters"]["definitions"])
        made = run_program([program("SOUK", "souk"), "features", "compute", "--source", source(job), *definitions],
                           given).splitlines()
    table, lines = row_table(made)
    parts = []
    for date, rows in by_date(table.column("event_ns").to_pylist()):
        if date >= task["from"]:
            found, own = chosen(table, lines, rows)
            times = found.column("event_ns").to_pylist()
            parts.append(write(date, task["symbol"], found, own, (times[0], times[-1]), task["inputs"]))
    return parts


def row_table(lines):
    """Rows as columns, in the order of event time and group; of one event time and group the last that was made."""
    if not lines:
        return COLUMNS.empty_table(), []
    read = parsed(lines, COLUMNS, unknown="infer")
    values = read.column("values").combine_chunks()
    # Of several states at one time, as of two stories at once, the last is the whole one.
    keys = list(zip(read.column("event_ns").to_pylist(), read.column("group").to_pylist()))
    order = sorted({key: index for index, key in enumerate(keys)}.items())
    stamps = {name: pa.compute.cast(pa.compute.divide(read.column(of), 1_000), STAMP)
              for name, of in (("event_timestamp", "event_ns"), ("known_at", "known_ns"))}
    names = sorted(field.name for field in values.type) if pa.types.is_struct(values.type) else []
    table = pa.table(
        [read.column(name) for name in COLUMNS.names] + list(stamps.values())
        + [pa.compute.cast(values.field(name), DOUBLE) for name in names],
        names=COLUMNS.names + list(stamps) + [name.replace("@", "_v") for name in names])
    return chosen(table, lines, [index for _, index in order])
