"""Reads the table of promises in Tests/README.md and says which of the tests that it names there are not."""
import os
import re

SUITE = re.compile(r"^(?:@\w+(?:\([^\n]*\))?\s+)*(?:(?:final|private|package)\s+)*"
                   r"(?:struct|class|extension|enum) (\w+)", re.MULTILINE)
TEST = re.compile(r"@Test\b(?:(?!@Test\b|\bfunc\b).)*\bfunc (\w+)", re.DOTALL)
HEADING = "## What is promised, and the tests that show it"


def tests(root):
    """`Suite.test` of every test of Swift Testing below `root`: the suite is the type that the file began last."""
    found = set()
    for place, _, names in os.walk(root):
        for name in names:
            if name.endswith(".swift"):
                with open(os.path.join(place, name), encoding="utf-8") as file:
                    text = file.read()
                suites = [(match.start(), match.group(1)) for match in SUITE.finditer(text)]
                for test in TEST.finditer(text):
                    found |= {f"{suite}.{test.group(1)}" for start, suite in suites if start < test.start()
                              and not any(start < other < test.start() for other, _ in suites)}
    return found


def named(readme):
    """The tests that each row of the table names, by the promise in its first column."""
    table = readme.split(HEADING, 1)[1].split("\n## ", 1)[0]
    rows = [line.strip().strip("|").split("|") for line in table.splitlines() if line.startswith("|")]
    return {cells[0].strip(): re.findall(r"`(\w+\.\w+)`", cells[-1]) for cells in rows[2:]}


def problems(root):
    """What is wrong with the table: a row without a test, a test that there is not, a promise that has no row."""
    with open(os.path.join(root, "Tests/README.md"), encoding="utf-8") as file:
        rows = named(file.read())
    with open(os.path.join(root, "README.md"), encoding="utf-8") as file:
        guarantees = file.read().split("## What is guaranteed", 1)[1].split("\n## ", 1)[0]
    known = tests(os.path.join(root, "Tests"))
    for promise, names in rows.items():
        if not names:
            yield f"Tests/README.md: no test is named for: {promise}"
        for name in names:
            if name not in known:
                yield f"Tests/README.md: there is no test {name} ({promise})"
    plain = " ".join(guarantees.split())
    promises = [text.strip().rstrip(".") for text in re.split(r"(?:^|\s)- ", plain)[1:]]
    for text in promises:
        beginning = " ".join(re.split(r"[\s:;,]+", text)[:4]).lower()
        if not any(" ".join(re.split(r"[\s:;,]+", row)[:4]).lower() == beginning for row in rows):
            yield f"README.md promises what has no row in Tests/README.md: {text}"
