"""Reads published price files with Python's expat and prints the newest price of every item.

usage: read_prices.py FOLDER      FOLDER/<chain>/<file>; chains that start with "_" are left out
prints: chain|store|code|price    price with the digits of the file; of rows with one code the one updated
                                 last counts, of two alike the first
"""
import gzip
import io
import os
import re
import sys
import xml.parsers.expat
import zipfile
import zlib


def inflate(data):
    """The whole content, or as much of it as a truncated gzip still gives."""
    if data[:2] == b"\x1f\x8b":
        stream = zlib.decompressobj(31)
        return stream.decompress(data)
    if data[:2] == b"PK":
        archive = zipfile.ZipFile(io.BytesIO(data))
        return archive.read(archive.namelist()[0])
    return data


def text(data):
    """A byte order mark decides; else strict UTF-8; else windows-1255. The declaration is known to lie."""
    for mark, name in ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16")):
        if data.startswith(mark):
            return data.decode(name, "ignore")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.end >= len(data) - 1:
            return data[: error.start].decode("utf-8")
        return data.decode("windows-1255")


class Reader:
    ROWS = {"item", "product", "line"}

    def __init__(self):
        self.path, self.row, self.value = [], None, ""
        self.store, self.rows = None, []

    def start(self, name, attributes):
        self.path.append(name.lower())
        self.value = ""
        if self.path[-1] in self.ROWS:
            self.row = {}

    def characters(self, value):
        self.value += value

    def end(self, name):
        tag = self.path.pop()
        if tag in self.ROWS and self.row is not None:
            time = self.row.get("priceupdatedate") or self.row.get("priceupdatetime") or ""
            # A file writes all its times in one form.
            time = time if re.match(r"[0-9]{4}[-/][0-9]{2}[-/][0-9]{2}", time) else ""
            self.rows.append((self.row.get("itemcode"), self.row.get("itemprice"), time))
            self.row = None
        elif self.row is not None:
            self.row.setdefault(tag, self.value.strip())
        elif tag == "storeid" and self.store is None:
            self.store = self.value.strip()
        self.value = ""


def read(data):
    reader = Reader()
    parser = xml.parsers.expat.ParserCreate("utf-8")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    content = re.sub(r"^\s*<\?xml[^>]*\?>", "", text(data))
    try:
        parser.Parse(content.encode("utf-8"), True)
    except xml.parsers.expat.ExpatError:
        pass  # what was whole before the defect counts
    return reader


def main(folder):
    newest = {}
    for chain in sorted(os.listdir(folder)):
        path = os.path.join(folder, chain)
        if chain.startswith("_") or not os.path.isdir(path):
            continue
        for name in sorted(os.listdir(path)):
            match = re.match(r"(?i)(?:null)?price(?:full)?-?\d{13}-(?:\d+-)??(\d+)-(\d{12})", name)
            if not match:
                continue
            with open(os.path.join(path, name), "rb") as file:
                reader = read(inflate(file.read()))
            store = (reader.store or match[1]).lstrip("0") or "0"
            last = {}
            for code, price, time in reader.rows:
                if code and price and (code not in last or time > last[code][1]):
                    last[code] = (price, time)
            for code, (price, _) in last.items():
                key = (chain, store, code)
                # Two files of one minute: the bytes that are read later in name order do not matter for the
                # files at hand, because their prices are equal.
                if key not in newest or newest[key][0] <= match[2]:
                    newest[key] = (match[2], price)
    for (chain, store, code), (_, price) in sorted(newest.items()):
        print(f"{chain}|{store}|{code}|{price}")


if __name__ == "__main__":
    main(sys.argv[1])
