"""Whatever is asked of any route, by whomever: no server error, one shape of refusal, and nobody's secret."""

from __future__ import annotations

import json
from functools import cache

import httpx
import pytest

from fuzz.range import CANARY, HIDDEN, Range
from fuzz.rich_rows import RICH_ROWS
from fuzz.shots import Document, Shot, bent, drawn
from permission_table import ROWS
from scene import Scene
from servers.data_places import DataPlace
from sheetport.bootstrap import ROUTERS
from sheetport.http.openapi import openapi_document
from worlds import World

#: Every route is asked on SQLite and every third on PostgreSQL: what a database can do wrong shows with few.
EVERY = {"sqlite": 1, "postgresql": 3}


@cache
def described() -> Document:
    return openapi_document(ROUTERS)


async def test_drawn_requests(world: World, data_place: DataPlace, more: int) -> None:
    field = Range(Scene(world), described())
    await field.fire(drawn(field.document, more, EVERY[data_place.kind]))
    print(sum(field.answered.values()), "requests")
    assert field.faults == [], "\n".join(field.faults[:20])


async def test_bent_requests(world: World, more: int) -> None:
    field = Range(Scene(world), described())
    await field.fire(bent([*ROWS, *RICH_ROWS], field.document, more))
    print(sum(field.answered.values()), "requests")
    assert field.faults == [], "\n".join(field.faults[:20])


@pytest.mark.parametrize(
    ("status", "said", "fault"),
    [
        (500, {"errors": [{"key": "server", "message": "It failed."}]}, "a server error"),
        (400, {"message": "no"}, "body"),
        (200, "", "an empty answer"),
        (200, {"data": CANARY}, "tells a secret's value"),
        (200, {"data": "$argon2id$v=19"}, "tells a password"),
        (200, {"data": "its key"}, "tells the token of secret"),
    ],
)
async def test_a_wrong_answer_is_found(status: int, said: object, fault: str) -> None:
    scene = Scene.__new__(Scene)
    scene.tokens = dict.fromkeys(HIDDEN, "absent") | {"secret": "its key"}
    content = json.dumps(said).encode() if said else b""
    answer = httpx.Response(status, content=content)
    found = Range(scene, {"paths": {}}).faults_of(Shot("GET /v1/x", "/v1/x"), "space", answer)
    assert any(fault in each for each in found), found
