"""How long a secret takes to be read and written, each read recorded on disk before its answer.

    python benchmarks/secret_reads.py [SECONDS [RATE [DATABASE_URL]]]

Starts ``sheetport serve`` on a temporary folder (or an empty PostgreSQL database) and sends RATE requests a second
(500 by default), nine reads to one write, at fixed times however long answers take: a late answer is counted from
when its request was due. Beside it, one fdatasync of the same disk in the same run is measured.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import uvloop
from meter import Sheetport, initialise, processor_seconds, serving

SECRETS, CONNECTIONS = 20, 64
WRITES = 0.1


def fdatasync_seconds(folder: Path, stop: threading.Event) -> list[float]:
    """One after another on the disk of the run, with pauses, until stopped."""
    times = []
    with (folder / "synced").open("wb", buffering=0) as file:
        while not stop.is_set():
            file.write(os.urandom(512))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - began)
            stop.wait(0.05)
    return times


class Connection:
    """One connection that stays open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, head: str) -> None:
        self._reader, self._writer, self._head = reader, writer, head

    async def call(self, method: str, path: str, body: bytes = b"") -> int:
        kind = "Content-Type: application/json\r\n" if body else ""
        head = f"{method} {path} HTTP/1.1\r\n{self._head}{kind}Content-Length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        length = next(int(line[15:]) for line in answer.lower().split(b"\r\n") if line.startswith(b"content-length:"))
        await self._reader.readexactly(length)
        return int(answer[9:12])


class Load:
    """Requests at their times over a few connections."""

    def __init__(self, server: Sheetport) -> None:
        self._url = urlsplit(server.url)
        self._environment = server.environment["id"]
        self._head = f"Host: localhost\r\nAuthorization: Bearer {server.environment['secretKey']}\r\n"
        self._idle: asyncio.Queue[Connection] = asyncio.Queue()
        self._dice = random.Random(1)
        self.reads: list[float] = []
        self.writes: list[float] = []
        self.processor = 0.0

    async def open(self) -> None:
        for _ in range(CONNECTIONS):
            streams = await asyncio.open_connection(self._url.hostname, self._url.port)
            self._idle.put_nowait(Connection(*streams, self._head))
        for number in range(SECRETS):
            await self._one(write=True, number=number, due=time.perf_counter())
        self.writes.clear()

    async def run(self, rate: float, seconds: float) -> None:
        began, tasks = time.perf_counter(), []
        for number in range(int(rate * seconds)):
            due = began + number / rate
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            write = self._dice.random() < WRITES
            tasks.append(asyncio.create_task(self._one(write=write, number=number % SECRETS, due=due)))
        await asyncio.gather(*tasks)

    async def _one(self, *, write: bool, number: int, due: float) -> None:
        connection = await self._idle.get()
        if write:
            body = {"name": f"S{number}", "value": f"v{self._dice.random()}", "environmentId": self._environment}
            body["actorId"] = f"a{number}"  # a scope of its own: the answer shows one secret, as a read does
            status = await connection.call("POST", "/v1/secrets", json.dumps(body).encode())
        else:
            path = f"/v1/secrets?environmentId={self._environment}&actorId=a{number}"
            status = await connection.call("GET", path)
        if status != 200:
            sys.exit(f"a request was answered by {status}")
        (self.writes if write else self.reads).append(time.perf_counter() - due)
        self._idle.put_nowait(connection)


def told(name: str, seconds: list[float]) -> str:
    ordered = sorted(seconds)
    p99 = ordered[int(len(ordered) * 0.99)]
    return f"{name}: {len(seconds):,}, mean {1000 * statistics.mean(seconds):.2f} ms, p99 {1000 * p99:.1f} ms"


async def push(server: Sheetport, rate: float, seconds: float) -> Load:
    load = Load(server)
    await load.open()
    await load.run(rate, min(3.0, seconds))
    load.reads.clear()
    load.writes.clear()
    before = processor_seconds(server.pid)
    await load.run(rate, seconds)
    load.processor = processor_seconds(server.pid) - before
    return load


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else 500.0
    url = sys.argv[3] if len(sys.argv) > 3 else None
    os.environ["SHEETPORT_RATE_LIMITS"] = "off"  # one key asks for all
    with tempfile.TemporaryDirectory() as name:
        folder, stop = Path(name), threading.Event()
        synced: list[float] = []
        where = ("--database-url", url) if url else ()
        environment = initialise(folder / "data", *where)
        workers = ("--workers", "4") if url else ()
        with serving(folder / "data", environment, *where, *workers) as server:
            thread = threading.Thread(target=lambda: synced.extend(fdatasync_seconds(folder, stop)))
            thread.start()
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                load = runner.run(push(server, rate, seconds))
            stop.set()
            thread.join()
    sync = statistics.mean(synced)
    print(f"one fdatasync: mean {1000 * sync:.2f} ms over {len(synced)}")
    print(told("reads", load.reads), f"({statistics.mean(load.reads) / sync:.2f} x one fdatasync)")
    print(told("writes", load.writes))
    print(f"the server's processor: {1000 * load.processor / (len(load.reads) + len(load.writes)):.2f} ms a request")


if __name__ == "__main__":
    main()
