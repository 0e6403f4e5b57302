"""The same work by hand: confluent-kafka to S3 with boto3, one process.

Reads until a given number of messages, keeps them by date and symbol, packs and stores them 16 at a time whenever
64 MiB wait and at the end, then commits. Prints seconds from the first message to the last commit, and its memory.
"""
import gzip
import json
import os
import resource
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config
from confluent_kafka import Consumer


def main(servers, topic, bucket, total):
    s3 = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"], region_name="us-east-1",
                      config=Config(s3={"addressing_style": "path"}, max_pool_connections=16))
    consumer = Consumer({
        "bootstrap.servers": servers, "group.id": bucket, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "queued.max.messages.kbytes": 32 << 10, "fetch.wait.max.ms": 100})
    consumer.subscribe([topic])
    pool = ThreadPoolExecutor(16)
    buffers, waiting, seen, start = {}, 0, 0, None

    def put(item):
        (date, symbol, partition), (first, lines) = item
        key = f"by-hand/date={date}/symbol={symbol}/part-{partition}-{first}.jsonl.gz"
        s3.put_object(Bucket=bucket, Key=key, Body=gzip.compress(b"".join(lines), 1))

    while seen < total:
        for message in consumer.consume(5000, 1.0):
            if message.error():
                raise RuntimeError(message.error())
            start = start or time.monotonic()
            value = message.value()
            bar = json.loads(value)
            place = bar["datetime"][:10], bar["symbol"], message.partition()
            _, lines = buffers.setdefault(place, (message.offset(), []))
            lines.append(value + b"\n")
            waiting += len(value)
            seen += 1
        if waiting >= 64 << 20 or seen >= total:
            list(pool.map(put, buffers.items()))
            consumer.commit(asynchronous=False)
            buffers, waiting = {}, 0
    print(json.dumps({
        "seconds": time.monotonic() - start,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
    # Leaving the group is no part of the work.
    os._exit(0)


sys.stdout.reconfigure(line_buffering=True)
main(*sys.argv[1:4], int(sys.argv[4]))
