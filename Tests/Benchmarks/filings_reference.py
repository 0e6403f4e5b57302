"""Splits reports by item with lxml and regular expressions and packs their text into passages, as services do.

usage: filings_reference.py FOLDER SECONDS     prints rates in bytes per second of CPU time as one JSON object
"""
import glob
import json
import re
import sys
import time

import lxml.html

folder, seconds = sys.argv[1], float(sys.argv[2])
documents = [open(path, "rb").read() for path in sorted(glob.glob(folder + "/*.htm"))]
truths = [set(open(path).read().split()) for path in sorted(glob.glob(folder + "/*.txt"))]
size = sum(map(len, documents))
heading = re.compile(r"^\s*items?\s+(?:no\.?\s*)?(\d{1,2}[abc]?)\b[\s.:|\u2014-]*(.*)$", re.IGNORECASE)
blocks = {"p", "div", "tr", "li", "h1", "h2", "h3", "br", "hr", "table"}
word = re.compile(r"\w+|[^\w\s]")
parts = [(("1", "1A", "1B", "1C", "2", "3", "4"), "I"), (("5", "6", "7", "7A", "8", "9", "9A", "9B", "9C"), "II"),
         (("10", "11", "12", "13", "14"), "III"), (("15", "16"), "IV")]
part_of = {number: part for numbers, part in parts for number in numbers}


def text(document):
    """The lines of a document; cells of a row are apart by a bar."""
    root = lxml.html.fromstring(document)
    for hidden in root.xpath("//*[contains(@style, 'display:none')]|//script|//style|//head"):
        hidden.drop_tree()
    lines, line = [], []

    def end():
        joined = " ".join("".join(line).split())
        if joined:
            lines.append(joined)
        line.clear()

    for event, element in lxml.etree.iterwalk(root, events=("start", "end")):
        tag = element.tag if isinstance(element.tag, str) else ""
        if event == "start":
            if tag in blocks and not element.xpath("ancestor::tr"):
                end()
            if tag in ("td", "th") and line:
                line.append(" | ")
            line.append(element.text or "")
        else:
            if tag in blocks and not (tag != "tr" and element.xpath("ancestor::tr")):
                end()
            line.append(element.tail or "")
    end()
    return lines


def split(lines):
    """The last heading of each item with text behind it begins the item."""
    found = [(index, match.group(1).upper()) for index, line in enumerate(lines) if (match := heading.match(line))]
    best = {}
    for place, (index, number) in enumerate(found):
        until = found[place + 1][0] if place + 1 < len(found) else len(lines)
        length = sum(map(len, lines[index + 1:until]))
        if number in part_of and (number not in best or length >= best[number][2]):
            best[number] = (index + 1, until, length)
    passages = []
    for number, (start, until, _) in best.items():
        passage, tokens = [], 0
        for line in lines[start:until]:
            count = len(word.findall(line))
            if tokens + count > 230 and passage:
                passages.append((number, "\n".join(passage)))
                passage, tokens = [], 0
            passage.append(line)
            tokens += count
        if passage:
            passages.append((number, "\n".join(passage)))
    return {f"{part_of[number]}:{number}" for number in best}, passages


def rate(body):
    start, calls = time.process_time(), 0
    while True:
        body()
        calls += 1
        spent = time.process_time() - start
        if spent >= seconds:
            return calls * size / spent


reading = rate(lambda: [text(document) for document in documents])
both = rate(lambda: [split(text(document)) for document in documents])
right = sum(len(split(text(document))[0] & truth) for document, truth in zip(documents, truths))
print(json.dumps({"text": reading, "split": both, "items": right}))
