"""What a job that computes whole symbols reads: all compacted parts of a symbol in one task, since averages of long
memory depend on where a series begins."""

import hashlib

from lake import Dataset
from records import Refused, day_of, midnight, next_day


class Symbols:
    """The compacted parts of a dataset by symbol, and which of them have changed since `before`."""

    def __init__(self, job, store, source, settings):
        """`settings`: texts that make another result of the same parts."""
        dataset = Dataset(store, source)
        pointer = dataset.pointer()
        if not pointer:
            raise Refused(f"there is nothing compacted of '{source}' yet: run a job of kind compact, or the one that "
                          "publishes it, first", "no_input")
        self.manifest, self.settings = dataset.manifest(pointer), settings
        self.first = day_of(job["from_ns"]) if job.get("from_ns") is not None else ""
        self.last = day_of(job["until_ns"] - 1) if job.get("until_ns") is not None else "9999"
        wanted = set(job["symbols"])
        self.parts = {}
        for part in self.manifest["parts"]:
            if part["date"] <= self.last and (not wanted or part["symbol"] in wanted):
                self.parts.setdefault(part["symbol"], []).append(part)
        if not self.parts:
            raise Refused(f"'{source}' has nothing of these symbols and this time", "no_input")
        every = [part for parts in self.parts.values() for part in parts]
        self.inputs = [{"dataset": source, "manifest": pointer["manifest"], "objects": len(every),
                        "sha256": hashlib.sha256("\n".join(part["sha256"] for part in every).encode()).hexdigest()}]

    def tasks(self, before):
        made = {part["symbol"]: part.get("inputs") for part in (before or {}).get("parts", [])}
        tasks = []
        for symbol, parts in sorted(self.parts.items()):
            inputs = hashlib.sha256("\n".join(
                [part["sha256"] for part in parts] + self.settings + [self.first]).encode()).hexdigest()
            if made.get(symbol) != inputs:
                tasks.append({"name": f"{len(tasks):06}", "symbol": symbol, "from": self.first, "inputs": inputs,
                              "lines": [part["lines"] for part in parts]})
        return tasks

    def boundaries(self, before):
        """What the tasks cover of each symbol: what the dataset covers, within the time that was asked for."""
        changed = {task["symbol"] for task in self.tasks(before)}
        floor = midnight(self.first) if self.first else None
        ceiling = midnight(next_day(self.last)) if self.last != "9999" else None
        found = []
        for each in self.manifest["boundaries"]:
            for span in each["covers"] if each["symbol"] in changed else []:
                start = max(span["from_ns"], floor) if floor is not None else span["from_ns"]
                until = min(span["until_ns"], ceiling) if ceiling is not None else span["until_ns"]
                if start < until:
                    found.append([each["symbol"], start, until])
        return found
