"""How often a key is accepted after its end, rotation or narrowing was answered, and how long that takes.

    python benchmarks/soak/revoke.py [ROUNDS [DATABASE_URL]]

ROUNDS is by default 10,000, over four kinds of change in turn: a revocation, a rotation without overlap, a narrowing to
another space and one to other networks. Starts ``sheetport serve`` on a temporary folder: on SQLite, or on an empty
PostgreSQL database with four processes. Each key is used on a connection that stays open, changed, and used again on
that connection and on a fresh one, which another process may take. Every hundredth key also has an event stream open,
which has to be cut. Ends with 1 for a stale accept, an open stream, or a p99 above 50 ms.
"""

from __future__ import annotations

import http.client
import os
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from meter import CREDENTIALS, Sheetport, initialise, serving
from sign_in import Caller

ROUNDS, STREAM_EVERY = 10_000, 100
P99_MILLISECONDS = 50.0


class Soak:
    """One server, its owner, and what was seen."""

    def __init__(self, server: Sheetport) -> None:
        self.server = server
        self.environment = server.environment["id"]
        self.owner = Caller(server.url, str(Caller(server.url).call("POST", "/v1/auth", CREDENTIALS)[1]["accessToken"]))
        self.spaces = [self._space(name) for name in ("one", "two")]
        self.path = f"/v1/spaces/{self.spaces[0]}"
        self.changes = (self.revoke, self.rotate, self.to_other_space, self.to_other_networks)
        self.times: dict[str, list[float]] = {each.__name__: [] for each in self.changes}
        self.stale = self.streams = self.open = 0

    def _space(self, name: str) -> str:
        body = {"name": name, "environmentId": self.environment}
        return str(self.data("POST", "/v1/spaces", body)["id"])

    def data(self, method: str, path: str, body: object = None) -> Any:
        status, answer = self.owner.call(method, path, body)
        if status != 200:
            sys.exit(f"{method} {path}: {status} {answer}")
        return answer["data"]

    def revoke(self, key: str) -> None:
        self.data("DELETE", f"/v1/auth/credentials/{key}")

    def rotate(self, key: str) -> None:
        query = f"environmentId={self.environment}&key={key}&overlapSeconds=0"
        self.data("POST", f"/v1/auth/api-key/rotate?{query}")  # its successor ends when the old one is tried

    def to_other_space(self, key: str) -> None:
        self.data("PATCH", f"/v1/auth/credentials/{key}", {"spaceId": self.spaces[1]})

    def to_other_networks(self, key: str) -> None:
        self.data("PATCH", f"/v1/auth/credentials/{key}", {"networks": ["198.51.100.0/24"]})

    def turn(self, number: int) -> None:
        """One key's life."""
        change = self.changes[number % len(self.changes)]
        made = self.data(
            "POST", f"/v1/auth/api-key?environmentId={self.environment}&type=SECRET", {"name": f"k{number}"}
        )
        key = next(one for one in made if one["name"] == f"k{number}")
        user = Caller(self.server.url, key["rawKey"])
        for _ in range(2):
            if user.call("GET", self.path)[0] != 200:
                sys.exit("a fresh key was refused")
        stream = self._stream(key["rawKey"]) if number % STREAM_EVERY < len(self.changes) else None
        began = time.perf_counter()
        change(key["id"])
        self.times[change.__name__].append(1_000 * (time.perf_counter() - began))
        fresh = Caller(self.server.url, key["rawKey"])
        self.stale += any(each.call("GET", self.path)[0] == 200 for each in (user, fresh))
        if stream is not None:
            self.streams += 1
            self.open += self._is_open(stream, change.__name__)
        if change in (self.to_other_space, self.to_other_networks):
            self.revoke(key["id"])

    def _stream(self, token: str) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.server.url.removeprefix("http://"), timeout=5)
        path = f"/v1/events/stream?environmentId={self.environment}"
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
        self.answer = connection.getresponse()
        if self.answer.status != 200:
            sys.exit("a stream was refused")
        return connection

    def _is_open(self, stream: http.client.HTTPConnection, change: str) -> bool:
        """Whether a stream goes on that should not. One narrowed to another space goes on, without this space."""
        with closing(stream):
            if change == self.to_other_space.__name__:
                return False
            try:
                while self.answer.readline():
                    continue
            except TimeoutError:
                return True
        return False


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    database = ("--database-url", sys.argv[2], "--workers", "4") if len(sys.argv) > 2 else ()
    os.environ["SHEETPORT_RATE_LIMITS"] = "off"
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        with serving(data, initialise(data, *database[:2]), *database) as server:
            soak = Soak(server)
            for number in range(rounds):
                soak.turn(number)
    print(f"{rounds:,} changes: {soak.stale} accepted afterwards; {soak.open} of {soak.streams} streams left open")
    slowest = 0.0
    for name, times in soak.times.items():
        cuts = statistics.quantiles(times, n=100)
        slowest = max(slowest, cuts[98])
        print(f"{name:<18} answered in {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    sys.exit(1 if soak.stale or soak.open or slowest > P99_MILLISECONDS else 0)


if __name__ == "__main__":
    main()
