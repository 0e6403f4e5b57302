"""A WebSocket server for tests, of Python's websockets package: what it does hangs on the path. Prints its port."""

import argparse
import asyncio
import json
import ssl

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Opcode

parser = argparse.ArgumentParser()
parser.add_argument("--chain", help="PEM file: TLS only")
parser.add_argument("--key")
options = parser.parse_args()

events = []
"""What clients did, in order: for GET /events."""


class Connection(ServerConnection):
    pings = 0

    def process_event(self, event):
        if getattr(event, "opcode", None) is Opcode.PING:
            self.pings += 1
        super().process_event(event)


async def handle(connection):
    path, *arguments = connection.request.path.strip("/").split("/")
    try:
        await globals()["do_" + path](connection, *arguments)
        await connection.wait_closed()
    except ConnectionClosed:
        pass
    events.append({"path": path, "code": connection.close_code, "reason": connection.close_reason})


async def do_echo(connection):
    async for message in connection:
        await connection.send(message)


async def do_headers(connection):
    await connection.send(json.dumps(dict(connection.request.headers.raw_items())))


async def do_events(connection):
    await connection.send(json.dumps(events))


async def do_close(connection, code):
    await connection.close(int(code), "because\x07")


async def do_large(connection, size):
    await connection.send("x" * int(size))


async def do_fragments(connection, count, size):
    await connection.send(["y" * int(size)] * int(count))


async def do_pings(connection, count):
    pong = await connection.ping(b"are you there")
    await pong
    while connection.pings < int(count):
        await asyncio.sleep(0.01)
    await connection.send(f"{connection.pings >= int(count)}")


async def do_silent(connection):
    connection.transport.pause_reading()


async def do_deaf(connection):
    connection.transport.pause_reading()
    for _ in range(100):
        await connection.send("I only talk")


async def do_half(connection, later=None):
    if later:
        await connection.recv()
    await connection.send("half")
    connection.transport.write_eof()


async def do_burst(connection, count, size):
    for number in range(int(count)):
        text = f"{number} " + "z" * int(size)
        sending = asyncio.ensure_future(connection.send(text))
        while not (await asyncio.wait([sending], timeout=1))[0]:
            events.append({"path": "burst", "waits": number})
        await sending
    events.append({"path": "burst", "sent": int(count)})


async def check(connection, request):
    path, *arguments = request.path.strip("/").split("/")
    if path == "refuse":
        response = connection.respond(int(arguments[0]), "not now\n")
        if len(arguments) > 1:
            response.headers["Retry-After"] = arguments[1]
        return response
    if path == "never":
        await asyncio.sleep(3600)


async def main():
    context = None
    if options.chain:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(options.chain, options.key)
    server = await serve(
        handle, "127.0.0.1", 0, process_request=check, create_connection=Connection, ssl=context, ping_interval=None,
        compression=None, open_timeout=None, write_limit=1 << 16)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
