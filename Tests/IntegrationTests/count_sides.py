"""Counts the promotions and stores of published files with Python's ElementTree.

usage: count_sides.py FOLDER      FOLDER/<chain>/<file>; chains that start with "_" are left out
prints: promotions|chain|store|promotions|item references     of each promotion file that has any
        stores|chain|stores with an id of their own in their sub-chain
"""
import os
import re
import sys
import xml.etree.ElementTree

from read_prices import inflate, text


def tree(path):
    with open(path, "rb") as file:
        content = re.sub(r"^\s*<\?xml[^>]*\?>", "", text(inflate(file.read())))
    root = xml.etree.ElementTree.fromstring(content)
    for element in root.iter():
        # Names as written differ in case and, in exports of SAP, carry a namespace.
        element.tag = element.tag.rsplit("}", 1)[-1].lower()
    return root


def number(value):
    return value.strip().lstrip("0") or "0"


def promotions(chain, store, root):
    found = {}
    for element in root.iter():
        names = [child.tag for child in element]
        if "promotionid" in names:
            key = element.findtext("promotionid")
            found.setdefault(key, 0)
            found[key] += sum(1 for _ in element.iter("itemcode"))
        if element.tag == "storeid":
            store = number(element.text or store)
    if found:
        print(f"promotions|{chain}|{store}|{len(found)}|{sum(found.values())}")


def stores(root, keys):
    def walk(element, part):
        own = element.findtext("subchainid")
        part = number(own) if own is not None else part
        store = element.findtext("storeid")
        if store is not None:
            keys.add((part, number(store)))
        for child in element:
            walk(child, part)

    walk(root, None)


def main(folder):
    for chain in sorted(os.listdir(folder)):
        path = os.path.join(folder, chain)
        if chain.startswith("_") or not os.path.isdir(path):
            continue
        keys = set()
        for name in sorted(os.listdir(path)):
            match = re.match(r"(?i)(?:null)?promo(?:full)?-?\d{13}-(?:\d+-)??(\d+)-\d{8}", name)
            if match:
                promotions(chain, number(match[1]), tree(os.path.join(path, name)))
            elif re.match(r"(?i)stores(?:full)?\d+-", name):
                stores(tree(os.path.join(path, name)), keys)
        if keys:
            print(f"stores|{chain}|{len(keys)}")


main(sys.argv[1])
