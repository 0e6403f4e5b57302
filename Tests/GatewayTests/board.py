"""Looks at pages of the board as a browser and as a program does, and prints what is wrong, one fault a line.

usage: board.py BASE MODE PATH...

Of every page: status 200, the headers that every page has, no script or style in it, no tag out of data (records of the
fixture hold <img src=x onerror=...> and Hebrew names), every panel with a state, and the same panels as JSON. In
Chromium at 360 and 1440 pixels: nothing wider than the window, no error in the console and no breach of the policy,
and by the Tab key alone everything that can be pressed is reached and shows that it is. MODE is 'read' for the former
only, 'browse' for both, and otherwise a folder for screenshots in light and dark besides.
"""
import asyncio
import base64
import concurrent.futures
import html.parser
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

import websockets

BASE, MODE, PATHS = sys.argv[1], sys.argv[2], sys.argv[3:]
FAULTS = []
VOID = {"br", "hr", "input", "link", "meta"}
HOSTILE = {"img", "iframe", "object", "embed", "style", "base"}


def fault(path, text):
    FAULTS.append(f"{path}: {text}")


class Page(html.parser.HTMLParser):
    """Counts what a page must not have, and checks that tags are closed in their order."""

    def __init__(self, path):
        super().__init__()
        self.path, self.open, self.panels, self.scripts, self.texts = path, [], {}, [], []

    def handle_starttag(self, tag, attributes):
        names = dict(attributes)
        if tag in HOSTILE:
            fault(self.path, f"has a <{tag}>")
        for name, value in attributes:
            if name.startswith("on") or name == "style":
                fault(self.path, f"has the attribute {name}")
            if name in ("href", "src", "action") and not re.match(r"^(/board|#|https?://)", value or ""):
                fault(self.path, f"leads to {value}")
        if tag == "script":
            self.scripts.append(names.get("src"))
        if tag == "section":
            self.panels[names.get("id", "")[6:]] = names.get("data-state")
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            fault(self.path, f"</{tag}> closes something else")

    def handle_data(self, data):
        if self.open and self.open[-1] == "script" and data.strip():
            fault(self.path, "has a script in it")


def get(path):
    try:
        with urllib.request.urlopen(BASE + path, timeout=60) as answer:
            return answer.headers, answer.read().decode()
    except urllib.error.HTTPError as error:
        fault(path, f"answers {error.code}")
        return error.headers, error.read().decode()


def read(path):
    headers, text = get(path)
    policy = headers.get("content-security-policy", "")
    if "default-src 'none'" not in policy or "frame-ancestors 'none'" not in policy or "unsafe" in policy:
        fault(path, f"has the policy {policy}")
    for name, value in (("x-content-type-options", "nosniff"), ("referrer-policy", "same-origin")):
        if headers.get(name) != value:
            fault(path, f"has no {name}: {value}")
    page = Page(path)
    page.feed(text)
    page.close()
    if page.open:
        fault(path, f"leaves {page.open} open")
    if not page.panels or any(state not in ("data", "empty", "away") for state in page.panels.values()):
        fault(path, f"has the panels {page.panels}")
    address, _, query = path.partition("?")
    _, twin = get(address + ".json" + ("?" + query if query else ""))
    data = json.loads(twin)
    if [each["id"] for each in data["panels"]] != list(page.panels):
        fault(path, "has other panels as JSON")
    for each in data["panels"]:
        print(f"PANEL {path} {each['id']} {each['state']} {each.get('reason', '')}")


class Browser:
    def __init__(self, socket):
        self.socket, self.next, self.waiting, self.events = socket, 0, {}, []

    async def listen(self):
        async for text in self.socket:
            message = json.loads(text)
            if "id" in message:
                self.waiting.pop(message["id"]).set_result(message)
            else:
                self.events.append(message)

    async def ask(self, method, session=None, **parameters):
        self.next += 1
        message = {"id": self.next, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        answer = asyncio.get_running_loop().create_future()
        self.waiting[self.next] = answer
        await self.socket.send(json.dumps(message))
        result = await asyncio.wait_for(answer, 120)
        if "error" in result:
            raise RuntimeError(f"{method}: {result['error']}")
        return result["result"]

    async def value(self, session, script):
        answer = await self.ask("Runtime.evaluate", session, expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(str(answer["exceptionDetails"]))
        return answer["result"].get("value")


FOCUSABLE = """[...document.querySelectorAll('a[href],button,input:not([type=hidden]),select,summary,[tabindex="0"]')]
  .filter((e) => e.getClientRects().length && !e.disabled
    && (!e.closest('details:not([open])') || e.matches('summary')))"""
FOCUSED = f"""(() => {{
  const e = document.activeElement, all = {FOCUSABLE};
  const own = getComputedStyle(e), box = e.querySelector('.box rect');
  const seen = own.outlineStyle !== 'none' && parseFloat(own.outlineWidth) >= 2
    || box && parseFloat(getComputedStyle(box).strokeWidth) >= 4;
  return [all.indexOf(e), seen, e.outerHTML.slice(0, 120)];
}})()"""


async def look(browser, path, width, keys):
    target = await browser.ask("Target.createTarget", url="about:blank")
    session = (await browser.ask("Target.attachToTarget", targetId=target["targetId"], flatten=True))["sessionId"]
    for domain in ("Page", "Runtime", "Log", "Network"):
        await browser.ask(f"{domain}.enable", session)
    await browser.ask(
        "Emulation.setDeviceMetricsOverride", session, width=width, height=900, deviceScaleFactor=1, mobile=False)
    browser.events.clear()
    await browser.ask("Page.navigate", session, url=BASE + path)
    for _ in range(600):
        if any(event["method"] == "Page.loadEventFired" for event in browser.events):
            break
        await asyncio.sleep(0.05)
    else:
        fault(path, f"is not loaded at {width}")
    wide = await browser.value(session, "document.documentElement.scrollWidth - document.documentElement.clientWidth")
    if wide > 0:
        culprit = await browser.value(session, """[...document.querySelectorAll('body *')].filter((e) =>
          e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('[role=region]')
          ).map((e) => e.outerHTML.slice(0, 100)).slice(0, 3).join(' | ')""")
        fault(path, f"is {wide} pixels too wide at {width}: {culprit}")
    if keys:
        count = await browser.value(session, f"{FOCUSABLE}.length")
        reached = set()
        for _ in range(count + 3):
            await browser.ask(
                "Input.dispatchKeyEvent", session, type="keyDown", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            await browser.ask(
                "Input.dispatchKeyEvent", session, type="keyUp", key="Tab", code="Tab", windowsVirtualKeyCode=9)
            place, seen, what = await browser.value(session, FOCUSED)
            if place >= 0:
                reached.add(place)
                if not seen:
                    fault(path, f"does not show the focus on {what}")
        if len(reached) < count:
            fault(path, f"Tab reaches {len(reached)} of {count}")
    for event in browser.events:
        if event["method"] == "Runtime.exceptionThrown":
            fault(path, f"throws {event['params']['exceptionDetails']}")
        if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            fault(path, f"logs {event['params']['entry']['text']}")
        if event["method"] == "Runtime.consoleAPICalled" and event["params"]["type"] == "error":
            fault(path, f"logs {event['params']['args']}")
    if MODE != "browse":
        for theme in ("light", "dark"):
            await browser.ask(
                "Emulation.setEmulatedMedia", session,
                features=[{"name": "prefers-color-scheme", "value": theme}])
            image = await browser.ask("Page.captureScreenshot", session, captureBeyondViewport=True)
            name = re.sub(r"\W+", "_", path).strip("_") or "home"
            with open(os.path.join(MODE, f"{name}_{width}_{theme}.png"), "wb") as file:
                file.write(base64.b64decode(image["data"]))
    await browser.ask("Target.closeTarget", targetId=target["targetId"])


async def browse(paths):
    folder = tempfile.mkdtemp()
    process = subprocess.Popen(
        ["chromium-headless-shell", "--no-sandbox", "--disable-gpu", "--remote-debugging-port=0",
         "--disable-dev-shm-usage", f"--user-data-dir={folder}", "about:blank"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    try:
        # Chromium writes its port and path there.
        lines = []
        for _ in range(1200):
            try:
                with open(os.path.join(folder, "DevToolsActivePort"), encoding="utf-8") as file:
                    lines = file.read().split("\n")
            except FileNotFoundError:
                pass
            if len(lines) > 1:
                break
            await asyncio.sleep(0.1)
        socket = await websockets.connect(f"ws://127.0.0.1:{lines[0]}{lines[1]}", max_size=None)
        browser = Browser(socket)
        listener = asyncio.create_task(browser.listen())
        for path in paths:
            await look(browser, path, 360, keys=False)
            await look(browser, path, 1440, keys=True)
        listener.cancel()
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        shutil.rmtree(folder, ignore_errors=True)


def main():
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(read, PATHS))
    if MODE != "read":
        asyncio.run(asyncio.wait_for(browse(PATHS), 400))
    for line in FAULTS:
        print("FAULT " + line)
    sys.stdout.flush()
    # No connection that is half closed keeps this program.
    os._exit(0)


main()
