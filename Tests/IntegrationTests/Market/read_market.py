"""Reads bars at every place they pass, by other code than the services', and says what does not agree.

Arguments: a folder of <SYMBOL>.csv, the interval of its bars, the brokers, the topic, the bucket, and the URL of the
InfluxDB with its database as path. The S3 server comes from the environment. Prints one JSON object: how many bars
the files hold, records the topic, lines and objects the bucket, points the database; the SHA-256 of every object; and
the problems:

- the topic holds every bar of the files and no other, the last record of each with the values of the file, and the
  bars of a symbol come for the first time in the order of time;
- the objects hold every record of the topic once, below the date and symbol of the bar;
- the database holds one point a bar, with the values of the file.
"""
import csv
import glob
import gzip
import hashlib
import json
import os
import re
import sys
import urllib.parse
import urllib.request
from collections import Counter
from datetime import datetime, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import boto3
from botocore.config import Config
from confluent_kafka import Consumer, TopicPartition

CAIRO = ZoneInfo("Africa/Cairo")
FIELDS = ["open", "high", "low", "close", "volume"]


def read_files(folder):
    bars = {}
    for path in glob.glob(folder + "/*.csv"):
        symbol = os.path.basename(path)[:-4]
        with open(path, newline="") as file:
            for row in csv.DictReader(file):
                if not all(row[name] for name in FIELDS[:4]):
                    continue
                if "date" in row:
                    time = row["date"] + "T00:00:00"
                else:
                    utc = datetime.fromisoformat(row["datetime"]).replace(tzinfo=timezone.utc)
                    time = utc.astimezone(CAIRO).replace(tzinfo=None).isoformat()
                bars[symbol, time] = [Decimal(row[name]) if row[name] else None for name in FIELDS]
    return bars


def values_of(message):
    return [None if message.get(name) is None else Decimal(message[name]) for name in FIELDS]


def read_topic(servers, topic):
    consumer = Consumer({"bootstrap.servers": servers, "group.id": "read-market", "enable.auto.commit": False})
    partitions = consumer.list_topics(topic, 30).topics[topic].partitions
    left = {}
    for number in partitions:
        low, high = consumer.get_watermark_offsets(TopicPartition(topic, number), 30)
        if high > low:
            left[number] = high
    consumer.assign([TopicPartition(topic, number, 0) for number in left])
    records = []
    while left:
        for record in consumer.consume(5000, 5.0):
            if record.error():
                raise RuntimeError(record.error())
            records.append((record.key(), record.value()))
            if record.offset() + 1 >= left.get(record.partition(), 0):
                left.pop(record.partition(), None)
    # Closing would wait for the group.
    return records


def read_objects(bucket):
    s3 = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"], region_name="us-east-1",
                      config=Config(s3={"addressing_style": "path"}))
    objects, lines, strays = {}, [], []
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
        for item in page.get("Contents", []):
            key = item["Key"]
            stored = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
            objects[key] = hashlib.sha256(stored).hexdigest()
            place = re.fullmatch(r"streaming/date=(\d{4}-\d\d-\d\d)/symbol=([^/]+)/part-\d{5}-\d{20}\.jsonl\.gz", key)
            for line in gzip.decompress(stored).splitlines():
                lines.append(line)
                bar = json.loads(line)
                if not place or (bar["datetime"][:10], bar["symbol"]) != place.groups():
                    strays.append(key)
    return objects, lines, strays


def read_points(url, interval):
    address = urllib.parse.urlsplit(url)
    question = urllib.parse.urlencode({
        "db": address.path.strip("/"), "epoch": "s",
        "q": f"SELECT {','.join(FIELDS)} FROM stock_price WHERE \"interval\" = '{interval}' GROUP BY symbol"})
    with urllib.request.urlopen(f"{address.scheme}://{address.netloc}/query?{question}", timeout=120) as answer:
        results = json.load(answer)["results"]
    points = {}
    for series in results[0].get("series", []):
        for time, *values in series["values"]:
            local = datetime.fromtimestamp(time, CAIRO).replace(tzinfo=None).isoformat()
            points[series["tags"]["symbol"], local] = values
    return points


def main(folder, interval, servers, topic, bucket, influx):
    problems = []

    def compare(name, expected, found, equal):
        for key in sorted(expected.keys() - found.keys())[:5]:
            problems.append(f"{name}: {key} is missing")
        for key in sorted(found.keys() - expected.keys())[:5]:
            problems.append(f"{name}: {key} is in no file")
        wrong = [key for key in expected.keys() & found.keys() if not equal(expected[key], found[key])]
        for key in sorted(wrong)[:5]:
            problems.append(f"{name}: {key} is {found[key]}, not {expected[key]}")

    files = read_files(folder)
    records = read_topic(servers, topic)
    last, newest = {}, {}
    for key, value in records:
        message = json.loads(value, parse_float=str, parse_int=str)
        place = message["symbol"], message["datetime"]
        if key.decode() != message["symbol"] or message["interval"] != interval:
            problems.append(f"topic: {place} has another key or interval")
        if place not in last and message["datetime"] < newest.get(message["symbol"], ""):
            problems.append(f"topic: {place} comes late")
        newest[message["symbol"]] = max(newest.get(message["symbol"], ""), message["datetime"])
        last[place] = values_of(message)
    compare("topic", files, last, lambda a, b: a == b)

    objects, lines, strays = read_objects(bucket)
    produced, stored = Counter(value for _, value in records), Counter(lines)
    for name, difference in (("lost", produced - stored), ("there too often", stored - produced)):
        for line in list(difference)[:5]:
            problems.append(f"objects: {line.decode()} is {name}")
    problems += [f"objects: {key} holds another date or symbol" for key in strays[:5]]

    points = read_points(influx, interval)
    compare("points", files, points, lambda a, b: [None if x is None else float(x) for x in a] == b)

    print(json.dumps({
        "bars": len(files), "records": len(records), "lines": len(lines), "points": len(points), "objects": objects,
        "problems": problems[:20]}))
    sys.stdout.flush()
    os._exit(0)


main(*sys.argv[1:])
