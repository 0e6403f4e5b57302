"""What was said of a symbol over windows of time: an hour, a day, seven days.

Each window ends at a full hour. A row has how many stories, of how many outlets, their mean score by confidence and
age, its change against the window before, and how unusual it is among the last 30 of its kind. A window without a story
has no row: nothing said is not a score of 0. Stories are placed by the time they were published; one that was known
only after a window ended does not count in it."""

import math

import pyarrow as pa

import records
from records import DOUBLE, TEXT, WHOLE, Plan, grouped, instant, read, resolved

HOUR = records.LENGTHS["1h"]
# How long a window is, and how far back the one before it ends: weeks are compared a day apart.
WINDOWS = {"1h": (HOUR, HOUR), "1d": (24 * HOUR, 24 * HOUR), "7d": (7 * 24 * HOUR, 24 * HOUR)}
COLUMNS = pa.schema([
    ("symbol", TEXT), ("window", TEXT), ("start_ns", WHOLE), ("end_ns", WHOLE), ("stories", WHOLE), ("sources", WHOLE),
    ("score", DOUBLE), ("momentum", DOUBLE), ("zscore", DOUBLE)])
MEMORY = 30
"""Windows that a z-score is made of; fewer than a third of them make none."""


def dataset(job):
    return "sentiment-trends"


def plan(job, store, before):
    found = Plan(job, store, job["parameters"].get("source", records.SENTIMENT.source))
    made = {(part["date"], part["symbol"]): part.get("inputs") for part in (before or {}).get("parts", [])}
    dates, parts = found.archive.dates(), []
    for date in found.dates:
        # What a date is made of is its own objects and those of the 37 dates before it: 30 windows of a week, a day
        # apart. Also a date on which nothing was said has windows that look back.
        near = [each for each in dates if 0 <= records.days_between(each, date) <= 37]
        for symbol, complete in sorted(found.until.items()):
            until = min(complete, records.midnight(records.next_day(date)))
            entries = [entry for each in near for entry in found.archive.objects(each) if entry["symbol"] == symbol]
            inputs = records.digest(entries + [{"object": f"until/{until}", "bytes": 0}])
            if until > records.midnight(date) and entries and made.get((date, symbol)) != inputs:
                parts.append({"date": date, "symbol": symbol, "objects": [entry["object"] for entry in entries],
                              "until": until, "inputs": inputs})
    return {"schema": "sentiment-trends/1", "inputs": found.inputs, "boundaries": found.boundaries(),
            "tasks": grouped(parts)}


def run(job, store, task, write):
    parts = []
    for part in task["parts"]:
        stories, _ = resolved(read(store, part), records.SENTIMENT)
        start, end = records.midnight(part["date"]), part["until"]
        rows = trends(part["symbol"], [
            (instant(story["published_at"]), instant(story["known_at"]), float(story["score"]),
             float(story["confidence"]), story["cluster"], story["sources"]) for story in stories.to_pylist()],
            start, end)
        table = pa.Table.from_pylist(rows, schema=COLUMNS)
        times = (rows[0]["start_ns"], rows[-1]["start_ns"]) if rows else (0, 0)
        parts.append(write(part["date"], part["symbol"], table, [records.line(row) for row in rows], times,
                           part["inputs"]))
    return parts


def trends(symbol, stories, start, end):
    rows = []
    for name, (length, step) in WINDOWS.items():
        first = -(-start // HOUR) * HOUR
        ends = range(first, end, HOUR)
        for each in ends:
            now = window(stories, each, length)
            if now is None:
                continue
            earlier = [window(stories, each - step * back, length) for back in range(1, MEMORY + 1)]
            rows.append({
                "symbol": symbol, "window": name, "start_ns": each - length, "end_ns": each, "stories": now[0],
                "sources": now[1], "score": now[2],
                "momentum": now[2] - earlier[0][2] if earlier[0] else None,
                "zscore": zscore(now[2], [other[2] for other in earlier if other])})
    return sorted(rows, key=lambda row: (row["start_ns"], row["window"]))


def window(stories, end, length):
    """Stories, outlets and the mean score of a window; None where there are none. The weight of a story is its
    confidence, halved for each half window of its age."""
    found = [story for story in stories if end - length <= story[0] < end and story[1] < end]
    if not found:
        return None
    weights = [story[3] * 0.5 ** ((end - story[0]) / (length / 2)) for story in found]
    total = math.fsum(weights)
    if total == 0:
        return None
    score = math.fsum(weight * story[2] for weight, story in zip(weights, found)) / total
    return len({story[4] for story in found}), sum(story[5] for story in found), score


def zscore(value, others):
    if len(others) < MEMORY // 3:
        return None
    mean = math.fsum(others) / len(others)
    deviation = math.sqrt(math.fsum((other - mean) ** 2 for other in others) / len(others))
    return (value - mean) / deviation if deviation > 0 else None
