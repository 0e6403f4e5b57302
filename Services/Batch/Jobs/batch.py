#!/usr/bin/env python3
"""Does one job of the batch layer, and says on standard output how far it is: one object of JSON a line.

    batch.py --object-store file:///var/lake < job.json

A job is what the topic `batch-jobs` has: {"job_id": "nightly", "kind": "compact", "symbols": [], "submitted_ns": 1}. A
run that was broken off resumes: parts that are finished are not made again.

Ends with 0 when the job is done, 69 when another try may help (the store or a worker was lost), 65 when it cannot be
done as it is, 75 after SIGTERM. The last line of output says why.
"""

import argparse
import json
import logging
import os
import signal
import sys
import traceback

import engines
from lake import Dataset
from records import Refused
from store import Missing, Unreachable, open_store
from tasks import KINDS, OtherCode, code, place

UNAVAILABLE, REFUSED, STOPPED = 69, 65, 75
log = logging.getLogger("batch")


class Stopped(BaseException):
    """SIGTERM."""


def say(event, **fields):
    print(json.dumps({"event": event, **fields}, separators=(",", ":"), ensure_ascii=False), flush=True)


def number(name, default):
    return int(os.environ.get(name) or default)


def yes(name):
    return os.environ.get(name, "").lower() in ("1", "true", "yes", "on")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--object-store", default=os.environ.get("OBJECT_STORE"), help="where the archive lies")
    parser.add_argument("--job", default="-", help="file with the job; '-' is standard input")
    parser.add_argument("--dask-enabled", action="store_true", default=yes("DASK_ENABLED"))
    parser.add_argument("--dask-scheduler-address", default=os.environ.get("DASK_SCHEDULER_ADDRESS"),
                        help="tcp://host:8786")
    parser.add_argument("--dask-n-workers", type=int, default=number("DASK_N_WORKERS", 0),
                        help="processes without Dask (default: one for each core)")
    parser.add_argument("--dask-patience", type=int, default=number("DASK_PATIENCE", 60),
                        help="seconds to wait for a scheduler before processes do the rest (default: %(default)s)")
    parser.add_argument("--check", action="store_true", help="say what there is, and do nothing")
    parser.add_argument("--keep", type=int, default=number("KEEP", 10), help="manifests that are kept")
    given = parser.parse_args()
    if not given.object_store:
        parser.error("--object-store is missing")
    return given


def check(given):
    """What a job needs, without one: the packages are there (they were imported), the scheduler answers."""
    import pyarrow
    words = [f"pyarrow {pyarrow.__version__}"]
    if given.dask_enabled and given.dask_scheduler_address:
        import distributed
        words.append(f"distributed {distributed.__version__}")
        try:
            client = distributed.Client(given.dask_scheduler_address, timeout=10, set_as_default=False)
            words.append(f"{len(client.nthreads())} workers at {given.dask_scheduler_address}")
            engines.close(client)
        except (OSError, TimeoutError) as error:
            words.append(f"{given.dask_scheduler_address} does not answer ({error}): processes would do the work")
    say("checked", message=", ".join(words))


def checked(job):
    for name in ("job_id", "kind", "submitted_ns"):
        if name not in job:
            raise Refused(f"the job has no {name}")
    if job["kind"] not in KINDS:
        raise Refused(f"there is no kind '{job['kind']}'; there are {', '.join(KINDS)}")
    return {"symbols": [], "parameters": {}, **{name: value for name, value in job.items() if value is not None}}


def work(given, job):
    store = open_store(given.object_store)
    kind, run = KINDS[job["kind"]], f"{job['job_id']}-{job['submitted_ns']}"
    dataset = Dataset(store, kind.dataset(job))
    plan = dataset.plan(place(run, code()), lambda: {"code": code(), **kind.plan(job, store, dataset.current())})
    finished = dataset.finished(place(run, code()))
    waiting = [task for task in plan["tasks"] if task["name"] not in finished]
    total = len(plan["tasks"])
    say("planned", total=total, done=len(finished), rows=rows(finished))

    def done(name, parts):
        finished[name] = parts
        say("progress", total=total, done=len(finished), rows=rows(finished))

    choices = engines.chosen(given.dask_enabled, given.dask_scheduler_address, given.dask_n_workers,
                             given.dask_patience)
    for engine in choices:
        say("engine", engine=engine.name)
        try:
            engine.run(given.object_store, job, run, waiting, done)
            break
        except engines.Gone as gone:
            log.warning("%s; processes of this machine do the rest", gone)
            waiting = [task for task in plan["tasks"] if task["name"] not in finished]
    parts = [part for task in plan["tasks"] for part in finished[task["name"]]]
    message = kind.message(parts) if hasattr(kind, "message") else ""
    if hasattr(kind, "publish"):
        say("published", dataset=None, manifest=kind.publish(store, parts), rows=rows(finished), message=message)
        return
    boundaries = plan["boundaries"]
    if hasattr(kind, "boundaries"):
        boundaries = kind.boundaries(boundaries, parts)
    manifest, pointer = dataset.publish(job, run, plan, parts, boundaries)
    removed = dataset.prune(given.keep)
    say("published", dataset=dataset.name, manifest=pointer["manifest"], sequence=pointer["sequence"],
        rows=rows(finished), message=message, removed=removed,
        differences=kind.sums(parts) if hasattr(kind, "sums") else {},
        boundaries=[{"symbol": symbol, "until_ns": until} for symbol, until in newest(boundaries, manifest)])


def newest(boundaries, manifest):
    covers = {each["symbol"]: each["covers"] for each in manifest["boundaries"]}
    return [(symbol, covers[symbol][-1]["until_ns"]) for symbol in sorted({each[0] for each in boundaries})]


def rows(finished):
    return sum(part["rows"] for parts in finished.values() for part in parts)


def main():
    def stop(number, frame):
        raise Stopped

    signal.signal(signal.SIGTERM, stop)
    given = arguments()
    engines.end_with_parent()
    if given.check:
        return check(given)
    try:
        with (sys.stdin if given.job == "-" else open(given.job, encoding="utf-8")) as file:
            job = checked(json.load(file))
        work(given, job)
    except Stopped:
        os._exit(STOPPED)
    except Refused as error:
        if error.reason == "no_input" and job["parameters"].get("may_be_empty") == "yes":
            return say("published", dataset=None, manifest=None, rows=0, message=str(error))
        say("failed", reason=error.reason, message=str(error))
        sys.exit(REFUSED)
    except Missing as error:
        say("failed", reason="no_input", message=f"an object that the job reads is not there any more: {error}")
        sys.exit(REFUSED)
    except (Unreachable, engines.Gone, OtherCode, OSError) as error:
        say("failed", reason="outage", message=f"{type(error).__name__}: {error}")
        sys.exit(UNAVAILABLE)
    except Exception as error:  # What no one has foreseen: its place in the log, its words in the status.
        log.error("%s", traceback.format_exc())
        say("failed", reason="job_failed", message=f"{type(error).__name__}: {error}")
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
