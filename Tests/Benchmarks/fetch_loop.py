"""One Python process that keeps many requests in flight: what a fetcher in aiohttp would do, without budgets, breakers
or change detection. Arguments: URL, requests, requests in flight. Prints seconds, CPU seconds, KiB resident at most."""
import asyncio
import json
import resource
import sys
import time

import aiohttp


async def main(url, total, flight):
    left = iter(range(total))
    values = 0

    async def work(session):
        nonlocal values
        for index in left:
            async with session.get(url.replace("{n}", str(index % 1000))) as response:
                answer = json.loads(await response.read())
                values += answer["chart"]["result"][0]["indicators"]["quote"][0]["close"][-1] > 0

    connector = aiohttp.TCPConnector(limit=flight)
    async with aiohttp.ClientSession(connector=connector) as session:
        start, cpu = time.monotonic(), time.process_time()
        await asyncio.gather(*(work(session) for _ in range(flight)))
        took, used = time.monotonic() - start, time.process_time() - cpu
    assert values == total
    print(took, used, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
