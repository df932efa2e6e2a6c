"""The clock of the machine is set back an hour under a running server: nothing expired lives again, all is in order."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from faults.burst import Follower, drain, key
from servers.data_places import DataPlace
from servers.sheetport import EMAIL, PASSWORD, SheetportServer

HOUR = 3_600


def library() -> Path:
    """The library that shifts a process's clock."""
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
    assert found, "libfaketime is missing: run ./test, which installs it (Debian: apt-get install libfaketime)."
    return found[0]


@pytest.fixture
def shifted(server: Callable[..., SheetportServer], sqlite_place: DataPlace) -> tuple[SheetportServer, Path]:
    """A server, and the file that says by how many seconds its clock is ahead."""
    offset = sqlite_place.data.parent / "clock"
    set_clock(offset, 0)
    env = {"LD_PRELOAD": str(library()), "FAKETIME_TIMESTAMP_FILE": str(offset), "FAKETIME_NO_CACHE": "1"}
    # Only the clock of the day is set back: the one that counts on knows no setting.
    return server(sqlite_place, env={**env, "DONT_FAKE_MONOTONIC": "1", "FAKETIME_DONT_RESET": "1"}), offset


def set_clock(offset: Path, seconds: int) -> None:
    fresh = offset.with_suffix(".new")
    fresh.write_text(f"{seconds:+d}\n")
    os.replace(fresh, offset)


def sign_in(server: SheetportServer) -> str:
    body = {"email": EMAIL, "password": PASSWORD}
    answer = server.request("POST", "/v1/auth", body)
    assert answer.status == 200, answer
    return str(answer.body["accessToken"])


def make(server: SheetportServer, count: int) -> list[dict[str, str]]:
    made = [server.request("POST", "/v1/spaces", {"name": "s"}, key(server)) for _ in range(count)]
    assert {answer.status for answer in made} == {200}
    return [answer.body["data"] for answer in made]


def test_a_clock_that_is_set_back(shifted: tuple[SheetportServer, Path]) -> None:
    server, clock = shifted
    token = sign_in(server)
    assert server.request("GET", "/v1/environments", token=token).status == 200
    set_clock(clock, 24 * HOUR + 60)
    assert server.request("GET", "/v1/environments", token=token).status == 401
    fresh, follower = sign_in(server), Follower(server)
    follower.begin()
    first = int(follower.at)
    before = make(server, 3)
    job_of = {"type": "space", "operation": "configure", "source": before[0]["id"], "trigger": "immediate"}
    job = server.request("POST", "/v1/jobs", job_of, key(server)).body["data"]["id"]
    set_clock(clock, 23 * HOUR + 60)
    after = make(server, 3)
    assert server.request("GET", "/v1/environments", token=token).status == 401
    assert server.request("GET", "/v1/environments", token=fresh).status == 200
    assert server.request("GET", f"/v1/jobs/{job}", token=key(server)).body["data"]["status"] == "ready"
    drain(follower, server)
    spaces = [*before, *after]
    assert len({space["id"] for space in spaces}) == len(spaces)
    assert [space["createdAt"] for space in spaces] == sorted(space["createdAt"] for space in spaces)
    told = [event for event in follower.seen.values() if event["topic"] == "space:created"]
    assert [event["context"]["spaceId"] for event in told][: len(spaces)] == [space["id"] for space in spaces]
    assert [event["createdAt"] for event in told] == sorted(event["createdAt"] for event in told)
    assert list(follower.seen) == list(range(first + 1, first + 1 + len(follower.seen)))
    assert "clock.set-back" in server.log.read_text()
    assert "request.failed" not in server.log.read_text()
