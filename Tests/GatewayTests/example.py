"""What a program does with the gateway: subscribe to a symbol, read its last tick, run a batch job.

example.py http://localhost:8000 TOKEN SPY
"""
import json
import sys
import time
import urllib.request

BASE, TOKEN, SYMBOL = sys.argv[1] + "/api/v1", sys.argv[2], sys.argv[3]


def ask(method, path, body=None):
    request = urllib.request.Request(BASE + path, method=method, data=json.dumps(body).encode() if body else None)
    request.add_header("Authorization", f"Bearer {TOKEN}")
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, timeout=30) as answer:
        text = answer.read()
    return json.loads(text) if text else None


# The streamers of the feed listen to the symbol from now on.
ask("PUT", f"/streams/{SYMBOL}?feed=polygon-stocks&channels=trades,quotes")

tick = ask("GET", f"/ticks/{SYMBOL}/latest")
print(SYMBOL, "trades at", tick["trade"]["price"], "since", tick["watermark"])
if tick["degraded"]:
    print("answered without", ", ".join(tick["degraded"]))

job = ask("POST", "/jobs", {"kind": "features", "symbols": [SYMBOL]})["job_id"]
while (state := ask("GET", f"/jobs/{job}")["job"])["state"] not in ("done", "failed", "cancelled"):
    time.sleep(0.2)
print("the job is", state["state"], "with", state["rows"], "rows")

# Indicators: of the batch layer up to batch_until, and live from there.
signals = ask("GET", f"/signals/{SYMBOL}?interval=1m&limit=10")
print(len(signals["signals"]), "signals; of the batch layer until", signals["batch_until"])
