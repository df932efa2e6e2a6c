"""How many webhook deliveries a second a server makes, and what they cost the callers of its API.

    python benchmarks/webhooks.py [EVENTS] [ROUNDS]

Starts ``sheetport serve`` on a temporary folder and a receiver in a process of its own. For each of ROUNDS (default 3)
it writes EVENTS (default 2,000) events, over spaces and in one space, while the webhook is paused, enables it, and
counts deliveries a second until the last one has come. Then it calls the API at a fixed pace, in turns without a
webhook and with every written event being delivered, and prints the p99 of both with their ratio: both are of one run.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from idle_server import PROGRAM
from meter import Sheetport, initialise, serving

SPACES, CALLS, PACE = 8, 600, 0.01
RECEIVER = """
import asyncio
count, ANSWER = 0, b"HTTP/1.1 204 No Content\\r\\n\\r\\n"
class Hook(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.rest = transport, b""
    def data_received(self, data):
        global count
        self.rest += data
        while (head := self.rest.find(b"\\r\\n\\r\\n")) >= 0:
            lines = self.rest[:head].lower()
            length = int(lines.partition(b"content-length:")[2].split(b"\\r\\n")[0] or 0)
            if len(self.rest) < head + 4 + length:
                return
            if lines.startswith(b"get"):
                said = b"%d" % count
                self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: %d\\r\\n\\r\\n%s" % (len(said), said))
            else:
                count += 1
                self.transport.write(ANSWER)
            self.rest = self.rest[head + 4 + length:]
async def main():
    server = await asyncio.get_running_loop().create_server(Hook, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@contextmanager
def receiver() -> Iterator[str]:
    """The address of a receiver that counts; a GET says how many it has."""
    process = subprocess.Popen([sys.executable, "-c", RECEIVER], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/"
    finally:
        process.terminate()
        process.wait()


class Bench:
    """One server, one receiver, one webhook."""

    def __init__(self, client: httpx.Client, environment: str, hook: str) -> None:
        self._client, self._environment, self._hook = client, environment, hook
        self.spaces = [self._make("/v1/spaces", {"name": f"{n}", "environmentId": environment}) for n in range(SPACES)]
        body = {"url": hook, "topics": ["space:updated"], "environmentId": environment, "state": "paused"}
        self.webhook = self._make("/v1/webhooks", body)

    def _make(self, path: str, body: dict[str, Any]) -> str:
        reply = self._client.post(path, json=body)
        return str(reply.json()["data"]["id"])

    def switch(self, state: str) -> None:
        self._client.patch(f"/v1/webhooks/{self.webhook}", json={"state": state})

    def write(self, space: str) -> float:
        """Seconds that writing an event took."""
        context = {"environmentId": self._environment, "spaceId": space}
        body = {"topic": "space:updated", "domain": "space", "context": context, "payload": {"name": "Harbour"}}
        since = time.perf_counter()
        self._client.post("/v1/events", json=body)
        return time.perf_counter() - since

    def received(self) -> int:
        return int(httpx.get(self._hook).text)

    def rate(self, count: int, spaces: list[str]) -> float:
        """Deliveries a second of events that wait in the log."""
        before = self.received()
        for number in range(count):
            self.write(spaces[number % len(spaces)])
        since = time.perf_counter()
        self.switch("enabled")
        while self.received() < before + count:
            time.sleep(0.02)
        taken = time.perf_counter() - since
        self.switch("paused")
        return count / taken

    def p99(self, state: str) -> float:
        """Seconds in which 99 of 100 calls were answered, half of them writes that are delivered meanwhile."""
        self.switch(state)
        took = []
        for number in range(CALLS // 2):
            took.append(self.write(self.spaces[number % SPACES]))
            since = time.perf_counter()
            self._client.get(f"/v1/spaces/{self.spaces[number % SPACES]}")
            took.append(time.perf_counter() - since)
            time.sleep(PACE)
        return statistics.quantiles(took, n=100)[98]


def measure(server: Sheetport, events: int, rounds: int, hook: str) -> None:
    with server.client() as client:
        bench = Bench(client, server.environment["id"], hook)
        bench.rate(100, bench.spaces)
        for name, spaces in ((f"{SPACES} spaces", bench.spaces), ("one space", bench.spaces[:1])):
            rates = [bench.rate(events, spaces) for _ in range(rounds)]
            sys.stdout.write(f"deliveries a second, {name}: {statistics.median(rates):.0f}  {_listed(rates)}\n")
        ratios = []
        for _ in range(rounds):
            bench.switch("disabled")  # what was written while nothing was delivered is not delivered later
            without = bench.p99("disabled")
            delivered = bench.p99("enabled")
            ratios.append(delivered / without)
            sys.stdout.write(
                f"p99 of calls: {without * 1_000:.1f} ms alone, {delivered * 1_000:.1f} ms with deliveries\n"
            )
        sys.stdout.write(f"p99 with deliveries over alone: {statistics.median(ratios):.2f}  {_listed(ratios)}\n")


def _listed(numbers: list[float]) -> str:
    return "(" + ", ".join(f"{each:.2f}" if each < 10 else f"{each:.0f}" for each in numbers) + ")"


def main() -> None:
    events, rounds = (int(text) for text in (*sys.argv[1:3], *("2000", "3")[len(sys.argv) - 1 :]))
    with tempfile.TemporaryDirectory() as folder, receiver() as hook:
        data = Path(folder) / "data"
        environment = initialise(data)
        with serving(data, environment) as server:
            command = [
                PROGRAM,
                "egress",
                "allow",
                "127.0.0.1",
                "--data",
                str(data),
            ]
            subprocess.run(command, check=True, capture_output=True)
            measure(server, events, rounds, hook)


if __name__ == "__main__":
    main()
