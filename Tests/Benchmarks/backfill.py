"""The same work by hand: months of bars over REST into RedisTimeSeries by a pipeline of redis-py, one process.

The earliest first, six samples a bar, 100 bars a command. Prints seconds from the first request to the last answer.
"""
import json
import sys
import time
import urllib.request

import redis


def main(base, port, symbols, bounds):
    client = redis.Redis(port=port)
    fields = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "vw": "vwap"}
    for symbol in symbols:
        for name in fields.values():
            client.execute_command("TS.CREATE", f"ts:{symbol}:1m:{name}", "DUPLICATE_POLICY", "LAST")
    start = time.monotonic()
    for first, last in zip(bounds, bounds[1:]):
        for symbol in symbols:
            url = (f"{base}/v2/aggs/ticker/{symbol}/range/1/minute/{first}/{last - 1}"
                   "?adjusted=false&sort=asc&limit=50000")
            while url:
                request = urllib.request.Request(url, headers={"Authorization": "Bearer key"})
                with urllib.request.urlopen(request) as answer:
                    page = json.load(answer)
                pipeline = client.pipeline(transaction=False)
                bars = page["results"]
                for at in range(0, len(bars), 100):
                    words = []
                    for bar in bars[at:at + 100]:
                        for key, name in fields.items():
                            words += [f"ts:{symbol}:1m:{name}", bar["t"], bar[key]]
                    pipeline.execute_command("TS.MADD", *words)
                for reply in pipeline.execute():
                    if any(isinstance(element, Exception) for element in reply):
                        raise RuntimeError(reply)
                url = page.get("next_url")
    print(time.monotonic() - start, flush=True)


main(sys.argv[1], int(sys.argv[2]), sys.argv[3].split(","), [int(each) for each in sys.argv[4].split(",")])
