"""The server is killed at every kill point while many write: nothing acknowledged is lost, nothing is there by half."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from faults.burst import Follower, Written, burst, drain, half_applied, lost, untold
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer

#: database → (point, the passage at which the process dies)
KILLS = {
    "sqlite": [
        # A start has some commits of its own.
        *((f"sqlite.{at}-commit", count) for at in ("before", "after") for count in (7, 12, 33)),
        *(("events.before-wake", count) for count in (2, 7, 17)),
        *(("events.before-reply", count) for count in (1, 2, 6)),
    ],
    "postgresql": [
        *((f"postgresql.{at}-commit", count) for at in ("before", "after") for count in (5, 23)),
        *(("events.before-number", count) for count in (1, 3)),
        *(("events.before-wake", count) for count in (2, 4)),
        ("events.before-reply", 3),
    ],
}


@contextmanager
def killed_at(server: SheetportServer, point: str, passage: int) -> Iterator[None]:
    """The server runs and dies at this passage, and of nothing else."""
    server.env["SHEETPORT_KILL_AT"] = f"{point}:{passage}"
    server.start()
    del server.env["SHEETPORT_KILL_AT"]
    yield
    assert server.kill(0) == -signal.SIGKILL, f"{point}:{passage} was not passed"


@pytest.mark.parametrize("kind", sorted(KILLS))
def test_what_was_acknowledged_outlives_a_kill(kind: str, request: pytest.FixtureRequest) -> None:
    place: DataPlace = request.getfixturevalue("sqlite_place")
    if kind == "postgresql":
        place = DataPlace(kind, place.data, request.getfixturevalue("postgres_url"))
    server = SheetportServer(place)
    server.start()
    follower, bursts = Follower(server), [Written()]
    follower.begin()
    first = int(follower.at)
    server.stop()
    for point, passage in KILLS[kind]:
        # What the server does by itself may come to the passage first, while it is asked for what was written.
        with killed_at(server, point, passage), suppress(OSError):
            assert lost(server, bursts[-1]) == [], f"before {point}:{passage}"
            bursts.append(Written())
            burst(server, follower, bursts[-1])
    everything = Written()
    for one in bursts:
        for name, value in vars(one).items():
            vars(everything)[name] += value
    server.start()
    drain(follower, server)
    assert lost(server, everything) == []
    assert untold(follower, everything) == []
    assert half_applied(server, follower) == []
    # Every position once or more, for the first time in order, and none left out.
    assert list(follower.seen) == list(range(first + 1, first + 1 + len(follower.seen)))
    assert len(everything.spaces) >= len(KILLS[kind])
    server.stop()
