"""Reads what s3-consumer stored, with boto3 and Python's own gzip and json.

Prints one line per object, `object <key> <sha256 of the stored bytes> <records>`, and one per record,
`record <symbol of the key> <date of the key> <symbol> <datetime> <volume>`. Settings come from the environment, as
for every S3 client; arguments are the bucket and a prefix.
"""
import gzip
import hashlib
import json
import os
import re
import sys

import boto3
from botocore.config import Config


def main(bucket, prefix):
    s3 = boto3.client(
        "s3", endpoint_url=os.environ["S3_ENDPOINT"], region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}))
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            key = item["Key"]
            stored = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            plain = gzip.decompress(stored) if key.endswith(".gz") else stored
            place = re.search(r"/date=(\d{4}-\d\d-\d\d)/symbol=([^/]+)/[^/]+$", key)
            lines = plain.splitlines() if ".jsonl" in key else [plain]
            print("object", key, hashlib.sha256(stored).hexdigest(), len(lines))
            for line in lines:
                bar = json.loads(line)
                print("record", place[2], place[1], bar["symbol"], bar["datetime"], bar["volume"])


main(*sys.argv[1:])
