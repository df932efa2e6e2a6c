"""How often a key is accepted after its end, rotation or narrowing was answered, and how long that takes.

    python benchmarks/soak/revoke.py [ROUNDS [DATABASE_URL]]

ROUNDS is by default 10,000, over six kinds of change in turn: a key's revocation, its rotation without overlap, its
narrowing to another space and to other networks, and a user's loss of a role and of their access. Starts ``sheetport
serve`` on a temporary folder: on SQLite, or on an empty PostgreSQL database with four processes. Each key is used on a
connection that stays open, changed, and used again on that connection and on a fresh one, which another process may
take. Every hundredth key also has an event stream open, which has to be cut. Ends with 1 for a stale accept, an open
stream, or a p99 above 50 ms.
"""

from __future__ import annotations

import http.client
import os
import re
import statistics
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from meter import CREDENTIALS, Sheetport, initialise, serving
from sign_in import Caller

ROUNDS, STREAM_EVERY = 10_000, 100
P99_MILLISECONDS = 50.0


class Soak:
    """One server, its owner, and what was seen. Keys are used at ``asked``, which may be another host of the server."""

    def __init__(self, server: Sheetport, asked: str | None = None) -> None:
        self.server = server
        self.asked = asked or server.url
        self.environment = server.environment["id"]
        self.owner = Caller(server.url, str(Caller(server.url).call("POST", "/v1/auth", CREDENTIALS)[1]["accessToken"]))
        self.spaces = [self._space(name) for name in ("one", "two")]
        self.path = f"/v1/spaces/{self.spaces[0]}"
        self.member, self.member_token = self._member()
        self.changes = (
            self.revoke,
            self.rotate,
            self.to_other_space,
            self.to_other_networks,
            self.take_role,
            self.disable,
        )
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

    def _member(self) -> tuple[str, str]:
        """A further user without a role, and their token."""
        invited = self.data("POST", "/v1/users/invite", {"email": "member@example.com", "name": "M", "actorRoles": []})
        link = urlsplit(invited["invitationLink"])
        with httpx.Client(base_url=self.server.url, follow_redirects=True) as browser:
            page = browser.get(f"{link.path}?{link.query}").text
            token = re.search(r'name="form_token" value="([^"]+)"', page)
            if token is None:
                sys.exit("the invitation's page has no form")
            form = {"email": "member@example.com", "password": CREDENTIALS["password"], "form_token": token[1]}
            if browser.post("/setup", data=form, follow_redirects=False).status_code != 303:
                sys.exit("the invitation was not accepted")
        credentials = {**CREDENTIALS, "email": "member@example.com"}
        return invited["id"], str(Caller(self.server.url).call("POST", "/v1/auth", credentials)[1]["accessToken"])

    def revoke(self, key: str) -> None:
        self.data("DELETE", f"/v1/auth/credentials/{key}")

    def rotate(self, key: str) -> None:
        query = f"environmentId={self.environment}&key={key}&overlapSeconds=0"
        self.data("POST", f"/v1/auth/api-key/rotate?{query}")  # its successor ends when the old one is tried

    def to_other_space(self, key: str) -> None:
        self.data("PATCH", f"/v1/auth/credentials/{key}", {"spaceId": self.spaces[1]})

    def to_other_networks(self, key: str) -> None:
        self.data("PATCH", f"/v1/auth/credentials/{key}", {"networks": ["198.51.100.0/24"]})

    def take_role(self, given: str) -> None:
        self.data("DELETE", f"/v1/users/{self.member}/roles/{given}")

    def disable(self, _: str) -> None:
        self.data("POST", f"/v1/users/{self.member}/disable", {})

    def turn(self, number: int) -> None:
        """One key's life, or one user's role."""
        change = self.changes[number % len(self.changes)]
        of_member = change in (self.take_role, self.disable)
        thing, token = self._role() if of_member else self.make_key(f"k{number}")
        user = self.use(token)
        stream = self._stream(token) if number % STREAM_EVERY < len(self.changes) else None
        began = time.perf_counter()
        change(thing)
        self.times[change.__name__].append(1_000 * (time.perf_counter() - began))
        fresh = Caller(self.asked, token)
        self.stale += any(each.call("GET", self.path)[0] == 200 for each in (user, fresh))
        if stream is not None:
            self.streams += 1
            self.open += self._is_open(stream, change.__name__)
        self._tidy(change.__name__, thing)

    def make_key(self, name: str) -> tuple[str, str]:
        """A secret key's id and the key."""
        path = f"/v1/auth/api-key?environmentId={self.environment}&type=SECRET"
        key = next(one for one in self.data("POST", path, {"name": name}) if one["name"] == name)
        return key["id"], key["rawKey"]

    def use(self, token: str) -> Caller:
        """The connection on which a token was accepted, so that it is known."""
        user = Caller(self.asked, token)
        for _ in range(2):
            if user.call("GET", self.path)[0] != 200:
                sys.exit("who may was refused")
        return user

    def _role(self) -> tuple[str, str]:
        roles = {role["name"]: role["id"] for role in self.data("GET", "/v1/roles")}
        given = {"roleId": roles["User"], "resourceId": self.environment}
        return self.data("POST", f"/v1/users/{self.member}/roles", given)["id"], self.member_token

    def _tidy(self, change: str, thing: str) -> None:
        if change in {"to_other_space", "to_other_networks"}:
            self.revoke(thing)
        if change == "disable":
            self.data("POST", f"/v1/users/{self.member}/enable", {})
            self.take_role(thing)

    def _stream(self, token: str) -> http.client.HTTPConnection:
        connection = http.client.HTTPConnection(self.asked.removeprefix("http://"), timeout=5)
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

    def told(self, rounds: int, bound: float = P99_MILLISECONDS) -> int:
        """Print what was seen; the exit status."""
        print(f"{rounds:,} changes: {self.stale} accepted afterwards; {self.open} of {self.streams} streams left open")
        slowest = 0.0
        for name, times in self.times.items():
            cuts = statistics.quantiles(times, n=100)
            slowest = max(slowest, cuts[98])
            print(f"{name:<18} answered in {cuts[49]:.1f} ms, p99 {cuts[98]:.1f} ms")
        print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
        return 1 if self.stale or self.open or slowest > bound else 0


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
    sys.exit(soak.told(rounds))


if __name__ == "__main__":
    main()
