"""A world with places for jobs to be about, and what tests do to jobs over HTTP."""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import insert

from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.storage.tables.spaces import spaces
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import Reply, World

SPACE, OTHER_SPACE, BOOK, SHEET, FILE, PROD_BOOK = (
    *("us_sp_aaaa1", "us_sp_aaaa2", "us_wb_aaaa1", "us_sh_aaaa1", "us_fl_aaaa1", "us_wb_pppp1"),
)

#: How a job comes into each status by what a caller can do. "announced" is ready with job:ready told.
WAYS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "created": ({}, []),
    "planning": ({"status": "planning"}, []),
    "scheduled": ({"status": "scheduled"}, []),
    "ready": ({"status": "ready"}, []),
    "announced": ({"trigger": "immediate"}, []),
    "executing": ({"trigger": "immediate"}, ["ack"]),
    "complete": ({"trigger": "immediate"}, ["complete"]),
    "failed": ({"trigger": "immediate"}, ["fail"]),
    "canceled": ({}, ["cancel"]),
    "waiting": ({"trigger": "immediate", "predecessorIds": []}, []),
}


async def put_places(world: World) -> World:
    """Give the world two spaces, a workbook, a sheet and a file in development, and a workbook in production."""

    async def furnish(uow: UnitOfWork) -> None:
        dev, account = world.dev, world.account_id
        for place in (
            Place(dev, SPACE, "sp", account, SPACE, namespace="red"),
            Place(dev, OTHER_SPACE, "sp", account, OTHER_SPACE),
            Place(dev, BOOK, "wb", account, SPACE, BOOK),
            Place(dev, SHEET, "sh", account, SPACE, BOOK, SHEET, slug="contacts"),
            Place(dev, FILE, "fl", account, SPACE),
            Place(world.prod, PROD_BOOK, "wb", account, "us_sp_pppp1", PROD_BOOK),
        ):
            await places.add_place(uow, place)
        flags = {"auto_configure": False, "is_app_template": False, "is_collaborative": False}
        numbers = {"workbooks_count": 0, "files_count": 0, "token_generation": 0, "created_at": 0, "updated_at": 0}
        row = {"environment_id": dev, "id": SPACE, "account_id": account, "name": "space"}
        await uow.execute(insert(spaces).values(**row, **flags, **numbers))

    await world.db.write(furnish)
    return world


async def make(world: World, **config: Any) -> Any:
    """A new job's data."""
    body = {"type": "workbook", "operation": "submit", "source": BOOK} | config
    reply = await world.call("POST", "/v1/jobs", body)
    assert reply.status == 200, reply.body
    return reply.data


async def do(world: World, job: Any, action: str, body: Any = None) -> Reply:
    """One action on a job; "update" is the PATCH."""
    if action == "update":
        return await world.call("PATCH", f"/v1/jobs/{job['id']}", {"metadata": {}} if body is None else body)
    if action == "split":
        body = {"parts": 1} if body is None else body
    return await world.call("POST", f"/v1/jobs/{job['id']}/{action}", body)


async def status_of(world: World, job: Any) -> str:
    reply = await world.call("GET", f"/v1/jobs/{job['id']}")
    return str(reply.data["status"])


async def told(world: World, job: Any) -> list[str]:
    """The topics told of one job, oldest first."""
    return [e["topic"] for e in await world.events() if json.loads(e["context"]).get("jobId") == job["id"]]


async def told_last(world: World, topic: str) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """The last event of a topic: its row, context and payload."""
    event = (await world.events(topic))[-1]
    return event, json.loads(event["context"]), json.loads(event["payload"])


async def parts_of(world: World, job: Any) -> list[Any]:
    reply = await world.call("GET", f"/v1/jobs?parentId={job['id']}&sortDirection=asc")
    return sorted(reply.data, key=lambda part: part["part"])
