"""Reads price rows from many documents with expat, for comparison with the reader's own tokenizer.

Usage: read_rows.py INPUT OUTPUT. INPUT holds documents, each after its length in four bytes. OUTPUT gets for each
document "!" when it is not well-formed, else "~" when an element holds another of its name, and its usable rows
(code|price|name|manufacturer|unit, each after a group separator); a record separator ends each document.
"""
import datetime
import re
import sys
import xml.parsers.expat as expat

CONTAINERS = {"items", "products", "details", "newdataset"}
ROWS = {"item", "product", "line"}
FIELDS = {
    "itemcode": "code", "itemprice": "price", "itemname": "name", "itemnm": "name",
    "manufacturername": "maker", "manufacturename": "maker", "unitqty": "unit",
    "priceupdatedate": "time", "priceupdatetime": "time",
}
UNKNOWN = {"לא ידוע"}
TIME = re.compile(
    r"^([0-9]{4})([-/])([0-9]{2})\2([0-9]{2})(?:[ Tt]([0-9]{2}):([0-9]{2})(?::([0-9]{2})([.][0-9]{1,9})?)?)?$")


def clean(text):
    text = re.sub(r"[\x00-\x1f]", " ", text)
    return " ".join(part for part in re.split(r"[ \u0085\u2028\u2029]+", text) if part)


class Reader:
    """The same states as the reader's: outside, container, row, field, skipping."""

    def __init__(self):
        self.rows, self.newest = [], {}
        self.place, self.depth, self.skip, self.before = "outside", 0, 0, ""
        self.open, self.is_nested = [], False

    def start(self, name, _):
        name = name.lower()
        self.is_nested = self.is_nested or name in self.open
        self.open.append(name)
        self.depth += 1
        if self.place == "outside":
            if name in CONTAINERS:
                self.place = "container"
        elif self.place == "container":
            if name in ROWS:
                self.place, self.row = "row", {}
            else:
                self.jump()
        elif self.place == "row":
            self.field, self.parts = FIELDS.get(name), []
            self.repeats = self.field in self.row
            self.place = "field"
        elif self.place == "field":
            self.jump()

    def jump(self):
        self.before, self.skip, self.place = self.place, self.depth, "skipping"

    def text(self, data):
        if self.place == "field":
            self.parts.append(data)

    def end(self, _):
        if self.place == "skipping":
            if self.depth == self.skip:
                self.place = self.before
        elif self.place == "field":
            if self.field and not self.repeats:
                self.row[self.field] = clean("".join(self.parts))
            self.place = "row"
        elif self.place == "row":
            self.finish()
            self.place = "container"
        elif self.place == "container":
            self.place = "outside"
        self.open.pop()
        self.depth -= 1

    def finish(self):
        code, price = self.row.get("code", ""), self.row.get("price", "")
        if not code or len(code.encode()) > 64 or not re.match(r"^[!-~]+$", code) or not is_price(price):
            return
        row = self.row
        words = [row.get(key, "") for key in ("name", "maker", "unit")]
        self.rows.append("|".join([code, plain(price)] + ["" if word in UNKNOWN else word for word in words]))
        # Of repeats the one updated last counts, of two alike the first.
        time = stamp(row.get("time", ""))
        if code not in self.newest or time > self.newest[code][0]:
            self.newest[code] = (time, len(self.rows) - 1)

    def usable(self):
        return [self.rows[index] for index in sorted(index for _, index in self.newest.values())]


def stamp(text):
    """Something that grows with the time; the least for what is no time."""
    found = TIME.match(text)
    if not found:
        return ()
    try:
        day = datetime.date(int(found[1]), int(found[3]), int(found[4]))
    except ValueError:
        return ()
    hour, minute, second = (int(found[group] or 0) for group in (5, 6, 7))
    if day.year < 1990 or hour > 23 or minute > 59 or second > 59:
        return ()
    return (day, hour, minute, second, ((found[8] or ".") + "000000")[1:7])


def is_price(text):
    digits = re.sub("[.+]", "", text).lstrip("0")
    forms = (r"^[+]?[0-9]+([.][0-9]*)?$", r"^[+]?[.][0-9]+$")
    fraction = text.partition(".")[2]
    return any(re.match(form, text) for form in forms) and len(digits) <= 18 and len(fraction) <= 18


def plain(price):
    """Zeros in front are no part of a number, nor is a point without digits behind it."""
    price = re.sub(r"^0+(?=[0-9])", "", price.lstrip("+").rstrip(".") if price.endswith(".") else price.lstrip("+"))
    return "0" + price if price.startswith(".") else price


def main():
    data = open(sys.argv[1], "rb").read()
    at = 0
    with open(sys.argv[2], "w", encoding="utf-8") as out:
        while at < len(data):
            size = int.from_bytes(data[at:at + 4], "little")
            document = data[at + 4:at + 4 + size]
            at += 4 + size
            reader = Reader()
            wide = document[:2] in (b"\xff\xfe", b"\xfe\xff")
            parser = expat.ParserCreate("utf-16" if wide else "utf-8")
            parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
            parser.CharacterDataHandler = reader.text
            try:
                parser.Parse(document, True)
                out.write("~" if reader.is_nested else "")
                out.write("".join("\x1d" + row for row in reader.usable()) or "\x1d")
            except expat.ExpatError:
                out.write("!")
            out.write("\x1e")


main()
