"""What idle subscribers cost, and how an event's way to many of them grows with their number.

    python benchmarks/subscribers.py [SECONDS]

Starts ``sheetport serve`` on a temporary folder. Prints the processor time of the server while 100 long polls wait,
and how long it takes from the writing of one event until the last of 100, and of 1,000, subscribers has it.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import quote

import httpx
from idle_server import PROGRAM, family, free_port, start

IDLE, MANY, ROUNDS = 100, 1_000, 5
TICKS = os.sysconf("SC_CLK_TCK")


def processor_seconds(pid: int) -> float:
    """User and system time of a server's processes so far."""
    fields = [Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split() for each in family(pid)]
    return sum(int(each[11]) + int(each[12]) for each in fields) / TICKS


class Subscribers:
    """Open connections, each with a long poll whose answer is taken as bytes: the clients should cost little."""

    def __init__(self, url: str, key: str, environment: str) -> None:
        self._port = int(url.rpartition(":")[2])
        self._client = httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)
        self._environment = environment
        self._at = ""

    async def begin(self) -> None:
        answer = await self._client.get("/v1/subscription", params={"scope": self._environment})
        self._token = quote(answer.json()["data"]["token"], safe="")
        self._at = json.loads(await self.poll("0"))["t"]["t"]

    async def poll(self, at: str) -> bytes:
        """The body of one poll on a connection of its own."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        path = f"/v2/subscribe/sub-c-sheetport/environment.{self._environment}/0?auth={self._token}&tt={at}"
        writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        return answer.partition(b"\r\n\r\n")[2]

    def wait(self, count: int) -> list[asyncio.Task[bytes]]:
        return [asyncio.create_task(self.poll(self._at)) for _ in range(count)]

    async def fan_out(self, count: int) -> float:
        """Seconds from the writing of an event until the last of ``count`` subscribers has it."""
        polls = self.wait(count)
        await asyncio.sleep(1 + count / 500)
        began = time.perf_counter()
        await self._client.post("/v1/spaces", json={"name": "event", "environmentId": self._environment})
        bodies = await asyncio.gather(*polls)
        seconds = time.perf_counter() - began
        if not all(json.loads(body)["m"] for body in bodies):
            sys.exit("a subscriber was answered without the event")
        self._at = json.loads(bodies[-1])["t"]["t"]
        return seconds

    async def close(self) -> None:
        await self._client.aclose()


async def measure(url: str, pid: int, environment: dict[str, str], seconds: float) -> None:
    subscribers = Subscribers(url, environment["secretKey"], environment["id"])
    await subscribers.begin()
    polls = subscribers.wait(IDLE)
    await asyncio.sleep(3)
    before = processor_seconds(pid)
    await asyncio.sleep(seconds)
    used = processor_seconds(pid) - before
    print(f"{IDLE} idle subscribers for {seconds:g} s: {used:.2f} s of processor, {100 * used / seconds:.2f} %")
    for poll in polls:
        poll.cancel()
    await asyncio.gather(*polls, return_exceptions=True)
    best = {count: min([await subscribers.fan_out(count) for _ in range(ROUNDS)]) for count in (IDLE, MANY)}
    for count, took in best.items():
        print(f"an event to {count:,} subscribers: {1_000 * took:.0f} ms, {1_000_000 * took / count:.0f} us each")
    print(f"{MANY:,} take {best[MANY] / best[IDLE]:.1f} times as long as {IDLE}")
    await subscribers.close()


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 20.0
    os.environ["SHEETPORT_RATE_LIMITS"] = "off"
    with tempfile.TemporaryDirectory() as folder:
        data, port = Path(folder) / "data", free_port()
        credentials = ["--email", "a@example.com", "--password", "correct horse battery staple", "--json"]
        made = subprocess.run([PROGRAM, "init", "--data", str(data), *credentials], check=True, stdout=subprocess.PIPE)
        environment = json.loads(made.stdout)["environments"][0]
        server, _ = start(data, port)
        try:
            asyncio.run(measure(f"http://127.0.0.1:{port}", server.pid, environment, seconds))
        finally:
            server.terminate()
            server.wait()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
