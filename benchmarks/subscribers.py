"""What subscribers cost while they wait, and how an event's way to many of them grows with their number.

    python benchmarks/subscribers.py [SECONDS] [IDLE]

Starts ``sheetport serve`` on a temporary folder. For long polls and for streams of server-sent events it prints the
time from the writing of one event until the last of 100, and of 1,000, subscribers has it (medians of five, with the
processor time of the server for each), and what IDLE (default 10,000) of them that wait cost: memory of the server
each, and processor time over SECONDS (default 100, in which a quiet stream beats twice). The load is a process of its
own that takes answers as bytes.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
from idle_server import memory
from meter import Sheetport, initialise, processor_seconds, serving

FEW, MANY, ROUNDS = 100, 1_000, 5
SETTLE_SECONDS = 2.0
HEAD = "HTTP/1.1\r\nHost: 127.0.0.1\r\n"


class Crowd:
    """The process that holds the connections."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, **command: Any) -> float:
        self.send(**command)
        return self.answer()

    def send(self, **command: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(command) + "\n")
        self._process.stdin.flush()

    def answer(self) -> float:
        assert self._process.stdout is not None
        return float(json.loads(self._process.stdout.readline() or sys.exit("the load has ended")))


@contextmanager
def crowd(url: str) -> Iterator[Crowd]:
    """A process without connections yet."""
    program = str(Path(__file__).with_name("crowd.py"))
    command = [sys.executable, program, url.rpartition(":")[2]]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Crowd(process)
    finally:
        process.terminate()
        process.wait()


class Polls:
    """Long polls of an environment."""

    name = "long polls"

    def __init__(self, client: httpx.Client, environment: dict[str, str]) -> None:
        scope = {"scope": environment["id"]}
        token = client.get("/v1/subscription", params=scope).json()["data"]["token"]
        self._client = client
        self._path = f"/v2/subscribe/sub-c-sheetport/environment.{environment['id']}/0?auth={quote(token, safe='')}&tt="

    def request(self) -> str:
        at = self._client.get(f"{self._path}0").json()["t"]["t"]
        return f"GET {self._path}{at} {HEAD}\r\n"


class Streams:
    """Streams of server-sent events of an environment."""

    name = "streams"

    def __init__(self, client: httpx.Client, environment: dict[str, str]) -> None:
        self._request = f"GET /v1/events/stream {HEAD}Authorization: Bearer {environment['secretKey']}\r\n\r\n"

    def request(self) -> str:
        return self._request


def fan_out(server: Sheetport, client: httpx.Client, load: Crowd, kind: Polls | Streams, count: int) -> list[float]:
    """Milliseconds from the writing of an event until the last has it, and the server's processor time."""
    load(open=count, request=kind.request())
    time.sleep(SETTLE_SECONDS)
    used, began = processor_seconds(server.pid), time.monotonic()
    load.send(wait='"file:created"', seconds=60)
    context = {"environmentId": server.environment["id"]}
    event = {"topic": "file:created", "domain": "file", "context": context, "payload": {"name": "a file"}}
    began = time.monotonic()
    client.post("/v1/events", json=event)
    took = load.answer() - began
    time.sleep(0.1)
    used = processor_seconds(server.pid) - used
    load(close=True)
    time.sleep(0.5)
    return [1_000 * took, 1_000 * used]


def compare(server: Sheetport, client: httpx.Client, load: Crowd, kind: Polls | Streams) -> None:
    """The way of an event to few and to many."""
    seen = {}
    for count in (FEW, MANY):
        rounds = [fan_out(server, client, load, kind, count) for _ in range(ROUNDS)]
        seen[count] = [statistics.median(each) for each in zip(*rounds, strict=True)]
        wall, used = seen[count]
        print(f"an event to {count:,} {kind.name}: {wall:.1f} ms, {used:.0f} ms of the server's processor", flush=True)
    print(f"  {MANY:,} take {seen[MANY][0] / seen[FEW][0]:.1f} times as long as {FEW}", flush=True)


def idle(server: Sheetport, load: Crowd, kind: Polls | Streams, count: int, seconds: float) -> None:
    """What waiting costs."""
    before = memory(server.pid)["Rss"]
    opened = processor_seconds(server.pid)
    load(open=count, request=kind.request())
    time.sleep(SETTLE_SECONDS)
    opened = processor_seconds(server.pid) - opened
    held = memory(server.pid)["Rss"] - before
    used = processor_seconds(server.pid)
    time.sleep(seconds)
    used = processor_seconds(server.pid) - used
    print(
        f"{count:,} {kind.name} that wait: {1_024 * held / count:.1f} KiB each, {100 * used / seconds:.2f} % of a core "
        f"over {seconds:g} s; opening took {1e6 * opened / count:.0f} us of processor each",
        flush=True,
    )
    load(close=True)
    time.sleep(SETTLE_SECONDS)


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 100.0
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 10_000
    os.environ["SHEETPORT_RATE_LIMITS"] = "off"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        environment = initialise(data)
        for make in (Polls, Streams):
            with serving(data, environment) as server, server.client() as client, crowd(server.url) as load:
                kind = make(client, environment)
                idle(server, load, kind, count, seconds)
                compare(server, client, load, kind)
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
