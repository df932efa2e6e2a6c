"""The server is killed in the middle of rotations: everything opens, and each rotation ends by itself."""

from __future__ import annotations

import random
import signal
from contextlib import suppress

import pytest

from faults.rotations import Rotations
from servers.data_places import DataPlace
from servers.sheetport import SheetportServer

#: database → (the point at which the process dies, what is done)
KILLS = {
    "sqlite": [
        # First, as what is killed at random below goes on at the next start, which would pass this point.
        ("secrets.before-rekeyed", Rotations.rekey),
        ("keys.before-file", Rotations.rotate_kek),
        ("keys.before-current", Rotations.rotate_kek),
        ("keys.before-drop", Rotations.rotate_kek),
    ],
    "postgresql": [("secrets.before-rewrapped", Rotations.rotate_kek)],
}


@pytest.mark.parametrize("kind", sorted(KILLS))
def test_a_kill_loses_no_value_and_the_rotation_ends_by_itself(kind: str, request: pytest.FixtureRequest) -> None:
    place: DataPlace = request.getfixturevalue("sqlite_place")
    if kind == "postgresql":
        place = DataPlace(kind, place.data, request.getfixturevalue("postgres_url"))
    server = SheetportServer(place)
    rotations = Rotations(server, random.Random(7))
    server.start()
    rotations.furnish()
    server.stop()
    for point, work in KILLS[kind]:
        server.env["SHEETPORT_KILL_AT"] = point
        server.start()
        del server.env["SHEETPORT_KILL_AT"]
        with suppress(OSError):
            work(rotations)
        assert server.kill(0) == -signal.SIGKILL, f"{point} was not passed"
        server.start()
        assert (rotations.faults(), rotations.unfinished(), rotations.faults()) == ([], None, []), point
        if kind == "sqlite" and point == "keys.before-drop":
            rotations.killed_at_random()
            assert (rotations.faults(), rotations.unfinished()) == ([], None)
        server.stop()
