"""Versions over HTTP: an id for a sheet, recorded."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from sheetport.storage.tables.versions import versions
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import World

SHEETS = [{"name": name, "slug": name, "fields": [{"key": "a"}]} for name in ("one", "two")]


async def _sheets(world: World) -> list[str]:
    space = (await world.call("POST", "/v1/spaces", {"name": "Space"})).data
    book = (await world.call("POST", "/v1/workbooks", {"name": "W", "spaceId": space["id"], "sheets": SHEETS})).data
    return [sheet["id"] for sheet in book["sheets"]]


async def _recorded(world: World) -> list[tuple[Any, ...]]:
    async def fetch(uow: UnitOfWork) -> list[tuple[Any, ...]]:
        rows = await uow.fetch_all(select(versions).order_by(versions.c.created_at))
        return [(row["id"], row["sheet_id"], row["parent_version_id"]) for row in rows]

    return await world.db.read(fetch)


async def test_a_version_is_made_of_a_sheet_and_of_an_earlier_one(world: World) -> None:
    sheet, _ = await _sheets(world)
    first = (await world.call("POST", "/v1/versions", {"sheetId": sheet})).data["versionId"]
    world.clock.advance(1)
    second = (await world.call("POST", "/v1/versions", {"parentVersionId": first})).data["versionId"]
    assert await _recorded(world) == [(first, sheet, None), (second, sheet, first)]
    assert [audit["target"] for audit in await world.audits("version:create")] == [first, second]


async def test_a_commit_may_be_the_earlier_one(world: World) -> None:
    sheet, _ = await _sheets(world)
    path = f"/v1/sheets/{sheet}/records"
    commit = (await world.call("POST", path, [{"a": {"value": 1}}])).data["commitId"]
    body = {"sheetId": sheet, "parentVersionId": commit}
    made = (await world.call("POST", "/v1/versions", body)).data["versionId"]
    assert await _recorded(world) == [(made, sheet, commit)]


async def test_a_version_is_of_a_sheet_the_caller_reaches(world: World) -> None:
    one, two = await _sheets(world)
    version = (await world.call("POST", "/v1/versions", {"sheetId": one})).data["versionId"]
    for body, token, status, key in (
        ({}, None, 400, "sheetId"),
        (None, None, 400, "sheetId"),
        ({"sheetId": two, "parentVersionId": version}, None, 400, "parentVersionId"),
        ({"sheetId": one}, world.sk_prod, 404, "sheetId"),
        ({"sheetId": one}, world.sk_other, 404, "sheetId"),
        ({"parentVersionId": version}, world.sk_other, 404, "commitId"),
        ({"sheetId": "us_sh_absent"}, None, 404, "sheetId"),
    ):
        reply = await world.call("POST", "/v1/versions", body, token=token)
        assert (reply.status, reply.error["key"]) == (status, key), body
    assert len(await _recorded(world)) == 1
