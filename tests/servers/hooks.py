"""A receiver of webhooks on this machine, well-behaved or not: the first word of the path says how it answers."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

#: By the first word of the path; any other word is answered with 200.
ANSWERS = {
    "fail": b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\noops",
    "gone": b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n",
    "move": b"HTTP/1.1 302 Found\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n",
    "busy": b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n",
    "echo": b"HTTP/1.1 400 Bad Request\r\nContent-Length: %d\r\n\r\n%s",
    "large": b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n" + b"large " * 4_000,
}
_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass(frozen=True)
class Heard:
    """One message: the path it came by, its headers by lower-case name, its body."""

    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class HookReceiver:
    """What it heard is in order. ``behaviour`` overrides the path's first word; ``says`` is what echo answers."""

    def __init__(self) -> None:
        self.heard: list[Heard] = []
        self.connections = 0
        self.behaviour: dict[str, str] = {}
        self.says = b""
        self.port = 0
        self._tasks: set[asyncio.Task[Any]] = set()

    def url(self, path: str = "ok") -> str:
        return f"http://127.0.0.1:{self.port}/{path}"

    def at(self, path: str) -> list[Heard]:
        return [each for each in self.heard if each.path == f"/{path}"]

    async def hang_up(self) -> None:
        """End every connection."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
                while await self._answer(reader, writer):
                    pass
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
        finally:
            self._tasks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        path = head[0].split(" ")[1]
        pairs = (line.split(": ", 1) for line in head[1:] if line)
        headers = {name.lower(): value for name, value in pairs}
        body = await reader.readexactly(int(headers.get("content-length", "0")))
        self.heard.append(Heard(path, headers, body))
        word = self.behaviour.get(path.strip("/"), path.strip("/").partition("/")[0])
        if word == "drop":
            return False
        if word == "hang":
            await reader.read()
            return False
        if word == "trickle":
            for byte in _OK:
                writer.write(bytes([byte]))
                await writer.drain()
                await asyncio.sleep(0.2)
            return True
        answer = ANSWERS.get(word, _OK)
        writer.write(answer % (len(self.says), self.says) if word == "echo" else answer)
        await writer.drain()
        return word != "large"


@asynccontextmanager
async def receiving() -> AsyncGenerator[HookReceiver, None]:
    """A receiver in this event loop."""
    made = HookReceiver()
    server = await asyncio.start_server(made.on_connection, "127.0.0.1")
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        await asyncio.sleep(0)  # whoever was accepted last is there then
        await made.hang_up()


@contextmanager
def receiving_in_thread() -> Iterator[HookReceiver]:
    """A receiver beside a test that blocks."""
    found: list[HookReceiver] = []
    ready, loop, over = threading.Event(), asyncio.new_event_loop(), asyncio.Event()

    async def run() -> None:
        async with receiving() as made:
            found.append(made)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()))
    thread.start()
    ready.wait(10)
    try:
        yield found[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
