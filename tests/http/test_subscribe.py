"""The stream as PubNub's clients speak it: shapes byte for byte, delivery, resuming, refusals, who is listening."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from sheetport.features.accounts import service as accounts
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind, Minted
from sheetport.features.events import service as events
from sheetport.features.events.model import ListenerRow
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import MINUTE
from sheetport.runtime.hub import Hub
from sheetport.storage.tables.events import listeners
from sheetport.storage.tables.spaces import spaces
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import World

FIRST = 17_000_000_000_000_000
KEY = "sub-c-sheetport"
SOON = 10.0


@pytest.fixture
async def short(world: World) -> World:
    """A world whose polls are held for a moment only."""
    world.app.hub._hold = 0.2
    return world


async def granted(world: World, scope: str | None = None, token: str | None = None) -> str:
    reply = await world.call("GET", f"/v1/subscription?scope={scope or world.dev}", token=token)
    assert reply.status == 200, reply.body
    return str(reply.data["token"])


async def poll(world: World, token: str, tt: str | int = "", channel: str | None = None, **more: str) -> httpx.Response:
    params = {"uuid": "us_acc_x", "heartbeat": "300", "pnsdk": "PubNub-JS-Nodejs/8.10.0", "auth": token, **more}
    if tt != "":
        params |= {"tt": str(tt), "tr": "1"}
    name = channel or f"environment.{world.dev}"
    async with asyncio.timeout(SOON):
        return await world.client.get(f"/v2/subscribe/{KEY}/{name}/0", params=params)


async def emit(world: World, topic: str = "file:created", space: str | None = None, **payload: Any) -> str:
    """Write one event of the development environment; its id."""

    async def write(uow: UnitOfWork) -> str:
        place = Place(world.dev, space or world.dev, "sp" if space else "env", world.account_id, space)
        return (await events.emit(uow, system_actor(world.account_id), topic, place, payload)).id

    return await world.db.write(write)


async def numbered(world: World) -> int:
    """The position of the newest event, once every event has one."""
    while True:
        found = [event["position"] for event in await world.events() if event["environment_id"] == world.dev]
        if None not in found:
            return max(found)
        await asyncio.sleep(0.01)


async def add_space(world: World, space_id: str) -> None:
    """A space as far as subscriptions see one."""
    row = {column.name: None for column in spaces.columns} | {
        "environment_id": world.dev, "id": space_id, "account_id": world.account_id, "name": "space",
        "auto_configure": False, "is_app_template": False, "is_collaborative": False, "workbooks_count": 0,
        "files_count": 0, "token_generation": 0, "created_at": world.clock.now(), "updated_at": world.clock.now(),
    }  # fmt: skip

    async def write(uow: UnitOfWork) -> None:
        await uow.execute(spaces.insert().values(row))
        await places.add_place(uow, Place(world.dev, space_id, "sp", world.account_id, space_id))

    await world.db.write(write)


async def waiting(world: World, count: int = 1) -> None:
    """Return once ``count`` polls are held."""
    for _ in range(500):
        if sum(len(feed.followers) for feed in world.app.hub._every_feed()) == count:
            await asyncio.sleep(0.05)  # the look that a poll begins with is over
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{count} polls are not held")


async def rows(world: World) -> list[dict[str, Any]]:
    async def read(uow: UnitOfWork) -> list[dict[str, Any]]:
        found = await uow.fetch_all(select(listeners).order_by(listeners.c.id))
        return [{name: row[name] for name in ("environment_id", "scope", "name", "process")} for row in found]

    return await world.db.read(read)


async def until_rows(world: World, count: int) -> list[dict[str, Any]]:
    for _ in range(300):
        found = await rows(world)
        if len(found) == count:
            return found
        await asyncio.sleep(0.01)
    raise AssertionError(f"{count} listeners expected, there are {found}")


async def test_a_subscription_says_how_to_follow_and_for_how_long(world: World) -> None:
    for path in (f"/v1/subscription?scope={world.dev}", "/v1/subscription",
                 f"/v1/environments/subscription-token?environmentId={world.dev}"):  # fmt: skip
        reply = await world.call("GET", path)
        assert reply.status == 200
        token = reply.data.pop("token")
        assert reply.data == {"accountId": world.account_id, "subscribeKey": KEY, "ttl": 60}
        assert (await poll(world, token)).status_code == 200


async def test_subscriptions_are_given_for_what_the_caller_reaches(world: World) -> None:
    for scope in (world.prod, world.other_env, "us_sp_absent", "us_env_absent"):
        reply = await world.call("GET", f"/v1/subscription?scope={scope}")
        assert reply.status == 404
    assert (await world.call("GET", f"/v1/environments/subscription-token?environmentId={world.prod}")).status == 404
    missing = await world.call("GET", "/v1/environments/subscription-token")
    assert (missing.status, missing.error["key"]) == (400, "environmentId")
    assert (await world.call("GET", f"/v1/subscription?scope={world.dev}", token=world.pk)).status == 403
    assert (await world.call("GET", f"/v1/subscription?scope={world.dev}", token="")).status == 401


async def test_a_space_token_follows_its_own_space_only(world: World) -> None:
    await add_space(world, "us_sp_one")
    await add_space(world, "us_sp_two")
    token = auth.mint_space_token(world.db.keys, "us_sp_one", 0, world.clock.now())
    for scope in (world.dev, "us_sp_two"):
        assert (await world.call("GET", f"/v1/subscription?scope={scope}", token=token)).status == 404
    own = await granted(world, "us_sp_one", token)
    at = FIRST + await numbered(world)
    await emit(world, space="us_sp_two")
    mine = await emit(world, space="us_sp_one")
    reply = (await poll(world, own, at, "space.us_sp_one")).json()
    assert [message["d"]["id"] for message in reply["m"]] == [mine]
    refused = await poll(world, own, at)
    assert (refused.status_code, refused.json()["message"]) == (403, "The subscription token is for another channel.")


async def test_a_subscription_token_is_no_bearer_token(world: World) -> None:
    token = await granted(world)
    assert (await world.call("GET", "/v1/environments", token=token)).status == 401


async def test_the_handshake_answers_the_newest_position_byte_for_byte(world: World) -> None:
    token, at = await granted(world), await numbered(world)
    for tt in ("", "0"):
        reply = await poll(world, token, tt)
        assert reply.headers["content-type"] == "application/json"
        assert reply.content == b'{"t":{"t":"%d","r":1},"m":[]}' % (FIRST + at)


async def test_a_message_byte_for_byte(world: World) -> None:
    token, at = await granted(world), await numbered(world)
    event_id = await emit(world, "job:ready", job="workbook:submitAction")
    reply = await poll(world, token, FIRST + at)
    tt = FIRST + at + 1
    assert reply.text == (
        f'{{"t":{{"t":"{tt}","r":1}},"m":[{{"a":"0","f":0,"p":{{"t":"{tt}","r":1}},"k":"sub-c-sheetport",'
        f'"c":"environment.{world.dev}","d":{{"id":"{event_id}","topic":"job:ready","domain":"job",'
        f'"context":{{"accountId":"{world.account_id}","environmentId":"{world.dev}","actorId":"system"}},'
        '"payload":{"job":"workbook:submitAction"},"createdAt":"2027-01-15T08:00:00.000Z"}}]}'
    )


async def test_an_event_reaches_everybody_who_waits_and_nobody_else(world: World) -> None:
    await add_space(world, "us_sp_one")
    here, space, elsewhere = (
        await granted(world), await granted(world, "us_sp_one"), await granted(world, world.prod, world.sk_prod)
    )  # fmt: skip
    at = FIRST + await numbered(world)
    held = [asyncio.ensure_future(poll(world, here, at)) for _ in range(3)]
    held.append(asyncio.ensure_future(poll(world, space, at, "space.us_sp_one")))
    other = asyncio.ensure_future(poll(world, elsewhere, FIRST + 1000, f"environment.{world.prod}"))
    await waiting(world, 5)
    event_id = await emit(world, space="us_sp_one")
    for reply in await asyncio.gather(*held):
        assert [message["d"]["id"] for message in reply.json()["m"]] == [event_id]
    assert not other.done()
    world.app.hub.stop_waiting()
    assert (await other).json()["m"] == []


async def test_a_reader_that_was_away_resumes_in_order_a_hundred_at_a_time(world: World) -> None:
    token, at = await granted(world), await numbered(world)
    wanted = [await emit(world, number=number) for number in range(130)]
    await numbered(world)
    tt, seen = str(FIRST + at), []
    for count in (100, 30):
        reply = (await poll(world, token, tt)).json()
        assert len(reply["m"]) == count
        assert reply["t"]["t"] == reply["m"][-1]["p"]["t"]
        tt = reply["t"]["t"]
        seen += [message["d"]["id"] for message in reply["m"]]
    assert seen == wanted


async def test_readers_far_apart_are_all_answered(world: World) -> None:
    token, at = await granted(world), FIRST + await numbered(world)
    wanted = [await emit(world, number=number) for number in range(105)]
    await numbered(world)
    channel, subscribe = f"environment.{world.dev}", world.app.hub.subscribe
    async with asyncio.timeout(SOON):
        bodies = await asyncio.gather(*(subscribe(token, channel, str(at + seen), "name") for seen in (0, 50, 103)))
    ids = [[message["d"]["id"] for message in json.loads(body)["m"]] for body in bodies]
    assert ids == [wanted[:100], wanted[50:100], wanted[103:]]


async def test_another_process_goes_on_from_the_same_time_token(world: World) -> None:
    token, at = await granted(world), await numbered(world)
    missed = await emit(world)
    restarted = Hub(world.db, auth.find_issuer, 1.0)
    body = json.loads(await restarted.subscribe(token, f"environment.{world.dev}", str(FIRST + at), "later"))
    assert [message["d"]["id"] for message in body["m"]] == [missed]


async def test_a_poll_without_news_ends_with_the_same_time_token(short: World) -> None:
    token, at = await granted(short), FIRST + await numbered(short)
    began = asyncio.get_running_loop().time()
    reply = await poll(short, token, at)
    assert reply.content == b'{"t":{"t":"%d","r":1},"m":[]}' % at
    assert asyncio.get_running_loop().time() - began >= 0.2


async def test_a_time_token_from_beyond_the_log_goes_on_from_now(short: World) -> None:
    token, at = await granted(short), FIRST + await numbered(short)
    assert (await poll(short, token, at + 5_000)).json()["t"]["t"] == str(at)


@pytest.mark.parametrize(
    "tt", ["x", "1", "16999999999999999", "170000000000000000", "-7000000000000000", "\uff11\uff17"]
)
async def test_a_time_token_that_is_none_is_refused(world: World, tt: str) -> None:
    reply = await poll(world, await granted(world), tt)
    assert (reply.status_code, reply.json()["error"], reply.json()["status"]) == (400, True, 400)


async def test_wrong_tokens_are_denied_in_the_clients_own_shape(world: World) -> None:
    token = await granted(world)
    for wrong in (
        "",
        "nonsense",
        world.sk,
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        token + "~x",
        "sst_~~~~~~",
    ):
        reply = await poll(world, wrong)
        assert reply.status_code == 403
        assert reply.content == (
            b'{"error":true,"message":"The subscription token is not valid or has expired; ask /v1/subscription for '
            b'another.","service":"Access Manager","status":403}'
        )
    assert (await poll(world, token, channel=f"environment.{world.prod}")).status_code == 403
    world.clock.advance(60 * MINUTE)
    assert (await poll(world, token)).status_code == 403


async def test_a_token_ends_with_the_key_it_was_given_for(world: World) -> None:
    async def mint(uow: UnitOfWork) -> Minted:
        return await auth.mint(
            uow, system_actor(world.account_id), CredentialKind.SECRET_KEY, "short-lived", environment_id=world.dev
        )

    async def revoke(uow: UnitOfWork) -> None:
        await auth.revoke_credential(uow, system_actor(world.account_id), minted.credential.id)
        await events.emit(uow, system_actor(world.account_id), "secret:created", place)

    minted = await world.db.write(mint)
    place = Place(world.dev, world.dev, "env", world.account_id)
    token, other = await granted(world, token=minted.token), await granted(world)
    at = FIRST + await numbered(world)
    cut, kept = (asyncio.ensure_future(poll(world, one, at)) for one in (token, other))
    await waiting(world, 2)
    await world.db.write(revoke)
    assert (await cut).status_code == 403
    told = [message["d"]["topic"] for message in (await kept).json()["m"]]
    assert told == ["api-key:revoked", "secret:created"]
    assert (await poll(world, token)).status_code == 403
    assert (await poll(world, token, at)).status_code == 403


async def test_a_revocation_without_an_event_cuts_too(world: World) -> None:
    minted = await world.db.write(
        lambda uow: auth.mint(
            uow, system_actor(world.account_id), CredentialKind.SECRET_KEY, "k", environment_id=world.dev
        )
    )
    token = await granted(world, token=minted.token)
    held = asyncio.ensure_future(poll(world, token, FIRST + await numbered(world)))
    await waiting(world)
    await world.db.write(lambda uow: auth.revoke_credential(uow, system_actor(world.account_id), minted.credential.id))
    assert (await held).status_code == 403


@pytest.mark.parametrize("end", ["archived", "deleted"])
async def test_a_space_that_ends_takes_its_channel_along(world: World, end: str) -> None:
    await add_space(world, "us_sp_one")
    token, at = await granted(world, "us_sp_one"), FIRST + await numbered(world)
    held = asyncio.ensure_future(poll(world, token, at, "space.us_sp_one"))
    await waiting(world)

    async def write(uow: UnitOfWork) -> None:
        place = Place(world.dev, "us_sp_one", "sp", world.account_id, "us_sp_one")
        await events.emit(uow, system_actor(world.account_id), f"space:{end}", place)
        if end == "archived":
            await uow.execute(update(spaces).where(spaces.c.id == "us_sp_one").values(archived_at=uow.now))
        else:
            await places.delete_place(uow, place)
        await accounts.bump_generation(uow, world.account_id)

    await world.db.write(write)
    assert (await held).status_code == 403
    again = await world.call("GET", "/v1/subscription?scope=us_sp_one")
    assert again.status == (409 if end == "archived" else 404)


async def test_a_deleted_environment_takes_its_channel_along(world: World) -> None:
    token, at = await granted(world), FIRST + await numbered(world)
    held = asyncio.ensure_future(poll(world, token, at))
    await waiting(world)
    await world.call("DELETE", f"/v1/environments/{world.dev}")
    assert (await held).status_code == 403


async def test_stopping_answers_every_poll_empty_at_once(world: World) -> None:
    token, at = await granted(world), FIRST + await numbered(world)
    held = asyncio.ensure_future(poll(world, token, at))
    await waiting(world)
    world.app.stop_waiting()
    for reply in (await held, await poll(world, token, at)):
        assert reply.content == b'{"t":{"t":"%d","r":1},"m":[]}' % at


async def test_a_listener_is_noted_when_it_comes_and_not_when_it_leaves(world: World) -> None:
    token, channel = await granted(world), f"environment.{world.dev}"
    tt = (await poll(world, token)).json()["t"]["t"]
    (row,) = await until_rows(world, 1)
    assert row["name"] == "PubNub-JS-Nodejs/8.10.0 (us_acc_x)"
    assert (row["environment_id"], row["scope"]) == (world.dev, world.dev)
    await emit(world)
    await poll(world, token, tt)
    assert await rows(world) == [row]
    path = f"/v2/presence/sub-key/{KEY}/channel/{channel}/leave"
    reply = await world.client.get(path, params={"uuid": "u", "auth": token})
    assert reply.content == b'{"status":200,"message":"OK","action":"leave","service":"Presence"}'
    await until_rows(world, 0)
    assert (await world.client.get(path, params={"auth": "nonsense"})).status_code == 403


async def test_a_listener_that_stays_away_is_forgotten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sheetport.runtime.presence.GONE_SECONDS", 0.2)
    await poll(world, await granted(world))
    await until_rows(world, 1)
    await until_rows(world, 0)


async def test_a_start_forgets_what_ended_processes_of_this_host_left(world: World) -> None:
    here = world.app.hub.presence._process.rpartition(":")[0]
    row = ListenerRow(world.dev, "a", world.dev, "name", f"{here}:{2**22 + 1}", 0)
    await world.db.write(
        lambda uow: events.record_listeners(uow, [row, replace(row, id="b", process="elsewhere:1")], [])
    )
    await world.app.hub.presence.stop()
    await world.app.hub.presence.start()
    assert [left["process"] for left in await rows(world)] == ["elsewhere:1"]


async def test_a_waiting_subscriber_costs_no_statement(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    token, at = await granted(world), FIRST + await numbered(world)
    held = asyncio.ensure_future(poll(world, token, at))
    await waiting(world)
    await until_rows(world, 1)

    async def counted(*_: Any, **__: Any) -> None:
        raise AssertionError("the database was asked")

    with monkeypatch.context() as patched:
        patched.setattr(world.db, "read", counted)
        patched.setattr(world.db, "write", counted)
        await asyncio.sleep(0.3)
        assert not held.done()
    world.app.stop_waiting()
    assert (await held).status_code == 200


async def test_a_caller_that_goes_away_leaves_nothing_behind(world: World) -> None:
    token, at = await granted(world), FIRST + await numbered(world)
    held = asyncio.ensure_future(poll(world, token, at))
    await waiting(world)
    held.cancel()
    await waiting(world, 0)
    assert world.app.hub._feeds == {}


async def test_time_and_heartbeat_answer_as_the_clients_expect(world: World) -> None:
    reply = await world.client.get("/time/0")
    assert reply.content == b"[18000000000000000]"
    path = f"/v2/presence/sub-key/{KEY}/channel/environment.{world.dev}/heartbeat"
    reply = await world.client.get(path, params={"auth": await granted(world)})
    assert reply.content == b'{"status":200,"message":"OK","service":"Presence"}'
    assert (await world.client.get(path)).status_code == 403
