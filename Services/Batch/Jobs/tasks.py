"""One task of a job: the function that Dask's workers and the processes of a pool run, the same for both."""

import concurrent.futures
import functools
import hashlib
import os
import time

import pyarrow

import compact
import compare
import feature_rows
import features
import options_flow
import sentiment_trends
import train
from lake import Dataset
from store import Unreachable, open_store

KINDS = {"compact": compact, "features": features, "feature_rows": feature_rows,
         "options_flow": options_flow, "sentiment_trends": sentiment_trends, "train": train, "compare": compare}


WRITERS = 4


class OtherCode(Exception):
    """A worker has another release of these programs than the one that has planned the job."""


@functools.cache
def code():
    """Hash of these programs and of what writes the bytes: parts of different code have different names."""
    total = hashlib.sha256(f"pyarrow {pyarrow.__version__}".encode())
    folder = os.path.dirname(os.path.abspath(__file__))
    for name in sorted(os.listdir(folder)):
        if name.endswith(".py"):
            with open(os.path.join(folder, name), "rb") as file:
                total.update(name.encode() + b"\0" + file.read())
    return total.hexdigest()


@functools.cache
def _store(url):
    return open_store(url)


def place(run, made_by):
    """Where a run keeps its plan and notes: another release of these programs begins anew."""
    return f"{run}/{made_by[:8]}"


def run_task(url, job, run, made_by, task):
    """Does a task, and says which parts it made."""
    if made_by != code():
        raise OtherCode(f"this worker's programs are {code()[:8]}, the job was planned by {made_by[:8]}: "
                        "deploy one release to the runner and the workers")
    for attempt in range(4):
        try:
            store = _store(url)
            kind = KINDS[job["kind"]]
            dataset = Dataset(store, kind.dataset(job))

            # A task waits for the store most of its time: several parts are packed and written at once.
            with concurrent.futures.ThreadPoolExecutor(WRITERS) as pool:
                written = []

                def write(date, symbol, table, lines, times, inputs):
                    return dataset.write(run, made_by, date, symbol, table, lines, times, inputs,
                                         lambda work: written.append(pool.submit(work)))

                parts = kind.run(job, store, task, write)
                for each in written:
                    each.result()
            return dataset.finish(place(run, made_by), task["name"], parts)
        except Unreachable:
            if attempt == 3:
                raise
            time.sleep(0.5 * 2 ** attempt)
