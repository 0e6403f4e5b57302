"""The datasets of the batch layer: parts, manifests, and the pointer to the manifest that holds.

    lake/<dataset>/current/000000000012.json
    lake/<dataset>/manifests/<run>.json
    lake/<dataset>/runs/<run>/<code>/plan.json, task-….json
    lake/<dataset>/date=2025-01-20/symbol=AAPL/<run>-<code>.parquet, .jsonl.gz

Everything is created once and never replaced. Shared/Lake reads it; Shared/Messages/Batch/BatchManifest.swift says what
each field means.
"""

import hashlib
import json
import time

from archive import encoded, packed
from store import Missing


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def text(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


class Dataset:
    def __init__(self, store, name, folder="lake"):
        self.store, self.name, self.home = store, name, f"{folder}/{name}"

    # MARK: - reading

    def pointer(self):
        """The pointer of the highest number; None when nothing is published yet."""
        keys = self.store.list(f"{self.home}/current/")
        return json.loads(self.store.get(keys[-1])) if keys else None

    def current(self):
        """The manifest that holds; None when nothing is published yet."""
        pointer = self.pointer()
        return self.manifest(pointer) if pointer else None

    def manifest(self, pointer):
        content = self.store.get(pointer["manifest"])
        if sha256(content) != pointer["sha256"]:
            raise ValueError(f"{pointer['manifest']} has other bytes than its pointer says")
        return json.loads(content)

    # MARK: - a run

    def plan(self, place, make):
        """The plan of a run: the one that an earlier attempt has kept, or one that is made and kept. A resumed run
        reads the inputs that it has begun with, whatever has come since. `place`: the run's name and its code."""
        key = f"{self.home}/runs/{place}/plan.json"
        try:
            return json.loads(self.store.get(key))
        except Missing:
            plan = make()
        return plan if self.store.create(key, text(plan)) else json.loads(self.store.get(key))

    def finished(self, place):
        """Parts of the tasks that are finished, by the task's name."""
        prefix = f"{self.home}/runs/{place}/task-"
        return {key[len(prefix):-len(".json")]: json.loads(self.store.get(key))["parts"]
                for key in self.store.list(prefix)}

    def finish(self, place, task, parts):
        """Notes that a task is finished. Of two workers with the same task the first counts; both say the same."""
        key = f"{self.home}/runs/{place}/task-{task}.json"
        return parts if self.store.create(key, text({"parts": parts})) else json.loads(self.store.get(key))["parts"]

    def write(self, run, code, date, symbol, table, lines, times, inputs, later=lambda work: work()):
        """Writes a part and says what the manifest will say of it. A part that an earlier attempt has written is left
        as it is: it has the same bytes. Of no rows there is no object. `later`: does what is given to it, until when
        what is said of the bytes is missing."""
        name = f"{self.home}/date={date}/symbol={encoded(symbol)}/{run}-{code[:8]}"
        part = {"key": name + ".parquet", "date": date, "symbol": symbol, "rows": table.num_rows,
                "min_ns": times[0], "max_ns": times[1], "run": run, "inputs": inputs}

        def keep():
            content = parquet(table)
            self._keep(part["key"], content)
            part["bytes"], part["sha256"] = len(content), sha256(content)
            if lines is not None:
                content = packed(lines)
                part["lines"], part["lines_sha256"] = name + ".jsonl.gz", sha256(content)
                self._keep(part["lines"], content)
        if table.num_rows:
            later(keep)
        return part

    def _keep(self, key, content):
        if not self.store.create(key, content) and sha256(self.store.get(key)) != sha256(content):
            raise RuntimeError(f"{key} is there with other bytes: is there another release of pyarrow on a worker?")

    # MARK: - publishing

    def publish(self, job, run, plan, parts, boundaries):
        """Writes the manifest that goes on from the current one, then the pointer to it. Another writer that was first
        is seen by its number; the manifest is then made anew, on top of the other's.

        Returns the manifest and the pointer. A run that is published already is found and not published again."""
        while True:
            pointer = self.pointer()
            before = self.manifest(pointer) if pointer else None
            if before and (before["run"] == run or run in before.get("runs", [])):
                return before, pointer
            manifest = merged(before, {
                "format": 1, "dataset": self.name, "schema": plan["schema"], "run": run, "job": job["job_id"],
                "kind": job["kind"], "code": plan["code"],
                "sequence": (pointer["sequence"] if pointer else 0) + 1,
                "previous": pointer["manifest"] if pointer else None, "created_ns": time.time_ns(),
                "inputs": plan["inputs"]}, parts, boundaries)
            content = text(manifest)
            key = f"{self.home}/manifests/{manifest['sequence']:012}-{run}-{sha256(content)[:8]}.json"
            self.store.create(key, content)
            pointer = {"sequence": manifest["sequence"], "manifest": key, "sha256": sha256(content), "run": run}
            if self.store.create(f"{self.home}/current/{pointer['sequence']:012}.json", text(pointer)):
                return manifest, pointer
            self.store.delete(key)

    # MARK: - retention

    def prune(self, keep):
        """Removes what only manifests older than the newest `keep` name: their parts, then themselves and their
        pointers, and the notes of their runs. Nothing that a kept manifest names, and nothing that no manifest
        names. Returns how many objects it has removed."""
        pointers = [json.loads(self.store.get(key)) for key in self.store.list(f"{self.home}/current/")]
        kept, old = pointers[-keep:], pointers[:-keep]
        if not old:
            return 0
        needed, runs = set(), set()
        for pointer in kept:
            manifest = self.manifest(pointer)
            runs.add(manifest["run"])
            for part in manifest["parts"]:
                needed.update(objects(part))
        removed = 0
        for pointer in old:
            try:
                manifest = self.manifest(pointer)
            except Missing:
                manifest = {"parts": [], "run": pointer["run"]}
            unneeded = [key for part in manifest["parts"] for key in objects(part) if key not in needed]
            if manifest["run"] not in runs:
                unneeded += self.store.list(f"{self.home}/runs/{manifest['run']}/")
            # The pointer goes last: a removal that is broken off is found again.
            for key in unneeded + [pointer["manifest"], f"{self.home}/current/{pointer['sequence']:012}.json"]:
                self.store.delete(key)
                removed += 1
        return removed


def objects(part):
    return [part["key"]] + ([part["lines"]] if part.get("lines") else [])


def merged(before, manifest, parts, boundaries):
    """The manifest that goes on from `before`: its parts, with those of the run in the place of the same date and
    symbol (a part without rows takes one away), and the union of what both cover."""
    by_place = {(part["date"], part["symbol"]): part for part in (before or {}).get("parts", [])}
    for part in parts:
        by_place.pop((part["date"], part["symbol"]), None)
        if part["rows"]:
            by_place[part["date"], part["symbol"]] = part
    covers = {each["symbol"]: each["covers"] for each in (before or {}).get("boundaries", [])}
    for symbol, start, until in boundaries:
        covers[symbol] = union(covers.get(symbol, []) + [{"from_ns": start, "until_ns": until}])
    manifest["runs"] = ([manifest["run"]] + (before or {}).get("runs", []))[:100]
    manifest["parts"] = [by_place[key] for key in sorted(by_place)]
    manifest["boundaries"] = [{"symbol": symbol, "covers": covers[symbol]} for symbol in sorted(covers)]
    return manifest


def union(ranges):
    """Ascending ranges of the same instants, apart from each other."""
    found = []
    for each in sorted(ranges, key=lambda each: each["from_ns"]):
        if found and each["from_ns"] <= found[-1]["until_ns"]:
            found[-1]["until_ns"] = max(found[-1]["until_ns"], each["until_ns"])
        else:
            found.append(dict(each))
    return found


def parquet(table):
    """The bytes of a table: the same table is always the same bytes, for the same release of pyarrow."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    sink = pa.BufferOutputStream()
    # Numbers of double precision hardly repeat: a dictionary of them takes time and makes the file larger.
    repeated = [field.name for field in table.schema if not pa.types.is_floating(field.type)]
    pq.write_table(table, sink, compression="zstd", row_group_size=1 << 20, write_statistics=True,
                   use_dictionary=repeated)
    return sink.getvalue().to_pybytes()
