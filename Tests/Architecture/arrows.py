#!/usr/bin/env python3
"""Checks which module imports which, from the package description and the imports of every Swift file.

Prints one line for each of these, and exits 1 if there is one:
- a shared module without a layer in LAYERS, or one that imports a module of its own layer or of a layer above;
- a service that imports another service;
- a sink, or any other shared module outside KAFKA_USERS, that imports Kafka;
- an import of librdkafka outside Shared/Kafka/Bridge;
- a use of URLSession or of FileHandle.readabilityHandler;
- a number that a log line has as text;
- a module outside Tests that imports a module of Tests;
- a target whose dependencies in Package.swift are not exactly the modules that its files import.

usage: arrows.py            check
       arrows.py --write    rewrite the dependency lists between the two marks in Package.swift
"""
import json
import os
import re
import subprocess
import sys

# A module imports modules of the rows before its own only. Services and everything in Tests come after all rows.
LAYERS = [
    ["Core"],
    ["Options", "Values"],
    ["Catalogue"],
    ["Messages", "Routing"],
    ["Compression", "HTTP", "Indicators", "StrictYAML", "Tensors"],
    ["CSV", "Embedding", "Feeds", "Forecasting", "HTML", "Kafka", "LocalServers", "Postgres", "PriceFiles",
     "Redis", "ServiceKit"],
    ["Budgets", "Documents", "Features", "FeedHTTP", "GatewayAPI", "Influx", "Commodities", "Markets", "Masters", "ObjectStore",
     "Portals", "SearchStore", "Sentiment", "ServiceState", "WebSocket"],
    ["AWSCredentials", "Lake", "ModelRegistry"],
    ["EmbeddingFlags", "FeatureFlags", "HTTPFlags", "InfluxFlags", "KafkaFlags", "ObjectStoreFlags", "PostgresFlags",
     "RedisFlags"],
    ["Pipeline"],
    ["Archiving", "Operations"],
]
# The shared modules that may import Kafka. A sink does not know where its records come from.
KAFKA_USERS = {"Archiving", "KafkaFlags", "Operations", "Pipeline"}
# The module of librdkafka, and the only folder outside Tests that may import it.
LIBRDKAFKA, BRIDGE = "CRdKafka", "Shared/Kafka/Bridge/"
# Both watch descriptors through libdispatch. On Linux it reads freed memory when one hangs up while its handler is
# being taken away (`_dispatch_event_loop_drain` on EPOLLHUP), and the process ends by SIGSEGV: the test process did.
WATCHED = re.compile(r"^[^/\n]*\b(URLSession|readabilityHandler)\b", re.MULTILINE)
# Fields of log lines that are numbers: as text, a reader of the JSON could neither compare nor add them.
NUMBERS = re.compile(r'"(attempt|bytes|offset|partition|records|rows)": "\\\(')

BEGIN = "// begin imports: written by Tests/Architecture/arrows.py --write"
END = "// end imports"

IMPORT = re.compile(
    r"^(?:@\w+(?:\([^)]*\))?[ \t]+)*(?:(?:public|package|internal|private|fileprivate)[ \t]+)?"
    r"import[ \t]+(?:(?:struct|class|enum|protocol|func|typealias|var|let)[ \t]+)?(\w+)", re.MULTILINE)


class Target:
    """A target of the package that has Swift files.

    `imports` maps each imported module to the first file, in the order of paths, that imports it.
    """

    def __init__(self, root, described):
        self.name = described["name"]
        self.kind = described["type"]
        self.folder = described["path"] + "/"
        self.declared = {next(iter(entry.values()))[0] for entry in described["dependencies"]}
        self.excluded = [self.folder + name for name in described.get("exclude", [])]
        self.imports = {}
        self.librdkafka = []
        self.watched = []
        self.texts = []
        for path in sorted(self.files(root)):
            with open(os.path.join(root, path), encoding="utf-8") as file:
                text = file.read()
            found = IMPORT.findall(text)
            self.watched += [(path, name) for name in WATCHED.findall(text)]
            self.texts += [(path, name) for name in NUMBERS.findall(text)]
            for module in found:
                self.imports.setdefault(module, path)
            if LIBRDKAFKA in found:
                self.librdkafka.append(path)

    def files(self, root):
        for place, _, names in os.walk(os.path.join(root, self.folder)):
            for name in names:
                path = os.path.relpath(os.path.join(place, name), root)
                if name.endswith(".swift") and not any(
                        path == other or path.startswith(other + "/") for other in self.excluded):
                    yield path

    @property
    def place(self):
        """`Shared`, `Services` or `Tests`."""
        return self.folder.split("/")[0]


class Tree:
    """The targets, and the names of all modules that a target may declare."""

    def __init__(self, root, package):
        with open(os.path.join(root, "Package.swift"), encoding="utf-8") as file:
            self.manifest = file.read()
        self.targets = {
            each["name"]: Target(root, each) for each in package["targets"] if each["type"] != "system"}
        products = re.search(r"^let products[^\n]*= \[\n(.*?)^\]", self.manifest, re.MULTILINE | re.DOTALL)
        self.known = {each["name"] for each in package["targets"]}
        self.known |= set(re.findall(r'"(\w+)":', products.group(1))) if products else set()

    def used(self, target):
        return {module for module in target.imports if module in self.known}

    def violations(self):
        rank = {name: row for row, names in enumerate(LAYERS) for name in names}
        for _, target in sorted(self.targets.items()):
            yield from self.arrows(target, rank)
            yield from self.inexact(target)

    def arrows(self, target, rank):
        for path, name in target.texts if target.place != "Tests" else []:
            yield f"{path}: the field {name} of a log line is a number; write .stringConvertible(...)"
        for path, name in target.watched:
            yield f"{path}: {name} is not safe on Linux; use HTTP's client, or LocalServers' ChildProcess"
        if target.place != "Tests":
            for path in target.librdkafka:
                if not path.startswith(BRIDGE):
                    yield f"{path}: imports {LIBRDKAFKA}, which only {BRIDGE} may"
        if target.place == "Shared" and target.name not in rank:
            yield f"{target.folder}: {target.name} has no layer; give it one in {os.path.relpath(__file__)}"
        for module, path in sorted(target.imports.items()):
            other = self.targets.get(module)
            if other is None or target.place == "Tests":
                continue
            if other.place == "Tests":
                yield f"{path}: {target.name} imports {module}, which is for tests only"
            elif target.place == "Services":
                if other.place == "Services" and not target.folder.startswith(other.folder):
                    yield f"{path}: service {target.name} imports service {module}"
            elif other.place == "Services":
                yield f"{path}: {target.name} imports service {module}"
            elif target.name in rank and rank.get(module, len(LAYERS)) >= rank[target.name]:
                yield f"{path}: {target.name} imports {module}, which is not in a lower layer"
            elif module == "Kafka" and target.name not in KAFKA_USERS:
                yield f"{path}: {target.name} imports Kafka"

    def inexact(self, target):
        used = self.used(target)
        for module in sorted(used - target.declared):
            yield (f"Package.swift: {target.name} imports {module} ({target.imports[module]}) and does not declare "
                   f"it; run {os.path.relpath(__file__)} --write")
        for module in sorted(target.declared - used):
            # A test may depend on a program that it only starts.
            if target.kind == "test" and module in self.targets and self.targets[module].kind == "executable":
                continue
            yield (f"Package.swift: {target.name} declares {module} and does not import it; "
                   f"run {os.path.relpath(__file__)} --write")

    def written(self):
        """The text of Package.swift with the lists as they have to be."""
        before, rest = self.manifest.split(BEGIN)
        after = rest.split(END)[1]
        lines = [BEGIN, 'let imports = lists("""']
        for name, target in sorted(self.targets.items()):
            lines += wrapped(f"  {name}:", sorted(self.used(target)))
        return before + "\n".join(lines + ['  """)', END]) + after


def wrapped(line, names):
    """`line` and the names in lines of at most 120 characters, each but the last with the mark that it goes on."""
    lines = []
    for name in names:
        if len(line) + len(name) + 3 > 120:
            lines.append(line + " \\")
            line = "   "
        line += " " + name
    return lines + [line]


def described(root):
    """What SwiftPM reads in Package.swift. Its own scratch folder keeps it from waiting for a build."""
    command = [os.environ.get("SWIFT", "swift"), "package", "--package-path", root,
               "--scratch-path", os.path.join(root, ".build/arrows"), "dump-package"]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)


def main():
    root = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
    if sys.argv[1:] not in ([], ["--write"]):
        sys.exit(__doc__)
    tree = Tree(root, described(root))
    if sys.argv[1:]:
        with open(os.path.join(root, "Package.swift"), "w", encoding="utf-8") as file:
            file.write(tree.written())
        return
    found = list(tree.violations())
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
