"""Trains a model on what the batch layer has compacted, and publishes it where inference-worker looks for models.

The compacted observations become the table that the training programs of inference-worker read; one of them trains, in
a folder of its own, and its files go into the registry: weights, manifest, then `current.json`. A worker that watches
the registry takes the model up within its interval. `parameters`: `model` (its name), `program` (`croston`, `xgboost`,
`lstm`, `deepar`), `series` (a pattern), `history`, `horizon`, `period`, `quantiles`, `kind` (price, demand), `method`.

`parameters.dataset` is `observations` (the default), or `bars`: then the closes of daily bars are series named
`market.<feed>.<category>.<symbol>`, of the category whose workers have models of the program, unless
`parameters.category` names another. Under that name a worker predicts them."""

import csv
import datetime
import hashlib
import os
import tempfile

from archive import run_program, unpacked
from lake import Dataset, text
from records import BARS, OBSERVATIONS, Refused, day_of, parsed

PROGRAMS = ("croston", "xgboost", "lstm", "deepar")
# The category of the workers that have models of a program: WorkerKind of inference-worker.
CATEGORIES = {"croston": "screening", "xgboost": "polymer", "lstm": "shielding", "deepar": "shielding"}
PASSED = ("series", "kind", "history", "horizon", "period", "quantiles", "method", "rounds", "seed", "windows")


def dataset(job):
    return "models"


def plan(job, store, before):
    given = job["parameters"]
    source = given.get("dataset", "observations")
    program = given.get("program", "xgboost")
    if program not in PROGRAMS:
        raise Refused(f"there is no training program '{program}'; there are {', '.join(PROGRAMS)}")
    category = given.get("category", CATEGORIES[program])
    if category not in {*CATEGORIES.values(), "energy"}:
        raise Refused(f"there is no category '{category}'; there are polymer, shielding, screening and energy")
    if not given.get("model"):
        raise Refused("parameters.model has to name the model")
    pointer = Dataset(store, source).pointer()
    if not pointer:
        raise Refused(f"there is nothing compacted of '{source}' yet: run a job of kind compact first", "no_input")
    first = day_of(job["from_ns"]) if job.get("from_ns") is not None else ""
    last = day_of(job["until_ns"] - 1) if job.get("until_ns") is not None else "9999"
    wanted = set(job["symbols"])
    parts = [part for part in Dataset(store, source).manifest(pointer)["parts"]
             if first <= part["date"] <= last and (not wanted or part["symbol"] in wanted)]
    if not parts:
        raise Refused(f"'{source}' has nothing of these symbols and this time", "no_input")
    inputs = hashlib.sha256("\n".join(part["sha256"] for part in parts).encode()).hexdigest()
    version = datetime.datetime.fromtimestamp(job["submitted_ns"] // 10**9, datetime.timezone.utc)
    return {"schema": "models/1", "boundaries": [],
            "inputs": [{"dataset": source, "manifest": pointer["manifest"], "objects": len(parts), "sha256": inputs}],
            "tasks": [{"name": "000000", "source": source, "program": program, "model": given["model"],
                       "category": category,
                       "version": version.strftime("%Y%m%dT%H%M%SZ"), "lines": [part["lines"] for part in parts],
                       "inputs": inputs}]}


def run(job, store, task, write):
    with tempfile.TemporaryDirectory(prefix="souk-train-") as folder:
        table = os.path.join(folder, "series.csv")
        rows = write_csv(table, store, task)
        arguments = [word for name in PASSED if job["parameters"].get(name)
                     for word in (f"--{name}", job["parameters"][name])]
        said = run_program([
            os.environ.get("TRAINING_PYTHON", "/usr/bin/python3"),
            os.path.join(training_folder(), f"train_{task['program']}.py"), table, folder, "--name", task["model"],
            "--version", task["version"], *arguments], b"")
        home = os.path.join(folder, "models", task["model"], task["version"])
        prefix = f"models/{task['model']}/{task['version']}"
        said = said.decode(errors="replace").strip().replace(f"{folder}/", "")
        part = {"key": f"{prefix}/manifest.json", "rows": rows, "said": said}
        # The manifest last: until then there is no such version.
        for name in sorted(os.listdir(home), key=lambda name: (name == "manifest.json", name)):
            with open(os.path.join(home, name), "rb") as file:
                content = file.read()
            # Where an attempt that was broken off had written it, that one is used: a version never changes.
            store.create(f"{prefix}/{name}", content)
        return [part]


def publish(store, parts):
    """Makes the version the one in use: the last thing that a training job does. Returns the key of its manifest."""
    [part] = parts
    _, model, version, _ = part["key"].split("/")
    store.put(f"models/{model}/current.json", text({"version": version}))
    return part["key"]


def message(parts):
    return parts[0]["said"]


def write_csv(path, store, task):
    rows = 0
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["series", "kind", "observed_at", "value"])
        for key in task["lines"]:
            lines = unpacked(store.get(key), key).splitlines()
            if task["source"] == "bars":
                for bar in parsed(lines, BARS.columns).to_pylist():
                    if bar["interval"] == "1d" and not bar["running"]:
                        writer.writerow([series_of(bar, task["category"]), "price", rfc3339(bar["start_ns"]), plain(bar["close"])])
                        rows += 1
            else:
                for row in parsed(lines, OBSERVATIONS.columns).to_pylist():
                    writer.writerow([row["series"], row["kind"], row["observed_at"], plain(row["value"])])
                    rows += 1
    if not rows:
        raise Refused("the compacted parts have no row that a model can be trained on", "no_input")
    return rows


def series_of(bar, category):
    """`market.alpaca_stocks.polymer.aapl`"""
    def word(text):
        return "".join(letter if letter.isalnum() else "_" for letter in text.lower())
    return f"market.{word(bar['feed'])}.{category}.{word(bar['symbol'])}"


def rfc3339(nanoseconds):
    return datetime.datetime.fromtimestamp(nanoseconds // 10**9, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def plain(decimal):
    return format(decimal.normalize(), "f")


def training_folder():
    """The training programs of inference-worker: where `TRAINING_PROGRAMS` says, or in the folder of a checkout."""
    return os.environ.get("TRAINING_PROGRAMS") or os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "..", "..", "InferenceWorker", "Training")
