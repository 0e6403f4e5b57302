"""The same work by hand: websockets to Kafka with confluent-kafka, one process, trades only.

Logs in as with Alpaca, subscribes to every symbol, publishes each trade as a message of its own until a given number
of them, and prints seconds from the first frame to the last acknowledgement. Uses orjson where it is installed.
"""
import asyncio
import os
import sys
import time

import websockets
from confluent_kafka import Producer

try:
    import orjson
    loads, dumps = orjson.loads, orjson.dumps
except ImportError:
    import json
    loads, dumps = json.loads, lambda value: json.dumps(value).encode()


async def main(url, servers, topic, total):
    failed = []

    def acknowledged(error, _):
        if error:
            failed.append(error)

    producer = Producer({
        "bootstrap.servers": servers, "linger.ms": 10, "enable.idempotence": True,
        "queue.buffering.max.messages": 1000000})
    seen, start = 0, None
    async with websockets.connect(url, max_size=None, compression=None) as socket:
        await socket.recv()
        await socket.send(dumps({"action": "auth", "key": "key", "secret": "secret"}).decode())
        await socket.recv()
        await socket.send(dumps({"action": "subscribe", "trades": ["*"]}).decode())
        await socket.recv()
        while seen < total:
            frame = await socket.recv()
            start = start or time.monotonic()
            now = time.time_ns()
            for trade in loads(frame):
                if trade["T"] != "t":
                    continue
                value = dumps({
                    "kind": "trade", "symbol": trade["S"], "feed": "alpaca-stocks", "time": trade["t"],
                    "known_ns": now, "id": str(trade["i"]), "exchange": trade["x"], "price": trade["p"],
                    "size": trade["s"], "conditions": trade["c"], "tape": trade["z"]})
                while True:
                    try:
                        producer.produce(topic, value, trade["S"], on_delivery=acknowledged)
                        break
                    except BufferError:
                        producer.poll(0.01)
                seen += 1
            producer.poll(0)
        producer.flush()
    if failed:
        raise RuntimeError(failed[0])
    print(time.monotonic() - start, flush=True)
    os._exit(0)


asyncio.run(main(*sys.argv[1:4], int(sys.argv[4])))
