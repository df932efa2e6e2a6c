"""The server is killed at random moments of key rotations: there is always a good key, and a repeated call ends it.

``SOAK_KILLS`` makes it longer; benchmarks/soak/kill_rotation.py does.
"""

from __future__ import annotations

import http.client
import os
import random
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from servers.data_places import KINDS, DataPlace
from servers.sheetport import EMAIL, PASSWORD, Answer, SheetportServer

KILLS = int(os.environ.get("SOAK_KILLS", "2"))
#: A rotation takes a few milliseconds; a kill comes this long after it was asked for, at most.
LATEST_SECONDS = 0.02


class Rotations:
    """One key that is rotated again and again, by a user who keeps a token of their own."""

    def __init__(self, server: SheetportServer) -> None:
        self.server = server
        self.environment = server.development["id"]
        signed = server.request("POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD}).body
        made = server.request("POST", "/v1/auth/personal-access-tokens", {"name": "owner"}, signed["accessToken"])
        self.owner = made.body["data"]["token"]
        path = f"/v1/auth/api-key?environmentId={self.environment}&type=SECRET"
        keys = server.request("POST", path, {"name": "rotated"}, self.owner).body["data"]
        self.key = next(key for key in keys if key.get("name") == "rotated")

    def rotate(self, overlap: int, once: str) -> Answer:
        query = f"environmentId={self.environment}&key={self.key['id']}&overlapSeconds={overlap}"
        path = f"/v1/auth/api-key/rotate?{query}"
        return self.server.request("POST", path, None, self.owner, {"Idempotency-Key": once})

    def live(self) -> list[str]:
        """The ids of the good keys of this line."""
        path = f"/v1/auth/credentials?kind=secret_key&environmentId={self.environment}"
        listed = self.server.request("GET", path, token=self.owner).body["data"]
        return [one["id"] for one in listed if one["name"] == "rotated"]

    def is_accepted(self, token: str) -> bool:
        return self.server.request("GET", "/v1/environments", token=token).status == 200


@pytest.fixture
def rotations(data_place: DataPlace) -> Iterator[Rotations]:
    server = SheetportServer(data_place)
    server.start()
    yield Rotations(server)
    server.stop()


@pytest.mark.parametrize("data_place", KINDS, indirect=True)
def test_a_kill_leaves_a_good_key_and_the_same_answer_to_the_same_call(rotations: Rotations) -> None:
    chance = random.Random(KILLS)
    answered = 0
    for number in range(KILLS):
        overlap, once = (0, 3_600)[number % 2], f"rotation-{number}"
        answer = killed_meanwhile(rotations, overlap, once, chance.uniform(0, LATEST_SECONDS))
        rotations.server.start()
        assert rotations.live(), f"nobody has a good key after kill {number}"
        again = rotations.rotate(overlap, once)
        assert again.status == 200, again.body
        if answer is not None and answer.status == 200:
            answered += 1
            assert answer.body == again.body
        new = again.body["data"]
        assert rotations.is_accepted(new["rawKey"])
        assert new["id"] in rotations.live()
        rotations.key = new
    print(f"{KILLS} kills, {answered} of them after the answer")


def killed_meanwhile(rotations: Rotations, overlap: int, once: str, after: float) -> Answer | None:
    """The answer of a rotation beside which the server is killed, if there was one."""
    answers: list[Answer] = []

    def ask() -> None:
        with suppress(OSError, http.client.HTTPException):
            answers.append(rotations.rotate(overlap, once))

    asking = threading.Thread(target=ask)
    asking.start()
    time.sleep(after)
    rotations.server.kill()
    asking.join()
    return answers[0] if answers else None
