"""Reads an archive with the stores' own clients (boto3, azure-storage-blob) and Python's gzip, json and zoneinfo.

usage: read_archive.py s3 BUCKET | azure CONTAINER | folder PATH

Prints for each object of records `object <key> <sha256 of the stored bytes> <records> <tier>`, for each record
`record <dataset> <symbol> <nanoseconds> <number>`, and for what is wrong:
`stray ...` for a record under another date or symbol than its own, and `catalogue ...` where the catalogue says
otherwise than the store. Objects that cannot be read are printed with `archived` instead of a hash.
"""
import gzip
import hashlib
import json
import os
import re
import sys
from datetime import datetime, timezone
from urllib.parse import unquote
from zoneinfo import ZoneInfo

TIMES = {"market-ticks": "event_ns", "market-bars": "start_ns", "market-gaps": "from_ns"}
NEW_YORK = ZoneInfo("America/New_York")


class S3:
    def __init__(self, bucket):
        import boto3
        from botocore.config import Config
        self.bucket = bucket
        self.client = boto3.client(
            "s3", endpoint_url=os.environ["S3_ENDPOINT"], region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}))

    def listing(self):
        try:
            for page in self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket):
                for item in page.get("Contents", []):
                    yield item["Key"], item.get("StorageClass", "STANDARD")
        except self.client.exceptions.NoSuchBucket:
            pass

    def read(self, key):
        return self.client.get_object(Bucket=self.bucket, Key=key)["Body"].read()


class Azure:
    def __init__(self, container):
        from azure.storage.blob import BlobServiceClient
        service = BlobServiceClient.from_connection_string(os.environ["AZURE_CONNECTION"], retry_total=0)
        self.client = service.get_container_client(container)

    def listing(self):
        for blob in self.client.list_blobs():
            yield blob.name, str(blob.blob_tier)

    def read(self, key):
        from azure.core.exceptions import HttpResponseError
        try:
            return self.client.download_blob(key).readall()
        except HttpResponseError as error:
            if error.error_code in ("BlobArchived", "BlobBeingRehydrated"):
                return None
            raise


class Folder:
    def __init__(self, path):
        self.path = path

    def listing(self):
        for place, _, names in os.walk(self.path):
            for name in names:
                yield os.path.relpath(os.path.join(place, name), self.path), "default"

    def read(self, key):
        with open(os.path.join(self.path, key), "rb") as file:
            return file.read()


def main(kind, place):
    store = {"s3": S3, "azure": Azure, "folder": Folder}[kind](place)
    found, told, sums = {}, {}, {}
    listing = sorted(store.listing())
    for key, tier in listing:
        if key.startswith("_catalogue/"):
            if match := re.fullmatch(r"_catalogue/([^/]+)/date=([\d-]+)\.jsonl\.gz", key):
                for line in gzip.decompress(store.read(key)).splitlines():
                    entry = json.loads(line)
                    if entry["date"] != match[2] or entry["object"] in told:
                        print("catalogue", "misplaced", entry["object"])
                    told[entry["object"]] = entry
                    sums.setdefault(match[1], []).append(entry)
            continue
        match = re.fullmatch(r"([^/]+)/date=(\d{4}-\d\d-\d\d)/symbol=([^/]+)/part-\d{5}-\d{20}\.jsonl\.gz", key)
        if not match:
            print("stray", "name", key)
            continue
        dataset, date, symbol = match[1], match[2], unquote(match[3])
        stored = store.read(key)
        if stored is None:
            print("object", key, "archived", "-", tier)
            found[key] = None
            continue
        lines = gzip.decompress(stored).splitlines()
        print("object", key, hashlib.sha256(stored).hexdigest(), len(lines), tier)
        times = []
        for line in lines:
            record = json.loads(line)
            stamp = record[TIMES[dataset]]
            times.append(stamp)
            day = datetime.fromtimestamp(stamp // 10**9, timezone.utc).astimezone(NEW_YORK).date().isoformat()
            if day != date or record["symbol"] != symbol:
                print("stray", dataset, date, symbol, day, record["symbol"])
            print("record", dataset, record["symbol"], stamp, record["known_ns" if "known_ns" in record else "opened_ns"])
        found[key] = {"bytes": len(stored), "rows": len(lines), "from_ns": min(times), "to_ns": max(times),
                      "sha256": hashlib.sha256(stored).hexdigest(), "date": date, "symbol": symbol}
    for key, facts in found.items():
        if key not in told:
            print("catalogue", "misses", key)
        elif facts and any(told[key].get(name) != value for name, value in facts.items()):
            print("catalogue", "differs", key, json.dumps(told[key]))
    for key in set(told) - set(found):
        print("catalogue", "invents", key)
    keys = {key for key, _ in listing}
    for dataset, entries in sums.items():
        name = "_catalogue/%s/index.json" % dataset
        if name not in keys:
            # Its writer was killed between the dates and the index.
            print("catalogue", "misses", name)
            continue
        index = json.loads(store.read(name))
        rows = sum(date["rows"] for date in index["dates"])
        objects = sum(date["objects"] for date in index["dates"])
        if objects != len(entries) or rows != sum(entry.get("rows") or 0 for entry in entries):
            print("catalogue", "sums", dataset, objects, rows)


main(*sys.argv[1:])
