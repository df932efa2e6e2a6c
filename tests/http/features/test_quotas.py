"""What an environment may use: rows and bytes, spaces a day made by publishable keys, and pages that may use a key."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from sqlalchemy import select

from sheetport.features.auth import service as auth
from sheetport.features.events import service as events
from sheetport.features.events.schemas import FIRST_TIME
from sheetport.features.quotas import service as quotas
from sheetport.features.records import jobs as record_jobs
from sheetport.features.spaces import jobs as space_jobs
from sheetport.kernel.actor import Actor, system_actor
from sheetport.kernel.clock import DAY, HOUR, MINUTE
from sheetport.kernel.errors import Invalid, NotFound
from sheetport.storage.tables.quotas import gone_sheets
from sheetport.storage.tables.records import records
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import START, Reply, World

FIELDS = [{"key": "name", "type": "string"}]
SHEETS = [{"name": "One", "slug": "one", "fields": FIELDS}, {"name": "Two", "slug": "two", "fields": FIELDS}]
INIT = "/v1/internal/spaces/init"
PAGE = "https://app.example.com"


def server(world: World) -> Actor:
    """The caller of commands on the server's machine."""
    return system_actor(world.account_id)


async def limit(world: World, **limits: int | None) -> None:
    """Give the development environment limits of its own; ``spaces`` is those of a day."""
    named = {{"spaces": "spaces-a-day"}.get(name, name): value for name, value in limits.items()}
    await world.db.write(lambda uow: quotas.set_limits(uow, server(world), world.dev, named))


async def used(world: World) -> dict[str, int | None]:
    """What the development environment uses; all that is counted is what is stored."""
    assert await world.db.read(quotas.find_drift) == []
    settings = world.app.settings.quotas
    listed = await world.db.read(lambda uow: quotas.list_quotas(uow, server(world), world.dev, settings))
    return {item.quota.value: item.used for item in listed}


async def make_book(world: World, space: str | None = None) -> dict[str, Any]:
    """A workbook of two sheets, in a new space unless one is given."""
    space = space or (await world.call("POST", "/v1/spaces", {"name": "S", "environmentId": world.dev})).data["id"]
    made = await world.call("POST", "/v1/workbooks", {"name": "W", "spaceId": space, "sheets": SHEETS})
    return dict(made.data)


async def insert(world: World, sheet: str, *names: str) -> Reply:
    body = [{"name": {"value": name}} for name in names]
    return await world.call("POST", f"/v1/sheets/{sheet}/records", body)


async def insert_elsewhere(world: World) -> Reply:
    """A record in the production environment, which has limits of its own."""
    body = {"name": "S", "environmentId": world.prod}
    space = (await world.call("POST", "/v1/spaces", body, token=world.sk_prod)).data["id"]
    book = {"name": "W", "spaceId": space, "sheets": SHEETS}
    sheet = (await world.call("POST", "/v1/workbooks", book, token=world.sk_prod)).data["sheets"][0]["id"]
    return await world.call("POST", f"/v1/sheets/{sheet}/records", [{"name": {"value": "a"}}], token=world.sk_prod)


async def stored(world: World) -> int:
    """How many records the tables hold, of live sheets or not."""

    async def count(uow: UnitOfWork) -> int:
        return len(await uow.fetch_all(select(records.c.seq)))

    return await world.db.read(count)


# ---- rows and bytes ------------------------------------------------------------------------------


async def test_what_is_written_and_deleted_is_counted(world: World) -> None:
    sheet = (await make_book(world))["sheets"][0]["id"]
    assert await used(world) == {"rows": 0, "bytes": 0, "spaces-a-day": 0, "streams": None}
    made = (await insert(world, sheet, "Ada", "Grüße")).data["records"]
    assert await used(world) == {"rows": 2, "bytes": len('["Ada"]') + len('["Grüße"]'.encode())} | {
        "spaces-a-day": 0,
        "streams": None,
    }
    change = [{"id": made[0]["id"], "values": {"name": {"value": "Ada Lovelace"}}}]
    assert (await world.call("PUT", f"/v1/sheets/{sheet}/records", change)).status == 200
    assert (await used(world))["bytes"] == len('["Ada Lovelace"]') + len('["Grüße"]'.encode())
    ids = [("ids", record["id"]) for record in made]
    assert (await world.call("DELETE", f"/v1/sheets/{sheet}/records", params=ids)).status == 200
    assert await used(world) == {"rows": 0, "bytes": 0, "spaces-a-day": 0, "streams": None}


async def test_rows_over_the_limit_are_refused_with_what_to_do_and_leave_nothing(world: World) -> None:
    sheet = (await make_book(world))["sheets"][0]["id"]
    await limit(world, rows=3)
    assert (await insert(world, sheet, "a", "b")).status == 200
    before = len(await world.events())
    refused = await insert(world, sheet, "c", "d")
    assert (refused.status, refused.error["key"]) == (413, "rows")
    message = refused.error["message"]
    assert "may hold 3 rows; it holds 2 and this call would add 2" in message
    assert f"sheetport env limits {world.dev} --set rows=" in message
    assert len(await world.events()) == before
    assert ((await used(world))["rows"], await stored(world)) == (2, 2)
    assert (await insert(world, sheet, "c")).status == 200
    many = await insert(world, sheet, *map(str, range(1_000)))  # refused before it is done
    assert (many.status, many.error["key"]) == (413, "rows")
    await limit(world, rows=None)
    assert (await insert(world, sheet, "d")).status == 200


async def test_bytes_over_the_limit_are_refused_also_when_records_grow(world: World) -> None:
    sheet = (await make_book(world))["sheets"][0]["id"]
    made = (await insert(world, sheet, "a" * 100, "b" * 100)).data["records"]
    size = (await used(world))["bytes"] or 0
    await limit(world, bytes=size + 10)
    refused = await insert(world, sheet, "c" * 100)
    assert (refused.status, refused.error["key"]) == (413, "bytes")
    path, first = f"/v1/sheets/{sheet}/records", made[0]["id"]
    refused = await world.call("PUT", path, [{"id": first, "values": {"name": {"value": "a" * 111}}}])
    assert (refused.status, refused.error["key"]) == (413, "bytes")
    assert f"it holds {size:,} and this call would add 11" in refused.error["message"]
    assert (await world.call("PUT", path, [{"id": first, "values": {"name": {"value": "a" * 110}}}])).status == 200
    assert (await used(world))["bytes"] == size + 10


async def test_an_environment_over_its_limits_can_be_emptied_and_keeps_no_other_back(world: World) -> None:
    sheet = (await make_book(world))["sheets"][0]["id"]
    made = (await insert(world, sheet, "long name", "b")).data["records"]
    await limit(world, rows=0, bytes=0)
    assert (await insert_elsewhere(world)).status == 200
    path = f"/v1/sheets/{sheet}/records"
    assert (await world.call("PUT", path, [{"id": made[0]["id"], "values": {"name": {"value": ""}}}])).status == 200
    ids = [("ids", record["id"]) for record in made]
    assert (await world.call("DELETE", path, params=ids)).status == 200
    assert (await used(world))["rows"] == 0


async def test_what_is_deleted_with_something_is_given_back_and_swept(world: World) -> None:
    kept = await make_book(world)
    await insert(world, kept["sheets"][0]["id"], "kept")
    same = await make_book(world, kept["spaceId"])
    other = await make_book(world)
    for sheet in (*same["sheets"], *other["sheets"]):
        await insert(world, sheet["id"], "gone", "gone")
    for path, left in (
        (f"/v1/sheets/{same['sheets'][0]['id']}", 7),
        (f"/v1/workbooks/{same['id']}", 5),
        (f"/v1/spaces/{other['spaceId']}", 1),
        (f"/v1/environments/{world.dev}", 0),
    ):
        before = await stored(world)
        assert (await world.call("DELETE", path, token=world.pat)).status == 200
        assert await world.db.read(quotas.find_drift) == []
        if left:
            assert (await used(world))["rows"] == left
        assert await stored(world) == before
        while await world.db.write(record_jobs.sweep_records):
            pass
        assert await stored(world) == left
    assert await world.db.read(lambda uow: uow.fetch_all(select(gone_sheets))) == []


async def test_a_sheet_is_swept_in_turns(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record_jobs, "BATCH", 3)
    sheet = (await make_book(world))["sheets"][0]["id"]
    await insert(world, sheet, *map(str, range(7)))
    assert (await world.call("DELETE", f"/v1/sheets/{sheet}")).status == 200
    left = []
    while await world.db.write(record_jobs.sweep_records):
        left.append(await stored(world))
    assert left == [4, 1, 0]


async def test_nobody_gets_over_the_limit_by_writing_at_the_same_time(world: World) -> None:
    book = await make_book(world)
    await limit(world, rows=30)

    async def write(number: int) -> int:
        """Half of the writers in each sheet, so that not only a sheet's own lock makes them serial."""
        replies = [await insert(world, book["sheets"][number % 2]["id"], "a", "b", "c") for _ in range(3)]
        return [reply.status for reply in replies].count(200)

    accepted = await asyncio.gather(*[write(number) for number in range(8)])
    assert sum(accepted) == 10
    assert ((await used(world))["rows"], await stored(world)) == (30, 30)


async def test_a_write_to_a_sheet_that_is_just_deleted_leaves_the_counts_right(world: World) -> None:
    for _ in range(5):
        sheet = (await make_book(world))["sheets"][0]["id"]
        path = f"/v1/sheets/{sheet}"
        writes = [insert(world, sheet, "a", "b") for _ in range(4)]
        *written, deleted = await asyncio.gather(*writes, world.call("DELETE", path))
        assert deleted.status == 200
        assert {reply.status for reply in written} <= {200, 404}
        assert (await used(world))["rows"] == 0


async def test_counts_that_drifted_are_found_and_mended(world: World) -> None:
    sheet = (await make_book(world))["sheets"][0]["id"]
    await insert(world, sheet, "a", "b")
    right = await used(world)

    async def drift(uow: UnitOfWork) -> None:
        await quotas.give_back(uow, world.dev, 1, 5)

    await world.db.write(drift)
    found = await world.db.read(quotas.find_drift)
    assert [(each.where, each.what, each.counted, each.stored) for each in found] == [
        (world.dev, "rows", 1, 2),
        (world.dev, "bytes", 5, 10),
    ]
    assert await world.db.write(quotas.mend) == found
    assert await used(world) == right

    async def lose(uow: UnitOfWork) -> None:
        await uow.execute(records.delete().where(records.c.seq == 1))

    await world.db.write(lose)
    assert {(each.where, each.what) for each in await world.db.write(quotas.mend)} == {
        (sheet, "total"),
        (sheet, "bytes"),
    }
    assert (await used(world))["rows"] == 1
    assert (await world.call("GET", f"/v1/sheets/{sheet}/counts")).data["counts"]["total"] == 1


async def test_what_is_staged_and_not_published_is_no_drift(world: World) -> None:
    sheet = (await make_book(world))["sheets"][0]["id"]
    await insert(world, sheet, "a")

    async def stage(uow: UnitOfWork) -> None:
        (row,) = await uow.fetch_all(select(records))
        staged = {name: row[name] for name in records.columns.keys()} | {"seq": 900}  # noqa: SIM118 - a collection
        await uow.bulk_insert("records", tuple(staged), [tuple(staged.values())])

    await world.db.write(stage)
    assert await stored(world) == 2
    assert (await used(world))["rows"] == 1
    assert await world.db.write(quotas.mend) == []


async def test_a_change_of_limits_is_recorded_and_checked(world: World) -> None:
    await limit(world, rows=5, bytes=None)
    (audit,) = await world.audits("environment:limits")
    assert (audit["target"], json.loads(audit["detail"])) == (world.dev, {"limits": {"rows": 5, "bytes": None}})
    for name, value in (("rows", -1), ("rows", 2**61), ("cells", 1)):
        with pytest.raises(Invalid):
            await limit(world, **{name: value})


# ---- publishable keys ----------------------------------------------------------------------------


async def init(world: World, origin: str | None = None, method: str = "POST", **headers: str) -> Reply:
    """A page begins a space, as its script sends it."""
    sent = {"Content-Type": "text/plain"} | headers | ({} if origin is None else {"Origin": origin})
    content = json.dumps({"space": {"name": "Embedded"}}).encode() if method == "POST" else b""
    params = {"publishableKey": world.pk}
    return await world.call(method, INIT, token="", params=params, content=content, headers=sent)


async def test_publishable_keys_make_so_many_spaces_a_day(world: World) -> None:
    await limit(world, spaces=2)
    world.clock.advance(DAY - START % DAY - 90 * MINUTE)
    assert [(await init(world)).status for _ in range(2)] == [200, 200]
    refused = await init(world)
    assert (refused.status, refused.error["key"]) == (429, "spaces-a-day")
    assert refused.headers["Retry-After"] == str(90 * 60)
    assert f"sheetport env limits {world.dev} --set spaces-a-day=" in refused.error["message"]
    body = {"name": "S", "environmentId": world.dev}
    assert (await world.call("POST", "/v1/spaces", body, token=world.pk)).status == 429
    assert (await world.call("POST", "/v1/spaces", body)).status == 200
    assert len(await world.events("space:created")) == 3
    world.clock.advance(90 * MINUTE)
    assert (await init(world)).status == 200
    assert (await used(world))["spaces-a-day"] == 1


async def origins(world: World, *allowed: str) -> None:
    """Name the pages that the key is for."""

    async def work(uow: UnitOfWork) -> None:
        (key,) = await auth.list_publishable_keys(uow, server(world), world.dev, world.pk)
        await auth.set_origins(uow, server(world), world.dev, key, allowed)

    await world.db.write(work)


async def test_a_key_is_for_the_pages_of_its_list(world: World) -> None:
    assert (await init(world, "https://any.example.org")).status == 200
    await origins(world, PAGE, "https://*.example.net")
    for origin in (PAGE, "https://a.example.net"):
        reply = await init(world, origin)
        assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (200, origin)
        assert "Origin" in reply.headers["Vary"]
    for origin in ("http://app.example.com", "https://example.net", "null"):
        refused = await init(world, origin)
        assert (refused.status, refused.error["key"]) == (403, "Origin"), origin
        assert f"sheetport env origins {world.dev} --allow {origin}" in refused.error["message"]
        assert "Access-Control-Allow-Origin" not in refused.headers
    body = {"name": "S", "environmentId": world.dev}
    headers = {"Origin": "https://evil.example.org"}
    refused = await world.call("POST", "/v1/spaces", body, token=world.pk, headers=headers)
    assert (refused.status, refused.error["key"]) == (403, "Origin")
    assert len(await world.events("space:created")) == 3
    assert (await init(world)).status == 200  # a program names no page
    assert (await world.call("POST", "/v1/spaces", body, token=world.pk)).status == 200


async def test_a_list_is_a_publishable_keys_holds_from_its_reply_on_and_is_recorded(world: World) -> None:
    other = "https://other.example.org"
    assert (await init(world, other)).status == 200
    await origins(world, PAGE)
    assert (await init(world, other)).status == 403
    await origins(world)
    assert (await init(world, other)).status == 200
    recorded = [json.loads(audit["detail"]) for audit in await world.audits("publishable_key:origins")]
    assert recorded == [{"origins": [PAGE]}, {"origins": []}]
    for key in (world.sk, "us_key_unknown"):
        with pytest.raises(NotFound):
            await world.db.read(lambda uow, key=key: auth.list_publishable_keys(uow, server(world), world.dev, key))


async def test_the_browser_is_told_before_it_sends_anything(world: World) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    reply = await init(world, "https://any.example.org", "OPTIONS", **asked)
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (204, "*")
    await origins(world, PAGE)
    reply = await init(world, PAGE, "OPTIONS", **asked)
    assert (reply.status, reply.headers["Access-Control-Allow-Origin"]) == (204, PAGE)
    assert "POST" in reply.headers["Access-Control-Allow-Methods"]
    refused = await init(world, "https://evil.example.org", "OPTIONS", **asked)
    assert refused.status == 403
    assert "Access-Control-Allow-Origin" not in refused.headers


# ---- spaces that nobody submits ------------------------------------------------------------------


async def sweep(world: World) -> int:
    return await world.db.write(space_jobs.sweep_spaces)


async def run_job(world: World, kind: str, operation: str, source: str, end: str = "complete") -> None:
    body = {"type": kind, "operation": operation, "source": source, "trigger": "immediate", "status": "executing"}
    job = (await world.call("POST", "/v1/jobs", body)).data["id"]
    assert (await world.call("POST", f"/v1/jobs/{job}/{end}", {})).status == 200


async def test_a_space_that_nobody_submits_expires_and_is_deleted_later(world: World) -> None:
    space = (await init(world)).data["space"]
    book = await make_book(world, space["id"])
    await insert(world, book["sheets"][0]["id"], "abandoned")
    path, token = f"/v1/spaces/{space['id']}", space["accessToken"]
    world.clock.advance(24 * HOUR - 1)
    assert await sweep(world) == 0
    assert (await world.call("GET", path, token=token)).status == 200
    world.clock.advance(1)
    assert await sweep(world) == 1
    assert (await world.call("GET", path, token=token)).status == 401
    (event,) = await world.events("space:expired")
    assert event["space_id"] == space["id"]
    assert len(await world.audits("space:expire")) == 1
    expired = (await world.call("GET", path)).data
    assert expired["expiredAt"] == "2027-01-16T08:00:00.000Z"
    assert not {"accessToken", "guestLink"} & set(expired)
    assert [each["expiredAt"] for each in (await world.call("GET", "/v1/spaces")).data] == [expired["expiredAt"]]
    assert await sweep(world) == 0
    world.clock.advance(7 * DAY)
    assert await sweep(world) == 1
    assert (await world.call("GET", path)).status == 404
    assert len(await world.events("space:deleted")) == 1
    assert (await used(world))["rows"] == 0


async def test_any_job_that_completed_but_configuration_keeps_a_space(world: World) -> None:
    cases = [
        ("workbook", "submit", "complete", True),
        ("space", "done", "complete", True),
        ("space", "configure", "complete", False),
        ("workbook", "submit", "fail", False),
    ]
    spaces = []
    for kind, operation, end, _ in cases:
        spaces.append((await init(world)).data["space"]["id"])
        book = await make_book(world, spaces[-1])
        await run_job(world, kind, operation, spaces[-1] if kind == "space" else book["id"], end)
    for _ in range(2):
        world.clock.advance(24 * HOUR)
        await sweep(world)
    replies = [await world.call("GET", f"/v1/spaces/{space}") for space in spaces]
    assert ["expiredAt" not in reply.data for reply in replies] == [kept for *_, kept in cases]
    assert {event["space_id"] for event in await world.events("space:expired")} == set(spaces[2:])


async def test_only_spaces_of_publishable_keys_expire_in_short_turns_by_whoever_comes(world: World) -> None:
    await make_book(world)
    body = {"name": "S", "environmentId": world.dev}
    assert (await world.call("POST", "/v1/spaces", body, token=world.pk)).status == 200
    for _ in range(space_jobs.BATCH + 2):
        assert (await init(world)).status == 200
    world.clock.advance(24 * HOUR)
    turns = await asyncio.gather(*[sweep(world) for _ in range(3)])
    assert sum(turns) == space_jobs.BATCH + 3
    assert max(turns) <= space_jobs.BATCH
    assert len({event["space_id"] for event in await world.events("space:expired")}) == space_jobs.BATCH + 3


# ---- open streams --------------------------------------------------------------------------------


async def test_so_many_streams_and_polls_are_open_at_a_time(world: World) -> None:
    await limit(world, streams=1)
    await world.app.stream_limits.refresh()
    granted = (await world.call("GET", "/v1/subscription", params={"scope": world.dev})).data
    channel = f"environment.{world.dev}"
    newest = await world.db.read(lambda uow: events.find_newest_position(uow, world.dev))

    async def begin() -> Reply:
        query = {"auth": granted["token"], "tt": str(FIRST_TIME + newest)}
        return await world.call("GET", f"/v2/subscribe/x/{channel}/0", token="", params=query)

    first = asyncio.create_task(begin())
    while world.app.hub.open_streams(world.dev) == 0 and not first.done():
        await asyncio.sleep(0.01)
    if first.done():
        raise AssertionError((await first).body)
    refused = await begin()
    assert refused.status == 429
    assert f"sheetport env limits {world.dev} --set streams=" in refused.body["message"]
    stream = await world.call("GET", "/v1/events/stream")
    assert (stream.status, stream.error["key"], stream.headers["Retry-After"]) == (429, "streams", "10")
    assert world.app.hub.open_streams(world.dev) == 1
    world.app.hub.stop_waiting()
    assert (await first).status == 200
    assert world.app.hub.open_streams(world.dev) == 0
