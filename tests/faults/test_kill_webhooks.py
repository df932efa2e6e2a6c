"""The server is killed while events flow to a webhook: none is lost, and what comes twice has the same id.

``SOAK_KILLS`` and ``SOAK_EVENTS`` make it longer; benchmarks/soak/kill_webhooks.py does.
"""

from __future__ import annotations

import os
import random
import signal
import time
from contextlib import suppress

import pytest

from servers.data_places import DataPlace
from servers.hooks import HookReceiver, receiving_in_thread
from servers.sheetport import SheetportServer

#: database → points at which the process dies while it delivers; after those, at random moments.
KILLS: dict[str, list[tuple[str, int]]] = {
    "sqlite": [("webhooks.after-turn", 2), ("webhooks.after-answer", 3)],
    "postgresql": [("webhooks.after-answer", 5)],
}
RANDOM_KILLS = int(os.environ.get("SOAK_KILLS", "0"))
EVENTS = int(os.environ.get("SOAK_EVENTS", "40"))
#: For a lease that a killed process held, and for events whose numbering it owed.
SETTLE_SECONDS = 60.0


class Flow:
    """Events written to a server, and what its webhook's receiver has of them."""

    def __init__(self, server: SheetportServer, receiver: HookReceiver) -> None:
        self.server, self.receiver = server, receiver
        self.written: list[str] = []
        self._environment = server.development["id"]

    def furnish(self) -> None:
        done = self.server.command("egress", "allow", "127.0.0.1", "--data", str(self.server.data))
        assert done.returncode == 0, done.stderr
        body = {"url": self.receiver.url(), "topics": ["space:updated"]}
        made = self.server.request("POST", "/v1/webhooks", body, self.server.development["secretKey"])
        assert made.status == 200, made.body

    def write(self, count: int) -> None:
        """Write events until there are so many more, or the server is gone."""
        with suppress(OSError):
            for _ in range(count):
                body = {"topic": "space:updated", "domain": "space", "payload": {}}
                body["context"] = {"environmentId": self._environment}
                told = self.server.request("POST", "/v1/events", body, self.server.development["secretKey"])
                assert told.status == 200, told.body
                self.written.append(told.body["data"]["id"])

    def missing(self) -> list[str]:
        """What was acknowledged and has not come after a while."""
        until = time.monotonic() + SETTLE_SECONDS
        while time.monotonic() < until:
            heard = {each.id for each in self.receiver.heard}
            missing = [event for event in self.written if event not in heard]
            if not missing:
                return []
            time.sleep(0.05)
        return missing


@pytest.mark.parametrize("kind", sorted(KILLS))
def test_no_event_is_lost_and_duplicates_have_the_same_id(kind: str, request: pytest.FixtureRequest) -> None:
    place: DataPlace = request.getfixturevalue("sqlite_place")
    if kind == "postgresql":
        place = DataPlace(kind, place.data, request.getfixturevalue("postgres_url"))
    server, chance = SheetportServer(place), random.Random(7)
    with receiving_in_thread() as receiver:
        flow = Flow(server, receiver)
        server.start()
        flow.furnish()
        server.stop()
        each = -(-EVENTS // (len(KILLS[kind]) + RANDOM_KILLS + 1))
        for point, passage in KILLS[kind]:
            server.env["SHEETPORT_KILL_AT"] = f"{point}:{passage}"
            server.start()
            del server.env["SHEETPORT_KILL_AT"]
            flow.write(each)
            assert server.kill(0) == -signal.SIGKILL, f"{point}:{passage} was not passed"
        for _ in range(RANDOM_KILLS):
            server.start()
            flow.write(each)
            time.sleep(chance.random() / 10)
            assert server.kill(signal.SIGKILL) == -signal.SIGKILL
        server.start()
        flow.write(EVENTS - len(flow.written))
        assert flow.missing() == []
        assert len(flow.written) >= EVENTS
        assert [heard for heard in receiver.heard if heard.json["data"]["id"] != heard.id] == []
        twice = len(receiver.heard) - len({heard.id for heard in receiver.heard})
        assert twice >= 1, "a process that died after an answer has to send that event again"
        assert twice <= (len(KILLS[kind]) + RANDOM_KILLS) * 128
        server.stop()
