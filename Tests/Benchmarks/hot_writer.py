"""The same work by hand: confluent-kafka to RedisTimeSeries by a pipeline of redis-py, one process, samples only.

Reads until a given number of trades, writes each batch by TS.MADD with 100 samples a command, then commits. Prints
seconds from the first message to the last commit.
"""
import json
import os
import sys
import time

import redis
from confluent_kafka import Consumer


def main(servers, topic, port, group, total):
    client = redis.Redis(port=port)
    consumer = Consumer({
        "bootstrap.servers": servers, "group.id": group, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "queued.max.messages.kbytes": 32 << 10, "fetch.wait.max.ms": 100})
    consumer.subscribe([topic])
    known, seen, start = set(), 0, None
    while seen < total:
        samples, count = [], 0
        pipeline = client.pipeline(transaction=False)
        for message in consumer.consume(10000, 1.0):
            if message.error():
                raise RuntimeError(message.error())
            start = start or time.monotonic()
            tick = json.loads(message.value())
            count += 1
            stamp = tick["event_ns"] // 1_000_000
            for field in ("price", "size"):
                key = f"ts:{tick['symbol']}:{field}"
                if key not in known:
                    known.add(key)
                    client.execute_command("TS.CREATE", key, "DUPLICATE_POLICY", "LAST")
                samples.append((key, stamp, tick[field]))
        for at in range(0, len(samples), 100):
            pipeline.execute_command("TS.MADD", *(word for sample in samples[at:at + 100] for word in sample))
        if count:
            for reply in pipeline.execute():
                if any(isinstance(element, Exception) for element in reply):
                    raise RuntimeError(reply)
            consumer.commit(asynchronous=False)
            seen += count
    print(time.monotonic() - start, flush=True)
    # Leaving the group is no part of the work.
    os._exit(0)


main(*sys.argv[1:3], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
