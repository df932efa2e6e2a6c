"""The reads answered in front of the router are what the router would answer, at once and for the same callers."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from sheetport.kernel.clock import HOUR
from sheetport.storage.tables.auth import credentials
from sheetport.storage.tables.core import accounts
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import World

FIELDS = [{"key": "name", "type": "string"}]


@pytest.fixture
async def things(world: World) -> dict[str, str]:
    """The path of one thing of each noun that is answered quickly."""
    space = await world.call("POST", "/v1/spaces", {"name": "Space", "environmentId": world.dev})
    book = {"name": "Book", "spaceId": space.data["id"], "sheets": [{"name": "S", "slug": "s", "fields": FIELDS}]}
    workbook = await world.call("POST", "/v1/workbooks", book)
    job = {"type": "workbook", "operation": "submit", "source": workbook.data["id"]}
    made = await world.call("POST", "/v1/jobs", job)
    return {
        "environments": f"/v1/environments/{world.dev}",
        "spaces": f"/v1/spaces/{space.data['id']}",
        "workbooks": f"/v1/workbooks/{workbook.data['id']}",
        "sheets": f"/v1/sheets/{workbook.data['sheets'][0]['id']}",
        "jobs": f"/v1/jobs/{made.data['id']}",
    }


async def twice(world: World, path: str, **kwargs: Any) -> Any:
    """The data of a read that is remembered by then."""
    await world.call("GET", path, **kwargs)
    reply = await world.call("GET", path, **kwargs)
    assert reply.status == 200, reply.body
    return reply.data


async def test_every_quick_read_is_the_routers(world: World, things: dict[str, str]) -> None:
    for path in things.values():
        quick = await twice(world, path)
        by_router = await world.call("GET", path, headers={"Origin": "https://app.example.com"})
        assert by_router.headers["access-control-allow-origin"] == "*"
        assert quick == by_router.data, path


async def test_a_change_is_seen_by_the_next_read(world: World, things: dict[str, str]) -> None:
    for number in range(3):
        await twice(world, things["spaces"])
        changed = await world.call("PATCH", things["spaces"], {"name": f"Name {number}"})
        assert changed.status == 200
        assert (await world.call("GET", things["spaces"])).data["name"] == f"Name {number}"
    assert (await world.call("DELETE", things["spaces"])).status == 200
    assert (await world.call("GET", things["spaces"])).status == 404


async def test_an_access_token_is_never_older_than_its_hour(world: World, things: dict[str, str]) -> None:
    first = (await twice(world, things["spaces"]))["accessToken"]
    world.clock.advance(HOUR)
    assert (await world.call("GET", things["spaces"])).data["accessToken"] != first


async def test_what_one_caller_was_given_is_for_no_other(world: World, things: dict[str, str]) -> None:
    token = (await twice(world, things["spaces"]))["accessToken"]
    assert (await twice(world, things["spaces"], token=token))["id"] in things["spaces"]
    for path in things.values():
        await twice(world, path)
        assert (await world.call("GET", path, token=world.sk_other)).status == 404, path
        assert (await world.call("GET", path, token="")).status == 401, path


async def test_a_right_that_ended_is_ended_for_quick_reads(world: World, things: dict[str, str]) -> None:
    await twice(world, things["spaces"])
    query = {"environmentId": world.dev, "key": world.sk}
    assert (await world.call("DELETE", "/v1/auth/api-key", params=query, token=world.pat)).status == 200
    assert (await world.call("GET", things["spaces"])).status == 401


async def test_a_right_that_ended_in_another_process_is_ended_here(world: World, things: dict[str, str]) -> None:
    """On PostgreSQL a caller is remembered too, and its first query sees that the account has moved on."""
    if not world.db.shared:
        assert world.db.version is not None  # one process, which hears of everything
        return
    await twice(world, things["spaces"])

    async def revoke_elsewhere(uow: UnitOfWork) -> None:
        await uow.execute(update(credentials).where(credentials.c.environment_id == world.dev).values(deleted_at=1))
        await uow.execute(update(accounts).values(auth_generation=accounts.c.auth_generation + 1))

    await world.db.write(revoke_elsewhere)  # without a word to this process
    for path in things.values():
        assert (await world.call("GET", path)).status == 401, path


async def stored(world: World, name: str, **scope: str) -> None:
    body = {"name": name, "value": f"value of {name}", "environmentId": world.dev, **scope}
    assert (await world.call("POST", "/v1/secrets", body)).status == 200


async def reads(world: World) -> int:
    return sum(record["action"] == "secret:read" for record in await world.audits())


async def test_secrets_are_read_quickly_as_by_the_router_and_each_read_is_recorded(world: World) -> None:
    await stored(world, "ONE")
    await stored(world, "TWO", actorId="us_ag_1")
    for query in (f"?environmentId={world.dev}", f"?environmentId={world.dev}&actorId=us_ag_1", ""):
        path = f"/v1/secrets{query}"
        await world.call("GET", path)
        before = await reads(world)
        quick = await world.call("GET", path)
        by_router = await world.call("GET", path, headers={"Origin": "https://app.example.com"})
        assert quick.data == by_router.data, path
        assert quick.data, path
        assert quick.headers["cache-control"] == by_router.headers["cache-control"] == "no-store"
        assert await reads(world) == before + 2, path


async def test_the_router_answers_what_is_not_plain(world: World) -> None:
    await stored(world, "ONE")
    await twice(world, f"/v1/secrets?environmentId={world.dev}")
    same = f"/v1/secrets?environmentId={world.dev}"
    assert (await world.call("GET", f"{same}&label=previous")).data == []
    assert (await world.call("GET", f"{same}&actorId=%0A")).status == 400
    assert (await world.call("GET", f"{same}&spaceId=us_sp_none")).status == 404
    await world.call("GET", same, headers={"X-Listener": "invoices"})
    named = [record for record in await world.audits() if record["action"] == "secret:read"][-1]
    assert '"listener":"invoices"' in named["detail"].replace(" ", "")


async def test_a_secret_is_quickly_read_by_nobody_else(world: World) -> None:
    await stored(world, "ONE")
    path = f"/v1/secrets?environmentId={world.dev}"
    await twice(world, path)
    await world.call("GET", "/v1/secrets", token=world.sk_other)
    assert (await world.call("GET", path, token=world.sk_other)).status == 404
    query = {"environmentId": world.dev, "key": world.sk}
    assert (await world.call("DELETE", "/v1/auth/api-key", params=query, token=world.pat)).status == 200
    assert (await world.call("GET", path)).status == 401
