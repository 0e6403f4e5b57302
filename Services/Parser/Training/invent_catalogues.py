#!/usr/bin/python3
"""Writes invented price lists of chains with different habits of spelling, for a first model where no real lists are:
every product, maker and price is made up from the words below."""

import argparse
import os
import random
from xml.sax.saxutils import escape

KINDS = {
    # kind: (variants, sizes in g or ml or pieces, unit, price of the middle size)
    "יוגורט": ("תות|וניל|אפרסק|דובדבן|טבעי|פירות יער|מוקה", (125, 150, 200, 500), "גרם", 5),
    "מעדן": ("שוקולד|וניל|אגוזים|קרמל|לבן", (100, 125, 150), "גרם", 4),
    "גבינה לבנה": ("רגילה|קלה|בטעם שום|עם זיתים", (250, 500), "גרם", 8),
    "גבינה צהובה": ("פרוסה|מגורדת|עדינה|מיושנת", (200, 400, 500), "גרם", 18),
    "קוטג": ("רגיל|זיתים|בצל", (200, 250), "גרם", 6),
    "חלב": ("טרי|עמיד|דל לקטוז|מועשר", (1000, 2000), "מל", 7),
    "משקה סויה": ("טבעי|וניל|שוקו|ללא סוכר", (1000,), "מל", 11),
    "מיץ": ("תפוזים|תפוחים|ענבים|אשכוליות|גזר|רימונים", (500, 1000, 1500), "מל", 10),
    "משקה מוגז": ("קולה|לימון|תפוז|דיאט|זירו|ענבים", (330, 500, 1500), "מל", 7),
    "מים": ("מינרלים|מוגזים|בטעם אפרסק|בטעם ענבים|בטעם תפוח", (500, 1500), "מל", 5),
    "חטיף": ("תירס|תפוחי אדמה|בוטנים|בצל|גריל|פלפל חריף", (50, 80, 200), "גרם", 6),
    "עוגיות": ("שוקולד ציפס|חמאה|גרנולה|קוקוס|תמרים|ללא סוכר", (200, 250, 500), "גרם", 13),
    "שוקולד": ("חלב|מריר|לבן|אגוזים|קראנץ|תפוז", (85, 100, 200), "גרם", 9),
    "דגני בוקר": ("שוקולד|דבש|מלאים|פירות|אגוזים|כריות", (375, 500, 750), "גרם", 22),
    "פסטה": ("ספגטי|פנה|פוזילי|לזניה|קונכיות", (400, 500), "גרם", 6),
    "אורז": ("בסמטי|פרסי|עגול|מלא|יסמין", (500, 1000), "גרם", 11),
    "קטשופ": ("רגיל|חריף|ללא סוכר", (500, 750), "גרם", 12),
    "מיונז": ("רגיל|לייט|שום", (320, 500), "גרם", 12),
    "טחינה": ("גולמית|מלאה|מוכנה|עם פטרוזיליה", (300, 500), "גרם", 14),
    "חומוס": ("רגיל|עם צנובר|עם חריף|אבו גוש", (400, 750), "גרם", 13),
    "סלט": ("חצילים|מטבוחה|כרוב|טורקי|פלפלים", (200, 250, 400), "גרם", 10),
    "קפה": ("נמס|טורקי|שחור|מגורען|נטול קפאין", (100, 200), "גרם", 21),
    "תה": ("ירוק|נענע|קמומיל|ארל גריי|לימון", (25, 50, 100), "יח", 16),
    "שמפו": ("יבש|שמן|צבוע|קשקשים|ילדים", (400, 700), "מל", 17),
    "מרכך שיער": ("קרטין|ארגן|חלבון|קוקוס", (400, 700), "מל", 17),
    "סבון ידיים": ("לבנדר|קוקוס|וניל|אלוורה", (500, 1000), "מל", 12),
    "מרכך כביסה": ("בייבי|פרחים|אביב|לבנדר|כחול", (960, 2000, 4000), "מל", 19),
    "גל כביסה": ("צבעוני|לבן|שחור|רגיש", (1000, 3000), "מל", 32),
    "מגבונים": ("לחים|ללא בישום|אלוורה|רצפה", (64, 72), "יח", 10),
    "נייר טואלט": ("דו שכבתי|תלת שכבתי|לבן|ורוד", (32, 48), "יח", 34),
    "קוביות מרק": ("עוף|בצל|ירקות|פטריות", (60, 120), "גרם", 9),
    "שניצל": ("עוף|תירס|סויה|דק", (700, 1000), "גרם", 33),
    "פיצה": ("משפחתית|אישית|זיתים|פטריות", (300, 450), "גרם", 24),
    "גלידה": ("וניל|שוקולד|עוגיות|פיסטוק|קרמל מלוח", (500, 1400), "מל", 23),
}
MAKERS = ("גליל|נווה|תמרה|אורנים|שדות|הברון|מעיין|רותם|כרמון|סביון|אלומה|פרי ארץ|טל|מרום|יעלים|ארזים|השחר|דגניה|"
          "לוטן|נטף|ענבל|צמרת|אביבית|חרמון|שירז|נוגה|זיו|קדם|מגדלים|עפרה").split("|")
LATIN = {"נוגה": "Noga", "זיו": "Ziv", "שירז": "Shiraz", "ענבל": "Inbal", "לוטן": "Lotan", "כרמון": "Carmon"}
LINES = ("פרימיום|קלאסי|לייט|פרו|גולד|ביו|בייבי|אקסטרה|נטורל|סטאר").split("|")
SHORT = {"שוקולד": "שוק'", "משקה": "מש'", "גבינה": "גב'", "עוגיות": "עוג'", "נייר": "ני'", "מרכך": "מר'",
         "תפוחי אדמה": "תפו\"א", "ללא סוכר": "לל\"ס", "חטיף": "חט'", "סבון": "סב'", "דגני בוקר": "דגנ\"ב"}
UNITS = {"גרם": ("גרם", "גר'", "ג'", "גר", "ג"), "מל": ("מ\"ל", "מל", "מ'ל"), "יח": ("יחידות", "יח'", "יח")}


class Product:
    def __init__(self, number, kind, variant, maker, line, percent, size, unit, price):
        self.kind, self.variant, self.maker, self.line, self.percent = kind, variant, maker, line, percent
        self.size, self.unit, self.price = size, unit, price
        body = f"729{MAKERS.index(maker):03}{number:06}"
        total = sum(int(digit) * (3 if place % 2 else 1) for place, digit in enumerate(body))
        self.code = body + str(-total % 10)


class Chain:
    """How one chain writes."""

    def __init__(self, name, chance):
        self.name = name
        self.cut = 20 if chance.random() < 0.4 else chance.choice([26, 40, 60])
        self.short = chance.random() * 0.5
        self.maker_in_name = chance.random()
        self.maker_first = chance.random() < 0.4
        self.maker_column = chance.random() < 0.3
        self.size_in_name = 0.95 if self.cut > 20 else 0.6
        self.columns = self.cut == 20 or chance.random() < 0.3
        self.units = {unit: chance.choice(spellings) for unit, spellings in UNITS.items()}
        self.glued = chance.random() < 0.3
        self.latin = chance.random() * 0.5
        self.level = chance.uniform(0.9, 1.15)
        self.noise = 0.03

    def named(self, product, chance):
        def word(text):
            return SHORT.get(text, text) if chance.random() < self.short else text
        maker = LATIN[product.maker] if product.maker in LATIN and chance.random() < self.latin else product.maker
        parts = [word(product.kind)]
        if product.line and chance.random() < 0.9:
            parts.append(product.line)
        if chance.random() < 0.95:
            parts.append(word(product.variant))
        if product.percent:
            parts.append(f"{product.percent}%")
        if chance.random() < 0.25:
            parts[1:] = chance.sample(parts[1:], len(parts) - 1)
        if chance.random() < self.maker_in_name:
            parts.insert(0 if self.maker_first else len(parts), maker)
        if chance.random() < self.size_in_name:
            large = product.size >= 1000 and product.unit in ("גרם", "מל")
            if large and chance.random() < 0.6:
                amount, unit = f"{product.size / 1000:g}", "ק\"ג" if product.unit == "גרם" else "ליטר"
            else:
                amount, unit = f"{product.size:g}", self.units[product.unit]
            parts.append(amount + ("" if self.glued else " ") + unit)
        text = " ".join(parts)
        if chance.random() < self.noise and len(text) > 8:
            place = chance.randrange(2, len(text) - 2)
            text = text[:place] + text[place + 1:]
        return text[:self.cut].strip()

    def row(self, product, chance):
        price = product.price * self.level * chance.choice([1, 1, 1, 0.9, 1.1, 1.2])
        price = round(price) - 0.1 if price > 3 else round(price, 1)
        quantity, unit = (product.size, {"גרם": "גרמים", "מל": "מיליליטרים", "יח": "יחידה"}[product.unit]) \
            if self.columns else (1, "יחידה")
        maker = product.maker if self.maker_column and chance.random() < 0.9 else "לא ידוע"
        fields = {"PriceUpdateDate": "2025-01-20 08:00", "ItemCode": product.code, "ItemType": 1,
                  "ItemName": self.named(product, chance), "ManufacturerName": maker, "UnitQty": unit,
                  "Quantity": f"{quantity:.2f}", "bIsWeighted": 0, "UnitOfMeasure": "100 גרם",
                  "ItemPrice": f"{price:.2f}"}
        inside = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in fields.items())
        return f"<Item>{inside}</Item>"


def products(count, chance):
    made, seen = [], set()
    while len(made) < count:
        kind = chance.choice(list(KINDS))
        variants, sizes, unit, middle = KINDS[kind]
        # A maker makes few kinds; its variants and sizes of one kind are what is easily confused.
        maker = chance.choice(random.Random(kind).sample(MAKERS, 7))
        line = chance.choice(LINES) if chance.random() < 0.35 else ""
        percent = chance.choice((1, 3, 5, 9, 28)) if kind.startswith(("גבינה", "קוטג", "יוגורט", "חלב")) else None
        size, variant = chance.choice(sizes), chance.choice(variants.split("|"))
        key = (kind, variant, maker, line, percent, size)
        # One product in twenty has a second barcode.
        if key in seen and chance.random() > 0.05:
            continue
        seen.add(key)
        price = middle * (size / sizes[len(sizes) // 2]) ** 0.7 * chance.uniform(0.8, 1.25)
        made.append(Product(len(made), kind, variant, maker, line, percent, size, unit, price))
    return made


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="made when it is missing; a folder for each chain in it")
    parser.add_argument("--products", type=int, default=6000, help="of several chains (default: %(default)s)")
    parser.add_argument("--chains", type=int, default=9, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    arguments = parser.parse_args()
    chance = random.Random(arguments.seed)
    shares = [chance.uniform(0.2, 0.5) for _ in range(arguments.chains)]
    # A tenth to a half of a list are products that no other chain sells, as in published ones: without them a model
    # does not learn to withhold.
    alone = [int(arguments.products * share * chance.uniform(0.1, 1)) for share in shares]
    made = products(arguments.products + sum(alone), chance)
    chance.shuffle(made)
    catalogue = [made.pop() for _ in range(arguments.products)]
    for number in range(arguments.chains):
        chain = Chain(f"invented_{number + 1}", chance)
        sold = chance.sample(catalogue, int(len(catalogue) * shares[number]))
        sold += [made.pop() for _ in range(alone[number])]
        rows = "\n".join(chain.row(product, chance) for product in sold)
        home = os.path.join(arguments.folder, chain.name)
        os.makedirs(home, exist_ok=True)
        code = f"72900000{number:05}"
        with open(os.path.join(home, f"PriceFull{code}-001-202501200800.xml"), "w", encoding="utf-8") as file:
            file.write(f"<Root><ChainId>{code}</ChainId><SubChainId>1</SubChainId><StoreId>1</StoreId>"
                       f"<Items Count=\"{len(sold)}\">\n{rows}\n</Items></Root>\n")


if __name__ == "__main__":
    main()
