"""The same work by hand: confluent-kafka to InfluxDB with its Python client, one process.

Reads until a given number of messages, writes each batch as line protocol, 5,000 points a request, then commits.
Prints seconds from the first message to the last commit, and its memory.
"""
import json
import os
import resource
import sys
import time
from datetime import datetime
from zoneinfo import ZoneInfo

from confluent_kafka import Consumer
from influxdb import InfluxDBClient

CAIRO = ZoneInfo("Africa/Cairo")


def main(servers, topic, port, database, total):
    client = InfluxDBClient("127.0.0.1", port, database=database, gzip=True, pool_size=4)
    consumer = Consumer({
        "bootstrap.servers": servers, "group.id": database, "auto.offset.reset": "earliest",
        "enable.auto.commit": False, "queued.max.messages.kbytes": 32 << 10, "fetch.wait.max.ms": 100})
    consumer.subscribe([topic])
    seen, start = 0, None
    while seen < total:
        lines = []
        for message in consumer.consume(5000, 1.0):
            if message.error():
                raise RuntimeError(message.error())
            start = start or time.monotonic()
            bar = json.loads(message.value())
            instant = datetime.fromisoformat(bar["datetime"]).replace(tzinfo=CAIRO).timestamp()
            interval = bar["interval"].replace(" ", "\\ ")
            lines.append(
                f"stock_price,exchange={bar['exchange']},interval={interval},symbol={bar['symbol']} "
                f"open={bar['open']},high={bar['high']},low={bar['low']},close={bar['close']},volume={bar['volume']} "
                f"{int(instant * 1_000_000)}")
        if lines:
            client.write_points(lines, time_precision="u", protocol="line")
            consumer.commit(asynchronous=False)
            seen += len(lines)
    print(json.dumps({
        "seconds": time.monotonic() - start,
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
    sys.stdout.flush()
    # Leaving the group is no part of the work.
    os._exit(0)


main(*sys.argv[1:3], int(sys.argv[3]), sys.argv[4], int(sys.argv[5]))
