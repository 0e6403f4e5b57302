"""Reads price rows from many documents with expat, for comparison with the reader's own tokenizer.

Usage: read_rows.py INPUT OUTPUT. INPUT holds documents, each after its length in four bytes. OUTPUT gets for each
document "!" when it is not well-formed, else its usable rows (code|price|name|manufacturer|unit, each behind a
group separator); a record separator ends each document.
"""
import re
import sys
import xml.parsers.expat as expat

CONTAINERS = {"items", "products", "details", "newdataset"}
ROWS = {"item", "product", "line"}
FIELDS = {
    "itemcode": "code", "itemprice": "price", "itemname": "name", "itemnm": "name",
    "manufacturername": "maker", "manufacturename": "maker", "unitqty": "unit",
}


def clean(text):
    text = re.sub(r"[\x00-\x1f]", " ", text)
    return " ".join(part for part in re.split(r"[ \u0085\u2028\u2029]+", text) if part)


class Reader:
    """The same states as the reader's: outside, container, row, field, skipping."""

    def __init__(self):
        self.rows, self.codes = [], set()
        self.place, self.depth, self.skip, self.before = "outside", 0, 0, ""

    def start(self, name, _):
        name = name.lower()
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
        self.depth -= 1

    def finish(self):
        code, price = self.row.get("code", ""), self.row.get("price", "")
        if not code or len(code.encode()) > 64 or not re.match(r"^[!-~]+$", code) or not is_price(price):
            return
        if code not in self.codes:
            self.codes.add(code)
            row = self.row
            # Zeros in front are no part of a number.
            price = re.sub(r"^0+(?=[0-9])", "", price)
            self.rows.append("|".join([code, price] + [row.get(key, "") for key in ("name", "maker", "unit")]))


def is_price(text):
    digits = text.replace(".", "")
    return bool(re.match(r"^[0-9]+([.][0-9]+)?$", text)) and len(digits) <= 18


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
                out.write("".join("\x1d" + row for row in reader.rows) or "\x1d")
            except expat.ExpatError:
                out.write("!")
            out.write("\x1e")


main()
