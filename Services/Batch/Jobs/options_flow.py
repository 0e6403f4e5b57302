"""Options flow by underlying and day: what the events of `options-flow` come to, each in its last state.

One row a day and rule: how many, how large, how much of it was bought and sold, in calls and puts, and what the open
interest of the next morning said."""

import pyarrow as pa

import records
from records import DOUBLE, TEXT, WHOLE, Plan, grouped, read, resolved

COLUMNS = pa.schema([
    ("underlying", TEXT), ("day", TEXT), ("start_ns", WHOLE), ("rule", TEXT), ("events", WHOLE), ("size", WHOLE),
    ("premium", DOUBLE), ("bought", DOUBLE), ("sold", DOUBLE), ("calls", DOUBLE), ("puts", DOUBLE),
    ("largest", DOUBLE), ("confirmed", WHOLE), ("refuted", WHOLE)])


def dataset(job):
    return "options-flow-daily"


def plan(job, store, before):
    found = Plan(job, store, job["parameters"].get("source", records.FLOW.source))
    return {"schema": "options-flow-daily/1", "inputs": found.inputs, "boundaries": found.boundaries(),
            "tasks": grouped(found.parts(before))}


def run(job, store, task, write):
    parts = []
    for part in task["parts"]:
        flow, _ = resolved(read(store, part), records.FLOW)
        rows = daily([event for event in flow.to_pylist() if event["first_ns"] < part["until"]], part)
        table = pa.Table.from_pylist(rows, schema=COLUMNS)
        times = (rows[0]["start_ns"], rows[-1]["start_ns"]) if rows else (0, 0)
        parts.append(write(part["date"], part["symbol"], table, [records.line(row) for row in rows], times,
                           part["inputs"]))
    return parts


def daily(events, part):
    by_rule = {}
    for event in events:
        by_rule.setdefault(event["rule"], []).append(event)
    return [{
        "underlying": part["symbol"], "day": part["date"], "start_ns": records.midnight(part["date"]), "rule": rule,
        "events": len(found), "size": sum(event["size"] for event in found),
        "premium": total(found, lambda event: True),
        "bought": total(found, lambda event: event["side"] == "buy"),
        "sold": total(found, lambda event: event["side"] == "sell"),
        "calls": total(found, lambda event: right(event) == "C"),
        "puts": total(found, lambda event: right(event) == "P"),
        "largest": max(event["premium"] for event in found),
        "confirmed": sum(event["status"] == "confirmed" for event in found),
        "refuted": sum(event["status"] == "refuted" for event in found),
    } for rule, found in sorted(by_rule.items())]


def total(events, holds):
    return sum((event["premium"] for event in events if holds(event)), 0.0)


def right(event):
    """`C` or `P` of the contracts of an event, by OCC's symbols (`AAPL251219C00650000`); None where they differ."""
    rights = {contract[-9:-8] for contract in event["contracts"] or []}
    return rights.pop() if len(rights) == 1 else None
