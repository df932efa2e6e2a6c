"""The log over HTTP: what is listed in which order, making and acknowledging events, isolation, refusals."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sheetport.features.auth import service as auth
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.kernel.actor import system_actor
from sheetport.storage.tables.spaces import spaces as space_rows
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import World

SPACE, OTHER_SPACE, BOOK, SHEET = "us_sp_one", "us_sp_two", "us_wb_one", "us_sh_one"


@pytest.fixture
async def spaces(world: World) -> World:
    """A world with two spaces, the first with a workbook of one sheet; its events are numbered."""

    async def write(uow: UnitOfWork) -> None:
        for space in (SPACE, OTHER_SPACE):
            await places.add_place(uow, Place(world.dev, space, "sp", world.account_id, space, namespace="red"))
        await places.add_place(uow, Place(world.dev, BOOK, "wb", world.account_id, SPACE, BOOK))
        await places.add_place(uow, Place(world.dev, SHEET, "sh", world.account_id, SPACE, BOOK, SHEET, "contacts"))

    await world.db.write(write)
    while any(event["position"] is None for event in await world.events()):
        await asyncio.sleep(0.01)
    return world


async def emit(world: World, topic: str, place_id: str | None = None, **more: Any) -> str:
    """Write an event of the server's own and wait until it is in the log; its id."""

    async def write(uow: UnitOfWork) -> str:
        actor = system_actor(world.account_id)
        place = await places.find_place(uow, actor, place_id or world.dev)
        assert place is not None
        return (await events.emit(uow, actor, topic, place, **more)).id

    event_id = await world.db.write(write)
    return await logged(world, event_id)


async def logged(world: World, event_id: str) -> str:
    while (await world.call("GET", f"/v1/events/{event_id}")).status == 404:
        pass
    return event_id


async def listed(world: World, query: str = "", token: str | None = None) -> list[str]:
    reply = await world.call("GET", f"/v1/events?pageSize=100&{query}", token=token)
    assert reply.status == 200, reply.body
    assert reply.body.keys() == {"data"}
    return [event["id"] for event in reply.data]


def config(world: World, **changes: Any) -> dict[str, Any]:
    context = {"accountId": world.account_id, "environmentId": world.dev, **changes.pop("context", {})}
    return {"topic": "job:updated", "domain": "job", "context": context, "payload": {"a": 1}, **changes}


async def test_events_are_listed_oldest_first_ten_at_a_time(spaces: World) -> None:
    before = await listed(spaces)
    made = [await emit(spaces, "file:created") for _ in range(12)]
    everything = before + made
    assert await listed(spaces) == everything
    first = await spaces.call("GET", "/v1/events")
    second = await spaces.call("GET", "/v1/events?pageNumber=2")
    assert [event["id"] for event in first.data] == everything[:10]
    assert [event["id"] for event in second.data] == everything[10:20]


async def test_an_event_has_the_whole_context_of_its_place(spaces: World) -> None:
    event_id = await emit(spaces, "commit:created", SHEET, data_url="v1/x?y=1", context={"commitId": "us_vr_1"})
    reply = await spaces.call("GET", f"/v1/events/{event_id}")
    assert reply.data == {
        "id": event_id,
        "topic": "commit:created",
        "domain": "workbook",
        "context": {
            "accountId": spaces.account_id,
            "environmentId": spaces.dev,
            "spaceId": SPACE,
            "workbookId": BOOK,
            "sheetId": SHEET,
            "sheetSlug": "contacts",
            "actorId": "system",
            "commitId": "us_vr_1",
        },
        "payload": {},
        "createdAt": "2027-01-15T08:00:00.000Z",
        "dataUrl": "v1/x?y=1",
        "namespaces": ["space:red"],
    }


async def test_filters_narrow_the_list(spaces: World) -> None:
    old = await listed(spaces)
    spaces.clock.advance(1_000)
    one = await emit(spaces, "file:created", SPACE)
    two = await emit(spaces, "job:ready", OTHER_SPACE)
    three = await emit(spaces, "job:updated", SPACE)
    assert await listed(spaces, f"spaceId={SPACE}") == [one, three]
    assert await listed(spaces, "domain=job") == [two, three]
    assert await listed(spaces, "topic=job:ready") == [two]
    assert await listed(spaces, f"since={one}") == [two, three]
    for moment in ("2027-01-15T08:00:01Z", "2027-01-15T08:00:01.000%2B00:00", "2027-01-15T09:00:01+01:00"):
        assert await listed(spaces, f"since={moment}") == [one, two, three]
    assert await listed(spaces, f"environmentId={spaces.dev}") == [*old, one, two, three]


async def test_what_is_acknowledged_is_left_out_unless_asked_for(spaces: World) -> None:
    event_id = await emit(spaces, "file:created", SPACE)
    for _ in range(2):
        reply = await spaces.call("POST", f"/v1/events/{event_id}/ack")
        assert (reply.status, reply.body) == (200, {"data": {"success": True}})
    assert await listed(spaces, f"spaceId={SPACE}") == []
    assert await listed(spaces, f"spaceId={SPACE}&includeAcknowledged=true") == [event_id]
    event = (await spaces.call("GET", f"/v1/events/{event_id}")).data
    assert event["acknowledgedAt"] == "2027-01-15T08:00:00.000Z"
    (audit,) = await spaces.audits("event:acknowledge")
    assert (audit["target"], audit["actor_id"]) == (event_id, event["acknowledgedBy"])


async def test_a_caller_writes_an_event_with_its_real_context(spaces: World) -> None:
    wanted = config(
        spaces,
        context={"accountId": "us_acc_lie", "sheetId": SHEET, "actorId": "us_usr_lie", "actionName": "book:go"},
        namespaces=["space:blue"], target="t", origin={"id": "o", "slug": None}, callbackUrl="/c",
        attributes={"progress": {"current": 1}}, deletedAt=None, unknown=1,
    )  # fmt: skip
    reply = await spaces.call("POST", "/v1/events", wanted)
    assert reply.status == 200
    event = reply.data
    key = (await spaces.audits("event:create"))[0]
    assert (key["target"], key["actor_kind"]) == (event["id"], "secret_key")
    assert event["context"] == {
        "accountId": spaces.account_id, "environmentId": spaces.dev, "spaceId": SPACE, "workbookId": BOOK,
        "sheetId": SHEET, "sheetSlug": "contacts", "actorId": key["actor_id"], "actionName": "book:go",
    }  # fmt: skip
    assert (event["namespaces"], event["target"], event["payload"]) == (["space:blue"], "t", {"a": 1})
    await logged(spaces, event["id"])
    assert (await spaces.call("GET", f"/v1/events/{event['id']}")).data == event


@pytest.mark.parametrize(
    ("changes", "status", "key"),
    [
        ({"topic": "made:up"}, 400, "topic"),
        ({"topic": 5}, 400, "topic"),
        ({"domain": "made-up"}, 400, "domain"),
        ({"payload": None}, 400, "payload"),
        ({"payload": [1]}, 400, "payload"),
        ({"context": {"environmentId": 7}}, 400, "context"),
        ({"context": {"environmentId": "us_env_absent"}}, 404, "environmentId"),
        ({"context": {"spaceId": "us_sp_absent"}}, 404, "spaceId"),
        ({"context": {"spaceId": OTHER_SPACE, "sheetId": SHEET}}, 404, "context"),
    ],
)
async def test_an_event_that_cannot_be_is_refused(
    spaces: World, changes: dict[str, Any], status: int, key: str
) -> None:
    before = len(await spaces.events())
    reply = await spaces.call("POST", "/v1/events", config(spaces, **changes))
    assert (reply.status, reply.error["key"]) == (status, key)
    assert len(await spaces.events()) == before


async def test_another_environment_or_account_sees_nothing(spaces: World) -> None:
    event_id = await emit(spaces, "file:created", SPACE)
    for token in (spaces.sk_prod, spaces.sk_other):
        for method, path in (("GET", f"/v1/events/{event_id}"), ("POST", f"/v1/events/{event_id}/ack")):
            reply = await spaces.call(method, path, token=token)
            assert (reply.status, reply.error["key"]) == (404, "eventId")
        for query in (f"environmentId={spaces.dev}", f"spaceId={SPACE}", f"since={event_id}"):
            assert (await spaces.call("GET", f"/v1/events?{query}", token=token)).status == 404
        assert event_id not in await listed(spaces, token=token)
        assert (await spaces.call("POST", "/v1/events", config(spaces), token=token)).status == 404
    assert (await spaces.call("GET", "/v1/events", token=spaces.pk)).status == 403


async def test_a_space_token_sees_its_own_space(spaces: World) -> None:
    mine, other = await emit(spaces, "file:created", SHEET), await emit(spaces, "file:created", OTHER_SPACE)
    place = Place(spaces.dev, SPACE, "sp", spaces.account_id, SPACE)
    token = await space_token(spaces, place)
    assert await listed(spaces, token=token) == [mine]
    assert (await spaces.call("GET", f"/v1/events/{other}", token=token)).status == 404
    assert (await spaces.call("GET", f"/v1/events?spaceId={OTHER_SPACE}", token=token)).status == 404
    assert (await spaces.call("POST", "/v1/events", config(spaces), token=token)).status == 403


async def space_token(world: World, place: Place) -> str:
    """A space's token; the space has the row that tokens stand on."""
    table = space_rows
    row = {column.name: None for column in table.columns} | {
        "environment_id": world.dev, "id": place.id, "account_id": world.account_id, "name": "space",
        "auto_configure": False, "is_app_template": False, "is_collaborative": False, "workbooks_count": 0,
        "files_count": 0, "token_generation": 0, "created_at": 0, "updated_at": 0,
    }  # fmt: skip
    await world.db.write(lambda uow: uow.execute(table.insert().values(row)))
    return auth.mint_space_token(world.db.keys, place.id, 0, world.clock.now())


@pytest.mark.parametrize("since", ["yesterday", "2027-13-01T00:00:00Z", "99999999999999999999"])
async def test_a_since_that_is_no_time_is_refused(spaces: World, since: str) -> None:
    reply = await spaces.call("GET", f"/v1/events?since={since}")
    assert (reply.status, reply.error["key"]) == (400, "since")


async def test_an_event_is_not_in_the_log_of_a_deleted_environment(spaces: World) -> None:
    event_id = await emit(spaces, "file:created", SPACE)
    await spaces.call("DELETE", f"/v1/environments/{spaces.dev}")
    assert (await spaces.call("GET", f"/v1/events/{event_id}", token=spaces.sk_prod)).status == 404
