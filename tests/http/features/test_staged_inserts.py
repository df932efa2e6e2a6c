"""Large inserts: others write in between where there is one writer, and nobody ever sees a part of one."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from sheetport.features.quotas import service as quotas
from sheetport.features.records import jobs, service
from sheetport.features.records.api import VERY_LARGE_BODY
from sheetport.kernel.actor import system_actor
from sheetport.storage.tables.records import records
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import Reply, World

COUNT = 12 * service.STAGED_FROM + 7
FIELDS = [{"key": "name", "type": "string"}]


@pytest.fixture
async def sheet(world: World) -> str:
    """The id of an empty sheet."""
    space = await world.call("POST", "/v1/spaces", {"name": "Space", "environmentId": world.dev})
    book = {"name": "Book", "spaceId": space.data["id"], "sheets": [{"name": "S", "slug": "s", "fields": FIELDS}]}
    return str((await world.call("POST", "/v1/workbooks", book)).data["sheets"][0]["id"])


def name_of(index: int, length: int = 60) -> str:
    return str(index).ljust(length, ".")


def large(count: int = COUNT) -> list[dict[str, Any]]:
    return [{"name": {"value": name_of(index)}} for index in range(count)]


async def post(world: World, sheet: str, body: Any) -> Reply:
    return await world.call("POST", f"/v1/sheets/{sheet}/records", body)


async def seen(world: World, sheet: str) -> tuple[int, int]:
    """(records of a page, records counted)."""
    page = await world.call("GET", f"/v1/sheets/{sheet}/records?pageSize=10000")
    counts = await world.call("GET", f"/v1/sheets/{sheet}/counts")
    return len(page.data["records"]), counts.data["counts"]["total"]


async def stored(world: World) -> int:
    async def count(uow: UnitOfWork) -> int:
        row = await uow.fetch_one(select(func.count().label("rows")).select_from(records))
        return int(row["rows"]) if row else 0

    return await world.db.read(count)


async def test_a_large_insert_is_one_commit_in_order(world: World, sheet: str) -> None:
    reply = await post(world, sheet, large())
    assert reply.status == 200
    assert [record["values"]["name"]["value"] for record in reply.data["records"]] == [name_of(i) for i in range(COUNT)]
    assert reply.data["counts"] == {"total": COUNT, "valid": COUNT, "error": 0}
    assert [
        event["topic"] for event in await world.events() if event["topic"] in {"records:created", "commit:created"}
    ] == [
        "records:created",
        "commit:created",
    ]
    of_commit = await world.call("GET", f"/v1/sheets/{sheet}/records?commitId={reply.data['commitId']}&pageSize=10000")
    assert of_commit.data["records"] == reply.data["records"]


async def test_a_body_that_another_process_reads_ends_the_same(world: World, sheet: str) -> None:
    texts = [name_of(index, 1_500) for index in range(3_000)]
    body: list[dict[str, Any]] = [{"name": {"value": text}} for text in texts]
    body[7]["name"]["messages"] = [{"type": "error", "source": "custom-logic", "message": "No"}]
    assert len(json.dumps(body)) > VERY_LARGE_BODY
    reply = await post(world, sheet, body)
    assert reply.status == 200, reply.body
    assert reply.data["counts"] == {"total": 3_000, "valid": 2_999, "error": 1}
    assert [record["values"]["name"]["value"] for record in reply.data["records"]] == texts
    page = await world.call("GET", f"/v1/sheets/{sheet}/records?pageSize=10000")
    assert page.data["records"] == reply.data["records"]
    body[2_000] = {"name": {"value": {"not": "a value"}}}
    refused = await post(world, sheet, body)
    assert (refused.status, refused.error["key"]) == (400, "records[2000].name")
    assert await stored(world) == 3_000


async def test_nobody_sees_a_part_and_others_write_meanwhile(world: World, sheet: str) -> None:
    other = await world.call("POST", "/v1/spaces", {"name": "Other", "environmentId": world.dev})
    whole = asyncio.create_task(post(world, sheet, large()))
    seen_sizes, written = set(), 0
    while not whole.done():
        seen_sizes.add(await seen(world, sheet))
        change = await world.call("PATCH", f"/v1/spaces/{other.data['id']}", {"name": f"Other {written}"})
        assert change.status == 200
        written += 1
    assert whole.result().status == 200
    assert written > (0 if world.db.shared else 1)
    assert seen_sizes <= {(0, 0), (COUNT, COUNT), (0, COUNT)}  # two reads, between which it may be published
    assert await seen(world, sheet) == (COUNT, COUNT)


async def test_writers_of_one_sheet_wait_for_each_other(world: World, sheet: str) -> None:
    replies = await asyncio.gather(*(post(world, sheet, large()) for _ in range(2)), post(world, sheet, large(1)))
    assert [reply.status for reply in replies] == [200, 200, 200]
    ids = {record["id"] for reply in replies for record in reply.data["records"]}
    assert len(ids) == 2 * COUNT + 1 == await stored(world)


async def test_an_insert_that_is_refused_at_its_end_leaves_nothing(world: World, sheet: str) -> None:
    whole = asyncio.create_task(post(world, sheet, large()))
    while not whole.done() and await stored(world) == 0:
        await asyncio.sleep(0)
    actor = system_actor(world.account_id)
    await world.db.write(lambda uow: quotas.set_limits(uow, actor, world.dev, {"rows": 1}))
    reply = await whole
    if reply.status == 200:  # it was published before the limit was lowered: nothing is staged on PostgreSQL
        assert world.db.shared
        return
    assert (reply.status, reply.error["key"]) == (413, "rows")
    assert (await stored(world), await seen(world, sheet)) == (0, (0, 0))
    assert (await post(world, sheet, large(1))).status == 200


async def test_what_a_crash_left_staged_is_never_seen_and_swept(world: World, sheet: str) -> None:
    first = await post(world, sheet, large(3))

    async def leave(uow: UnitOfWork) -> None:
        row = await uow.fetch_one(select(records).order_by(records.c.seq).limit(1))
        assert row is not None
        kept = {name: row[name] for name in records.columns.keys() if name != "seq"}  # noqa: SIM118 - columns, not a dict
        for seq in (4, 5, 2_500):
            await uow.execute(insert(records).values(**kept, seq=seq))

    await world.db.write(leave)
    tag = first.data["records"][0]["id"][:-6]
    assert await seen(world, sheet) == (3, 3)
    by_id = await world.call("GET", f"/v1/sheets/{sheet}/records?ids={tag}000004&ids={tag}000001")
    assert len(by_id.data["records"]) == 1
    assert (await world.call("DELETE", f"/v1/sheets/{sheet}/records?ids={tag}000004")).status == 404
    while await world.db.write(jobs.clear_staged):
        continue
    assert await stored(world) == 3
    await world.db.write(leave)
    second = await post(world, sheet, large(2))
    assert second.status == 200
    assert (await stored(world), await seen(world, sheet)) == (5, (5, 5))
