"""Prints what an object store holds, by other code than the services': for each line of each object, its key, a tab,
and the line. Objects that are no records (`_catalogue/`) are left out.

usage: read_store.py s3 BUCKET PREFIX | folder PATH
"""
import gzip
import os
import sys


def objects(kind, place, prefix=""):
    if kind == "folder":
        for folder, _, names in os.walk(place):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as file:
                    yield os.path.relpath(path, place), file.read()
        return
    import boto3
    from botocore.config import Config
    client = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"], region_name="us-east-1",
                          config=Config(s3={"addressing_style": "path"}))
    try:
        for page in client.get_paginator("list_objects_v2").paginate(Bucket=place, Prefix=prefix + "/"):
            for item in page.get("Contents", []):
                yield item["Key"][len(prefix) + 1:], client.get_object(Bucket=place, Key=item["Key"])["Body"].read()
    except client.exceptions.NoSuchBucket:
        pass


for key, stored in objects(*sys.argv[1:]):
    if key.endswith(".jsonl.gz") and not key.startswith("_catalogue/"):
        for line in gzip.decompress(stored).decode().splitlines():
            print(key, line, sep="\t")
