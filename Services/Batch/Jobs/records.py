"""Records of the archive as tables: what names a record, which of its versions holds, and its columns."""

import bisect
import datetime
import io
import json
import zoneinfo

import pyarrow as pa
import pyarrow.json

from archive import Archive, digest, lines, place

NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
DAY = 86_400_000_000_000
SECONDS = {"ns": 1, "us": 1_000, "ms": 1_000_000, "s": 1_000_000_000, "m": 60_000_000_000, "h": 3_600_000_000_000,
           "d": DAY}

# How long a bar is, in nanoseconds: FeedBarFields.lengths.
LENGTHS = {"1s": 10**9, "1m": 60 * 10**9, "5m": 300 * 10**9, "15m": 900 * 10**9, "30m": 1_800 * 10**9,
           "1h": 3_600 * 10**9, "1d": DAY, "flow-1h": 3_600 * 10**9, "sentiment-1h": 3_600 * 10**9}

# Exact for every decimal of the fleet: up to 19 digits, up to 18 of them behind the point.
DECIMAL = pa.decimal128(38, 18)
TEXT, WHOLE, DOUBLE, YES = pa.string(), pa.int64(), pa.float64(), pa.bool_()


class Kind:
    """A kind of records: the archive's dataset, the fields that name one, those whose greatest value is the version
    that holds, and its columns."""

    def __init__(self, source, schema, identity, version, time, columns, gone=None):
        self.source, self.schema, self.identity, self.version, self.time = source, schema, identity, version, time
        self.columns = pa.schema(columns)
        self.gone = gone
        """The field and the value by which a record says that what it names is no more."""


BARS = Kind(
    "market-bars", "bars/1", ["feed", "interval", "start_ns"], ["known_ns", "revision"], "start_ns",
    [("symbol", TEXT), ("feed", TEXT), ("interval", TEXT), ("start_ns", WHOLE), ("published_ns", WHOLE),
     ("known_ns", WHOLE), ("open", DECIMAL), ("high", DECIMAL), ("low", DECIMAL), ("close", DECIMAL),
     ("volume", DECIMAL), ("vwap", DECIMAL), ("trades", WHOLE), ("revision", WHOLE), ("running", YES),
     ("refill", YES)])

FLOW = Kind(
    "options-flow", "options-flow/1", ["event_id"], ["revision"], "first_ns",
    [("event_id", TEXT), ("underlying", TEXT), ("feed", TEXT), ("revision", WHOLE), ("status", TEXT), ("rule", TEXT),
     ("side", TEXT), ("confidence", DOUBLE), ("premium", DOUBLE), ("size", WHOLE), ("prints", WHOLE),
     ("contracts", pa.list_(TEXT)), ("first_ns", WHOLE), ("last_ns", WHOLE), ("known_ns", WHOLE), ("day", TEXT)],
    gone=("status", "withdrawn"))

SENTIMENT = Kind(
    "sentiment-events", "sentiment-events/1", ["event_id"], ["revision"], "published_at",
    [("event_id", TEXT), ("symbol", TEXT), ("cluster", TEXT), ("revision", WHOLE), ("score", DECIMAL),
     ("confidence", DECIMAL), ("kind", TEXT), ("source", TEXT), ("outlet", TEXT), ("sources", WHOLE),
     ("published_at", TEXT), ("known_at", TEXT), ("withdrawn", YES)],
    gone=("withdrawn", True))

OBSERVATIONS = Kind(
    None, "observations/1", ["series", "kind", "observed_at"], ["fetched_at"], "observed_at",
    [("series", TEXT), ("kind", TEXT), ("material", TEXT), ("country", TEXT), ("value", DECIMAL), ("currency", TEXT),
     ("unit", TEXT), ("observed_at", TEXT), ("source", TEXT), ("fetched_at", TEXT)])

SIGNALS = Kind(
    "technical-signals", "technical-signals/1", ["id"], ["known_ns"], "start_ns",
    [("id", TEXT), ("symbol", TEXT), ("feed", TEXT), ("interval", TEXT), ("start_ns", WHOLE), ("known_ns", WHOLE),
     ("bars", WHOLE)])


# What signals are made of: the compacted dataset, and the dataset of the batch layer's signals.
SIGNAL_SOURCES = {"bars": ("bars", "features"), "flow": ("options-flow", "flow-signals"),
                  "sentiment": ("sentiment-events", "sentiment-signals")}


def signal_source(job):
    name = job["parameters"].get("source", "bars")
    if name not in SIGNAL_SOURCES:
        raise Refused(f"there is no source '{name}' of signals; there are {', '.join(SIGNAL_SOURCES)}")
    return name


def duration(text, default):
    """Nanoseconds of `15m`, `90s`, `2d`."""
    if not text:
        return default
    unit = text.lstrip("0123456789")
    if unit not in SECONDS or unit == text:
        raise Refused(f"'{text}' is no time: write 90s, 15m, 2h or 1d")
    return int(text[:-len(unit)]) * SECONDS[unit]


class Refused(Exception):
    """The job cannot be done as it is: another try gives the same."""

    def __init__(self, message, reason="job_failed"):
        super().__init__(message)
        self.reason = reason


# MARK: - time

def day_of(nanoseconds):
    """The date in New York."""
    moment = datetime.datetime.fromtimestamp(nanoseconds // 10**9, datetime.timezone.utc)
    return moment.astimezone(NEW_YORK).date().isoformat()


def midnight(date):
    """When a date begins in New York, nanoseconds since 1970."""
    return int(datetime.datetime.fromisoformat(date).replace(tzinfo=NEW_YORK).timestamp()) * 10**9


def next_day(date):
    return (datetime.date.fromisoformat(date) + datetime.timedelta(days=1)).isoformat()


def instant(text):
    """Nanoseconds of an RFC 3339 time."""
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round((moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)).total_seconds()
                 * 1_000_000) * 1_000


class Days:
    """Dates in New York of many times, with one look at the calendar for each date."""

    def __init__(self):
        self.date_of_hour = {}

    def date(self, nanoseconds):
        # Every offset of New York is of whole hours.
        hour = nanoseconds // LENGTHS["1h"]
        if hour not in self.date_of_hour:
            self.date_of_hour[hour] = day_of(nanoseconds)
        return self.date_of_hour[hour]


def by_date(times):
    """The dates of ascending times, each with the range of its places."""
    days, first, found = Days(), 0, []
    while first < len(times):
        date = days.date(times[first])
        last = bisect.bisect_left(times, midnight(next_day(date)), first)
        found.append((date, range(first, last)))
        first = last
    return found


# MARK: - tables

def parsed(records, columns, unknown="ignore"):
    """Lines of JSON as a table: each number with all of its digits. Fields that are no columns are left out; `unknown`
    is `infer` for columns of whatever types they have, or `error`."""
    if not records:
        return columns.empty_table()
    content = b"\n".join(records) + b"\n"
    # What has been read of one block decides the types that are inferred; known ones are read faster by small blocks.
    block = len(content) if unknown == "infer" else max(1 << 20, max(map(len, records)))
    found = pa.json.read_json(
        io.BytesIO(content), read_options=pa.json.ReadOptions(use_threads=False, block_size=block + 1),
        parse_options=pa.json.ParseOptions(explicit_schema=columns, unexpected_field_behavior=unknown))
    if found.num_rows != len(records):
        raise Refused(f"{len(records)} lines are {found.num_rows} records: not every line is one object of JSON")
    return found.combine_chunks()


def resolved(records, kind):
    """Of each record the version that holds: of the greatest version, of equals the one that was produced last.

    Returns the table and the lines, in the order of time and of what names a record."""
    found = parsed(records, kind.columns)
    names = list(zip(*(found.column(name).to_pylist() for name in kind.identity)))
    # A version that is left out is the lowest.
    versions = list(zip(*([(value is not None, value if value is not None else 0) for value in
                           found.column(name).to_pylist()] for name in kind.version)))
    times = found.column(kind.time).to_pylist()
    last = {}
    for index, name in enumerate(names):
        known = last.get(name)
        if known is None or versions[index] >= versions[known]:
            last[name] = index
    order = sorted(last.values(), key=lambda index: (times[index], names[index]))
    if kind.gone:
        field, value = kind.gone
        states = found.column(field).to_pylist()
        order = [index for index in order if states[index] != value]
    return chosen(found, records, order)


def chosen(table, lines, indices):
    """The rows of these indices and their lines; of none, too."""
    return table.take(pa.array(indices, WHOLE)), [lines[index] for index in indices]


def bar_ends(bars):
    return [start + LENGTHS.get(interval, 0)
            for start, interval in zip(bars.column("start_ns").to_pylist(), bars.column("interval").to_pylist())]


# MARK: - what the archive has

def chosen_dates(job, archive):
    """Whole dates of New York that the job is about: a part is the whole of a date."""
    first = day_of(job["from_ns"]) if job.get("from_ns") is not None else ""
    last = day_of(job["until_ns"] - 1) if job.get("until_ns") is not None else "9999"
    return [date for date in archive.dates() if first <= date <= last]


class Plan:
    """What a job reads of an archive: objects by date and symbol, and up to when each symbol is complete."""

    def __init__(self, job, store, source):
        self.archive = Archive(store, source, job["parameters"].get("catalogue", "_catalogue"))
        self.dates = chosen_dates(job, self.archive)
        if not self.dates:
            raise Refused(f"the archive has no '{source}' of that time (yet: its catalogue follows within minutes)",
                          "no_input")
        wanted = set(job["symbols"])
        lateness = duration(job["parameters"].get("lateness"), 15 * SECONDS["m"])
        newest = self.archive.watermarks(self.archive.dates()[-7:])
        end = midnight(next_day(self.dates[-1]))
        self.objects, self.until = {}, {}
        for date in self.dates:
            for entry in self.archive.objects(date):
                symbol = entry["symbol"]
                if wanted and symbol not in wanted:
                    continue
                self.objects.setdefault((date, symbol), []).append(entry)
                # Records later than this may be on their way into the partition.
                until = min(end, newest.get(place(entry["object"])[0], 0) - lateness)
                self.until[symbol] = min(self.until.get(symbol, until), until)
        self.start = midnight(self.dates[0])
        self.inputs = [{"dataset": source, "objects": sum(len(each) for each in self.objects.values()),
                        "sha256": digest([entry for key in sorted(self.objects) for entry in self.objects[key]])}]

    def boundaries(self):
        return [[symbol, self.start, until] for symbol, until in sorted(self.until.items()) if until > self.start]

    def parts(self, before):
        """What is to be made anew: date, symbol, objects, until when, and the hash of all that. A part that was made
        of the same objects up to the same instant is left out."""
        made = {(part["date"], part["symbol"]): part.get("inputs") for part in (before or {}).get("parts", [])}
        for (date, symbol), entries in sorted(self.objects.items()):
            until = min(self.until[symbol], midnight(next_day(date)))
            if until <= midnight(date):
                continue
            inputs = digest(entries + [{"object": f"until/{until}", "bytes": 0}])
            if made.get((date, symbol)) != inputs:
                yield {"date": date, "symbol": symbol, "objects": [entry["object"] for entry in entries],
                       "until": until, "inputs": inputs}


def grouped(parts, size=64):
    """Tasks of up to `size` parts of one date."""
    tasks = []
    for part in parts:
        if not tasks or tasks[-1]["date"] != part["date"] or len(tasks[-1]["parts"]) >= size:
            tasks.append({"name": f"{len(tasks):06}", "date": part["date"], "parts": []})
        tasks[-1]["parts"].append(part)
    return tasks


def read(store, part):
    """The lines of a part's objects, in the order of offsets."""
    return [line for key in part["objects"] for line in lines(store, key)]


def days_between(earlier, later):
    return (datetime.date.fromisoformat(later) - datetime.date.fromisoformat(earlier)).days


def line(row):
    """A row as a line of JSON, without what there is not."""
    return json.dumps({name: value for name, value in row.items() if value is not None}, separators=(",", ":"),
                      ensure_ascii=False, allow_nan=False).encode()
