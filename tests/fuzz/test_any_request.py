"""Whatever is asked of any route, by whomever: no server error, one shape of refusal, and nobody's secret."""

from __future__ import annotations

from functools import cache

from fuzz.range import Range
from fuzz.rich_rows import RICH_ROWS
from fuzz.shots import Document, bent, drawn
from permission_table import ROWS
from scene import Scene
from servers.data_places import DataPlace
from sheetport.bootstrap import ROUTERS
from sheetport.http.openapi import openapi_document
from worlds import World

#: How many requests of a kind each route gets from each caller. What a database can do wrong shows with few.
SHOTS = {"sqlite": 3, "postgresql": 1}


@cache
def described() -> Document:
    return openapi_document(ROUTERS)


async def test_drawn_requests(world: World, data_place: DataPlace, more: int) -> None:
    field = Range(Scene(world), described())
    count = SHOTS[data_place.kind] * more
    await field.fire(drawn(field.document, count))
    print(sum(field.answered.values()), "requests")
    __import__("pathlib").Path("/tmp/answered.txt").open("a").write(repr(sorted(field.answered.items())) + "\n")
    assert field.faults == [], "\n".join(field.faults[:20])


async def test_bent_requests(world: World, data_place: DataPlace, more: int) -> None:
    field = Range(Scene(world), described())
    count = SHOTS[data_place.kind] * more
    await field.fire(bent([*ROWS, *RICH_ROWS], field.document, count))
    print(sum(field.answered.values()), "requests")
    __import__("pathlib").Path("/tmp/answered.txt").open("a").write(repr(sorted(field.answered.items())) + "\n")
    assert field.faults == [], "\n".join(field.faults[:20])
