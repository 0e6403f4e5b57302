"""The last trade and quote of a symbol by FastAPI, uvicorn and redis-py, for `souk-bench gateway`."""
import os

import redis.asyncio
from fastapi import FastAPI, HTTPException

app = FastAPI()
store = redis.asyncio.from_url(os.environ["REDIS_URL"], decode_responses=True)


@app.get("/ticks/{symbol}/latest")
async def latest(symbol: str):
    async with store.pipeline(transaction=False) as pipeline:
        trade, quote = await pipeline.hgetall(f"trade:{symbol}").hgetall(f"quote:{symbol}").execute()
    if not trade and not quote:
        raise HTTPException(404)
    return {"symbol": symbol, "trade": trade, "quote": quote}
