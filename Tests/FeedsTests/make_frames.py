"""Frames of feeds and the messages that they say, by Python's own json and msgpack.

usage: make_frames.py polygon|alpaca|alpaca-packed SEED COUNT
prints for each frame one line: the frame in hexadecimal, a tab, and a JSON array of the messages' texts.
"""
import datetime
import json
import random
import sys

import msgpack

KNOWN = 1764600000123456789
form, seed, count = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
dice = random.Random(seed)
packed = form == "alpaca-packed"


class Digits(str):
    """A number that is written with exactly these digits."""


def number(scale=None):
    scale = dice.randint(0, 4) if scale is None else scale
    whole = dice.randint(1, 99999)
    if scale == 0:
        return Digits(str(whole))
    return Digits(f"{whole}.{dice.randint(1, 10 ** scale - 1):0{scale}d}")


def shown(digits):
    """As the message has it: MessagePack keeps a number and not its digits."""
    if not packed or "." not in digits:
        return digits
    text = repr(float(digits))
    return text[:-2] if text.endswith(".0") else text


def text(pairs):
    """A JSON object, in order, numbers with their digits."""
    parts = []
    for key, value in pairs:
        if value is None:
            continue
        if isinstance(value, Digits):
            parts.append(f'"{key}":{value}')
        else:
            parts.append(f'"{key}":{json.dumps(value, ensure_ascii=False, separators=(",", ":"))}')
    return "{" + ",".join(parts) + "}"


def words(strings):
    return None if strings is None else [str(each) for each in strings]


def maybe(make):
    return make() if dice.random() < 0.7 else None


def moment(milliseconds):
    return KNOWN // 1000000 - dice.randint(0, 100000) if milliseconds else KNOWN - dice.randint(0, 10 ** 12)


def polygon():
    kind = dice.choice(["T", "T", "Q", "A", "AM", "LULD", "NOI"])
    symbol, canonical = dice.choice([("AAPL", "AAPL"), ("BRK.B", "BRK.B"), ("BACpL", "BAC.PRL"), ("AAw", "AA.WS")])
    stamp = moment(True)
    feed = "polygon-stocks"
    if kind == "T":
        raw = dict(sym=symbol, x=dice.randint(1, 20), i=str(dice.randint(1, 10 ** 9)), z=dice.randint(1, 3),
                   p=number(), s=Digits(str(dice.randint(1, 500))), c=maybe(lambda: [dice.randint(0, 50), 41]),
                   t=stamp, q=dice.randint(1, 10 ** 7))
        size = raw["s"]
        facility = maybe(lambda: stamp - 700)
        if facility:
            raw.update(trfi=201, trft=facility)
        if dice.random() < 0.3:
            raw["ds"] = size = f"{size}.{dice.randint(1, 9)}"
        said = [("kind", "trade"), ("symbol", canonical), ("feed", feed), ("event_ns", (facility or stamp) * 10 ** 6),
                ("published_ns", stamp * 10 ** 6 if facility else None), ("known_ns", KNOWN),
                ("exchange", str(raw["x"])), ("id", raw["i"]), ("sequence", raw["q"]),
                ("trf", 201 if facility else None), ("price", raw["p"]), ("size", Digits(size)),
                ("conditions", words(raw["c"])), ("tape", str(raw["z"]))]
    elif kind == "Q":
        raw = dict(sym=symbol, bx=4, bp=number(), bs=Digits("2"), ax=7, ap=number(), c=0, t=stamp, z=1,
                   i=maybe(lambda: [604]), q=dice.randint(1, 10 ** 7))
        raw["as"] = Digits("3")
        said = [("kind", "quote"), ("symbol", canonical), ("feed", feed), ("event_ns", stamp * 10 ** 6),
                ("known_ns", KNOWN), ("sequence", raw["q"]), ("conditions", ["0"]), ("tape", "1"), ("bid", raw["bp"]),
                ("bid_size", raw["bs"]), ("bid_exchange", "4"), ("ask", raw["ap"]), ("ask_size", raw["as"]),
                ("ask_exchange", "7")]
    elif kind in ("A", "AM"):
        raw = dict(sym=symbol, v=Digits("4110"), av=9470157, op=number(), vw=number(4), o=number(), c=number(),
                   h=number(), l=number(), a=number(), z=685, s=stamp, e=stamp + 60000)
        said = [("symbol", canonical), ("feed", feed), ("interval", "1s" if kind == "A" else "1m"),
                ("start_ns", stamp * 10 ** 6), ("known_ns", KNOWN), ("open", raw["o"]), ("high", raw["h"]),
                ("low", raw["l"]), ("close", raw["c"]), ("volume", raw["v"]), ("vwap", raw["vw"]), ("revision", 0)]
    elif kind == "LULD":
        # Microseconds, as the example of its documentation has them.
        raw = dict(T=symbol, h=number(), l=number(), i=[21], z=3, t=stamp * 1000, q=dice.randint(1, 10 ** 7))
        said = [("kind", "luld"), ("symbol", canonical), ("feed", feed), ("event_ns", stamp * 10 ** 6),
                ("known_ns", KNOWN), ("sequence", raw["q"]), ("tape", "3"), ("limit_up", raw["h"]),
                ("limit_down", raw["l"]), ("indicators", ["21"])]
    else:
        return dict(ev="NOI", T=symbol, t=stamp), None
    if dice.random() < 0.2:
        # An unknown field, and the kind after all others.
        return dict(new={"a": [1, "x"]}, **raw, ev=kind), said
    return dict(ev=kind, **raw), said


def rfc3339(nanoseconds):
    seconds, rest = divmod(nanoseconds, 10 ** 9)
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    fraction = f"{rest:09d}".rstrip("0")
    return moment + ("." + fraction if fraction else "") + "Z"


def alpaca():
    kind = dice.choice(["t", "t", "q", "b", "u", "d", "s", "l", "c", "x", "n"])
    symbol = dice.choice(["AAPL", "BRK.B", "BAC.PRL"])
    stamp = moment(False)
    feed = "alpaca-stocks"
    head = [("symbol", symbol), ("feed", feed), ("event_ns", stamp), ("known_ns", KNOWN)]
    raw = dict(T=kind, S=symbol, t=Stamp(stamp))
    if kind == "t":
        raw.update(i=dice.randint(1, 10 ** 14), x=dice.choice("DVQ"), p=number(), s=Digits(str(dice.randint(1, 900))),
                   c=maybe(lambda: ["@", "I"]), z="C")
        said = [("kind", "trade")] + head + [
            ("exchange", raw["x"]), ("id", str(raw["i"])), ("price", raw["p"]), ("size", raw["s"]),
            ("conditions", raw["c"]), ("tape", "C")]
    elif kind == "q":
        raw.update(bx="U", bp=number(), bs=Digits("1"), ax="Q", ap=number(), c=["R"], z="B")
        raw["as"] = Digits("4")
        said = [("kind", "quote")] + head + [
            ("conditions", ["R"]), ("tape", "B"), ("bid", raw["bp"]), ("bid_size", raw["bs"]), ("bid_exchange", "U"),
            ("ask", raw["ap"]), ("ask_size", raw["as"]), ("ask_exchange", "Q")]
    elif kind in "bud":
        raw.update(o=number(), h=number(), l=number(), c=number(), v=Digits("278"), n=31, vw=number(4))
        said = [("symbol", symbol), ("feed", feed), ("interval", "1d" if kind == "d" else "1m"), ("start_ns", stamp),
                ("known_ns", KNOWN), ("open", raw["o"]), ("high", raw["h"]), ("low", raw["l"]), ("close", raw["c"]),
                ("volume", raw["v"]), ("vwap", raw["vw"]), ("trades", 31), ("revision", 0)]
        if kind == "d":
            said.append(("running", True))
    elif kind == "s":
        raw.update(sc="H", sm="Trading Halt", rc="T12", rm="Says \"more\" \u2014 soon", z="C")
        said = [("kind", "status")] + head + [
            ("tape", "C"), ("code", "H"), ("message", "Trading Halt"), ("reason_code", "T12"), ("reason", raw["rm"])]
    elif kind == "l":
        raw.update(u=number(), d=number(), i="B", z="B")
        said = [("kind", "luld")] + head + [
            ("tape", "B"), ("limit_up", raw["u"]), ("limit_down", raw["d"]), ("indicators", ["B"])]
    elif kind == "c":
        raw.update(x="D", oi=10, op=number(), os=Digits("100"), oc=["@"], ci=11, cp=number(), cs=Digits("90"),
                   cc=["@", "T"], z="A")
        said = [("kind", "correction")] + head + [
            ("exchange", "D"), ("id", "11"), ("price", raw["cp"]), ("size", raw["cs"]), ("conditions", ["@", "T"]),
            ("tape", "A"), ("original_id", "10"), ("original_price", raw["op"]), ("original_size", raw["os"]),
            ("original_conditions", ["@"])]
    elif kind == "x":
        raw.update(i=12, x="D", p=number(), s=Digits("7"), a="C", z="A")
        said = [("kind", "cancel")] + head + [
            ("exchange", "D"), ("id", "12"), ("price", raw["p"]), ("size", raw["s"]), ("tape", "A"), ("action", "C")]
    else:
        return raw, None
    items = list(raw.items())
    if dice.random() < 0.2:
        items.append(("new", {"a": [1, None, True]}))
        items = items[1:] + items[:1]
    return dict(items), said


class Stamp(int):
    """An instant in nanoseconds."""


def plain(value):
    """For MessagePack: digits are numbers, instants its timestamps."""
    if isinstance(value, Digits):
        return float(value) if "." in value else int(value)
    if isinstance(value, Stamp):
        return msgpack.Timestamp(value // 10 ** 9, value % 10 ** 9)
    return value


def encode(elements):
    if packed:
        return msgpack.packb([{key: plain(value) for key, value in each.items()} for each in elements])

    def one(each):
        return text([(key, rfc3339(value) if isinstance(value, Stamp) else value) for key, value in each.items()])
    return ("[" + ",".join(one(each) for each in elements) + "]").encode()


for _ in range(count):
    elements = [polygon() if form == "polygon" else alpaca() for _ in range(dice.randint(1, 6))]
    frame = encode([{k: v for k, v in raw.items() if v is not None} for raw, _ in elements])
    said = [text([(k, Digits(shown(v)) if isinstance(v, Digits) else v) for k, v in each])
            for _, each in elements if each]
    print(frame.hex() + "\t" + json.dumps(said, ensure_ascii=False))
