"""Reads what archiver has written: the catalogue, and the objects that it names."""

import gzip
import hashlib
import json
import os
import re
import subprocess

from store import Missing

PARTITION = re.compile(r"/part-(\d{5,})-(\d{20})\.")


class Archive:
    """A dataset of the archive, by its catalogue; nothing is listed."""

    def __init__(self, store, dataset, folder="_catalogue"):
        self.store, self.dataset, self.folder = store, dataset, folder
        self._objects = {}

    def dates(self):
        """Dates that have objects, ascending; none when nothing of the dataset is merged yet."""
        try:
            index = json.loads(self.store.get(f"{self.folder}/{self.dataset}/index.json"))
        except Missing:
            return []
        return [each["date"] for each in index["dates"]]

    def objects(self, date):
        """What the catalogue says of the objects of a date, by key: the order of offsets within a partition."""
        if date not in self._objects:
            try:
                lines = gzip.decompress(self.store.get(f"{self.folder}/{self.dataset}/date={date}.jsonl.gz"))
            except Missing:
                lines = b""
            entries = [json.loads(line) for line in lines.splitlines()]
            self._objects[date] = sorted(entries, key=lambda entry: place(entry["object"]))
        return self._objects[date]

    def watermarks(self, dates):
        """The newest time that each partition has reached, over the objects of the dates: what was produced into the
        partition before the record with this time is in the archive."""
        newest = {}
        for date in dates:
            for entry in self.objects(date):
                if entry.get("to_ns") is not None:
                    partition = place(entry["object"])[0]
                    newest[partition] = max(newest.get(partition, entry["to_ns"]), entry["to_ns"])
        return newest


def place(key):
    """Partition and first offset of an object, by its name."""
    found = PARTITION.search(key)
    if not found:
        raise ValueError(f"'{key}' is no object of an archive")
    return int(found.group(1)), int(found.group(2))


def digest(entries):
    """Of the names and hashes of objects: equal for equal inputs."""
    total = hashlib.sha256()
    for entry in entries:
        total.update(f"{entry['object']}\0{entry.get('sha256') or entry['bytes']}\n".encode())
    return total.hexdigest()


def lines(store, key):
    """The records of an object, as they were produced."""
    return unpacked(store.get(key), key).splitlines()


def unpacked(content, key):
    if key.endswith(".gz"):
        return gzip.decompress(content)
    if key.endswith(".zst"):
        import pyarrow as pa
        return pa.CompressedInputStream(pa.BufferReader(content), "zstd").read()
    return content


def packed(lines):
    """Lines as gzip: the same lines are always the same bytes. Level 1 takes a quarter of the time of the default, and
    a sixth more bytes."""
    return gzip.compress(b"\n".join(lines) + b"\n" if lines else b"", compresslevel=1, mtime=0)


def encoded(symbol):
    """As archiver writes a symbol in a key."""
    return "".join(chr(byte) if chr(byte).isascii() and (chr(byte).isalnum() or chr(byte) in "_-.") else f"%{byte:02X}"
                   for byte in symbol.encode())


def program(variable, name):
    """A program of the fleet: where `variable` says, or on PATH."""
    return os.environ.get(variable) or name


def run_program(arguments, content):
    """What a program prints for an input. Raises RuntimeError with its last words when it fails, or is not there."""
    try:
        done = subprocess.run(arguments, input=content, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    except FileNotFoundError:
        raise RuntimeError(f"there is no program '{arguments[0]}' on this worker") from None
    if done.returncode:
        words = done.stderr.decode(errors="replace").strip()[-2_000:]
        raise RuntimeError(f"{arguments[0]} ended with {done.returncode}: {words}")
    return done.stdout
