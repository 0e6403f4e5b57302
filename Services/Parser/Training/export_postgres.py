#!/usr/bin/python3
"""Writes what a deployment knows of products, in PostgreSQL, as price lists to learn from: a folder for each chain with
one full list, as `souk-bench masters --catalogues` reads them.

What persons decided is in it: a product without a GTIN whose master was merged into one with a GTIN is listed under
that GTIN, and what a split took away from a GTIN is left out. What a model took for the same is no label: it stays under
the chain's own code. Candidates that persons rejected are written beside the list, `rejected.tsv`: the chain's code and
the master that it is not. Reads with psql (the Debian package postgresql-client), one chain at a time."""

import argparse
import csv
import io
import os
import shlex
import subprocess
import urllib.parse
from xml.sax.saxutils import escape

CHAINS = "SELECT chain FROM products GROUP BY chain ORDER BY chain"
PRODUCTS = """
    SELECT p.ean, p.master_id, p.written_as, p.name, coalesce(p.manufacturer, ''), coalesce(p.unit_qty, ''),
           coalesce(p.quantity::text, ''), CASE WHEN p.is_weighted THEN 1 ELSE 0 END,
           (SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY x.price) FROM prices x
            WHERE x.chain = p.chain AND x.ean = p.ean AND x.price > 0)
    FROM product_masters p
    WHERE p.chain = :'chain' AND p.name <> ''
    ORDER BY p.ean
"""
REJECTED = """
    SELECT DISTINCT p.ean, CASE WHEN d.master_id = p.master_id THEN d.other_id ELSE d.master_id END
    FROM master_decisions d
    JOIN products p ON p.master_id IN (d.master_id, d.other_id)
    WHERE d.kind = 'reject' AND d.undone_at IS NULL AND p.chain = :'chain' AND p.master_id LIKE 'name:%'
    ORDER BY 1, 2
"""
PARAMETERS = {"host": "PGHOST", "port": "PGPORT", "user": "PGUSER", "password": "PGPASSWORD", "dbname": "PGDATABASE",
              "sslmode": "PGSSLMODE", "sslrootcert": "PGSSLROOTCERT", "sslcert": "PGSSLCERT", "sslkey": "PGSSLKEY"}


def settings(dsn):
    """The address as psql's environment: on the command line other users of the machine could read the password."""
    if "://" in dsn:
        url = urllib.parse.urlsplit(dsn)
        found = {"host": url.hostname, "port": url.port, "user": url.username, "password": url.password,
                 "dbname": url.path.lstrip("/")}
        found = {key: urllib.parse.unquote(str(value)) for key, value in found.items() if value}
        found.update(urllib.parse.parse_qsl(url.query))
    else:
        found = dict(word.split("=", 1) for word in shlex.split(dsn))
    unknown = sorted(set(found) - set(PARAMETERS))
    if unknown:
        raise SystemExit(f"the database's address has parameters that are not supported here: {', '.join(unknown)}")
    return {**os.environ, **{PARAMETERS[key]: value for key, value in found.items()}}


def ask(environment, sql, chain=""):
    answer = subprocess.run(
        ["psql", "--no-psqlrc", "--quiet", "--csv", "--tuples-only", "--set", "ON_ERROR_STOP=1", "--set",
         f"chain={chain}"], input=sql, text=True, encoding="utf-8", capture_output=True,
        env={**environment, "PGCLIENTENCODING": "UTF8"}, check=False)
    if answer.returncode:
        raise SystemExit(answer.stderr.strip() or "psql failed")
    return list(csv.reader(io.StringIO(answer.stdout)))


def code(ean, master, written):
    """What the list says the product's code is; None for a product that is left out."""
    own = written == "gtin:" + ean.rjust(14, "0")
    if own:
        return master[5:] if master.startswith("gtin:") else None
    merged = written.startswith("name:") and master.startswith("gtin:")
    return master[5:] if merged else ean


def item(row):
    ean, master, written, name, maker, unit, quantity, weighted, price = row
    listed = code(ean, master, written)
    if listed is None or not price:
        return ""
    fields = {"ItemCode": listed, "ItemName": name, "ManufacturerName": maker, "UnitQty": unit, "Quantity": quantity,
              "bIsWeighted": weighted, "ItemPrice": price}
    return "<Item>" + "".join(f"<{tag}>{escape(text)}</{tag}>" for tag, text in fields.items()) + "</Item>\n"


def write(path, text):
    """Whole or not at all."""
    with open(path + ".part", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".part", path)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", help="made when it is missing; a folder for each chain in it")
    parser.add_argument("--database-url", default=os.environ.get("DATABASE_URL"),
                        help="postgresql://user:password@host:5432/database, or key=value pairs (default: DATABASE_URL)")
    arguments = parser.parse_args()
    if not arguments.database_url:
        parser.error("no database: set --database-url or DATABASE_URL")
    environment = settings(arguments.database_url)
    for (chain,) in ask(environment, CHAINS):
        # A chain's name is a word; what is not must not leave the folder.
        if not all(letter.isalnum() or letter in "_-" for letter in chain):
            raise SystemExit(f"the chain {chain!r} cannot be a folder's name")
        items = "".join(map(item, ask(environment, PRODUCTS, chain)))
        home = os.path.join(arguments.folder, chain)
        os.makedirs(home, exist_ok=True)
        path = os.path.join(home, "PriceFull-database.xml")
        write(path, f"<Root><ChainId>{escape(chain)}</ChainId><StoreId>1</StoreId><Items>\n{items}</Items></Root>\n")
        rejected = [row for row in ask(environment, REJECTED, chain) if row[1].startswith("gtin:")]
        write(os.path.join(home, "rejected.tsv"), "".join(f"{ean}\t{master}\n" for ean, master in rejected))
        print(f"{path}: {items.count('<Item>')} products, {len(rejected)} rejected candidates")


if __name__ == "__main__":
    main()
