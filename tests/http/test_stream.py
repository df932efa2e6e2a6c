"""Our own stream of server-sent events: what it sends, byte for byte, resuming, rights, gaps, ends, slow readers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from sheetport.features.accounts import service as accounts
from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind, Minted
from sheetport.features.events import service as events
from sheetport.features.places.model import Place
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import DAY, HOUR
from sheetport.runtime import followers
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import World

SOON = 10.0


class Reader:
    """A client of the stream. ``gate`` shut, it takes nothing of what is sent."""

    def __init__(self, world: World, query: str = "", token: str = "", last: str = "") -> None:
        self._world = world
        headers = [(b"authorization", f"Bearer {token or world.sk}".encode())]
        headers += [(b"last-event-id", last.encode())] if last else []
        self._scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": "/v1/events/stream", "raw_path": b"/v1/events/stream", "root_path": "", "headers": headers,
            "query_string": query.encode(), "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
        }  # fmt: skip
        self.gate, self._gone, self._came = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.gate.set()
        self._asked = False
        self.start: dict[str, Any] = {}
        self.text = ""
        self.ended = False
        self.task = asyncio.create_task(world.app(self._scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: dict[str, Any]) -> None:
        await self.gate.wait()
        if message["type"] == "http.response.start":
            self.start = message
        else:
            self.text += message.get("body", b"").decode()
            self.ended = not message.get("more_body", False)
        self._came.set()

    async def until(self, count: int) -> list[dict[str, str]]:
        """The blocks that came, once there are ``count``, as their fields."""
        async with asyncio.timeout(SOON):
            while len(self.blocks()) < count:
                self._came.clear()
                await self._came.wait()
        return self.blocks()

    async def events(self, count: int) -> list[dict[str, str]]:
        """The blocks with data, once there are ``count``."""
        async with asyncio.timeout(SOON):
            while len(found := [block for block in self.blocks() if "data" in block]) < count:
                self._came.clear()
                await self._came.wait()
        return found

    def blocks(self) -> list[dict[str, str]]:
        whole = self.text.split("\n\n")[:-1]
        return [dict(line.split(": ", 1) for line in block.split("\n") if ": " in line[1:]) for block in whole]

    async def end(self) -> None:
        """Return once the server has ended the stream by itself."""
        await asyncio.wait({self.task}, timeout=SOON)
        assert self.ended, self.text

    async def hang_up(self) -> None:
        self._gone.set()
        self.gate.set()
        await asyncio.wait({self.task}, timeout=SOON)
        self.task.result()


@asynccontextmanager
async def reading(world: World, *args: str, **more: str) -> AsyncIterator[Reader]:
    """A reader whose stream has begun, once the log stands still; it hangs up in the end."""
    await numbered(world)
    reader = Reader(world, *args, **more)
    try:
        await reader.until(1)
        yield reader
    finally:
        await reader.hang_up()


async def emit(world: World, topic: str = "file:created", place: Place | None = None, **payload: Any) -> str:
    """Write one event, by default of the development environment; its id."""
    at = place or Place(world.dev, world.dev, "env", world.account_id)
    return await world.db.write(lambda uow: _id(events.emit(uow, system_actor(world.account_id), topic, at, payload)))


async def _id(emitting: Any) -> str:
    return str((await emitting).id)


async def numbered(world: World) -> int:
    """The position of the newest event of the development environment, once every event has one."""
    while True:
        found = [event["position"] for event in await world.events() if event["environment_id"] == world.dev]
        if None not in found:
            return max(found, default=0)
        await asyncio.sleep(0.01)


async def new_space(world: World, name: str = "space") -> dict[str, Any]:
    reply = await world.call("POST", "/v1/spaces", {"name": name, "environmentId": world.dev})
    assert reply.status == 200, reply.body
    return dict(reply.data)


def ids(blocks: list[dict[str, str]]) -> list[str]:
    return [json.loads(block["data"])["id"] for block in blocks if "data" in block]


async def test_an_event_is_sent_byte_for_byte_as_the_log_gives_it(world: World) -> None:
    at = await numbered(world)
    async with reading(world) as reader:
        assert (reader.start["status"], reader.text) == (200, f"retry: 2000\nid: {at}\n\n")
        headers = dict(reader.start["headers"])
        assert headers[b"content-type"] == b"text/event-stream; charset=utf-8"
        assert (headers[b"cache-control"], headers[b"x-accel-buffering"]) == (b"no-store", b"no")
        event = await emit(world, name="Zoë\n\nid: 1")
        await reader.events(1)
        logged = (await world.call("GET", f"/v1/events/{event}")).data
        sent = reader.text.split("\n\n", 1)[1]
        head, data = sent.removesuffix("\n\n").split("\ndata: ")
        assert head == f"id: {at + 1}\nevent: file:created"
        assert json.loads(data) == logged
        assert list(json.loads(data)) == list(logged)


async def test_a_reader_that_was_away_gets_what_it_missed(world: World) -> None:
    at = await numbered(world)
    missed = [await emit(world, number=number) for number in range(3)]
    await numbered(world)
    for query, header in (("", str(at)), (f"lastEventId={at}", ""), ("lastEventId=0", str(at))):
        async with reading(world, query, last=header) as reader:
            assert ids(await reader.events(3)) == missed
    async with reading(world, last=str(at)) as reader:
        await reader.events(3)
        missed.append(await emit(world))
        assert ids(await reader.events(4)) == missed


async def test_a_long_absence_is_made_good_in_order(world: World) -> None:
    at = await numbered(world)
    missed = [await emit(world, number=number) for number in range(230)]
    await numbered(world)
    async with reading(world, last=str(at)) as reader:
        blocks = await reader.events(230)
    assert ids(blocks) == missed
    assert [int(block["id"]) for block in blocks] == list(range(at + 1, at + 231))


async def test_streams_ask_for_a_topic_a_domain_or_a_space(world: World) -> None:
    space, beside = await new_space(world), await new_space(world, "beside")
    here, there = (Place(world.dev, one["id"], "sp", world.account_id, one["id"]) for one in (space, beside))
    await numbered(world)
    queries = ("topic=job:ready", "domain=file", f"spaceId={space['id']}", f"environmentId={world.dev}")
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(reading(world, query)) for query in queries]
        made = [await emit(world, topic, at) for topic, at in (("job:ready", there), ("file:created", here))]
        for reader, wanted in zip(readers, ([made[0]], [made[1]], [made[1]], made), strict=True):
            assert ids(await reader.events(len(wanted))) == wanted


async def test_a_space_token_sees_its_own_space_only(world: World) -> None:
    space, beside = await new_space(world), await new_space(world, "beside")
    here, there = (Place(world.dev, one["id"], "sp", world.account_id, one["id"]) for one in (space, beside))
    await numbered(world)
    async with reading(world, token=space["accessToken"]) as reader:
        await emit(world, place=there)
        await emit(world)
        mine = await emit(world, place=here)
        assert ids(await reader.events(1)) == [mine]
    refused = await world.call("GET", f"/v1/events/stream?spaceId={beside['id']}", token=space["accessToken"])
    assert refused.status == 404


async def test_a_user_follows_each_environment_of_the_account_by_name(world: World) -> None:
    reply = await world.call("GET", "/v1/events/stream", token=world.pat)
    assert (reply.status, reply.error["key"]) == (400, "environmentId")
    assert (
        await world.call("GET", f"/v1/events/stream?environmentId={world.other_env}", token=world.pat)
    ).status == 404
    async with reading(world, f"environmentId={world.dev}", token=world.pat) as reader:
        event = await emit(world)
        assert ids(await reader.events(1)) == [event]


async def test_what_cannot_be_followed_is_said(world: World) -> None:
    for query, status, key in (
        ("lastEventId=x", 400, "lastEventId"),
        ("lastEventId=-1", 400, "lastEventId"),
        ("lastEventId=1234567890123456789", 400, "lastEventId"),
        ("topic=job:redy", 400, "topic"),
        ("domain=jobs", 400, "domain"),
        (f"environmentId={world.prod}", 404, "environmentId"),
        ("spaceId=us_sp_absent", 404, "spaceId"),
    ):
        reply = await world.call("GET", f"/v1/events/stream?{query}")
        assert (reply.status, reply.error["key"]) == (status, key), query


async def test_a_page_of_another_origin_may_read_the_stream(world: World) -> None:
    here = await world.call("GET", "/v1/events/stream", headers={"Origin": "https://example.com"})
    assert (here.status, here.headers["access-control-allow-origin"]) == (200, "*")
    assert "access-control-allow-origin" not in (await world.call("GET", "/v1/events/stream")).headers


async def test_an_archived_space_has_no_stream(world: World) -> None:
    space = await new_space(world)
    await world.call("POST", f"/v1/spaces/{space['id']}/archive")
    reply = await world.call("GET", f"/v1/events/stream?spaceId={space['id']}")
    assert (reply.status, reply.error["key"]) == (409, "spaceId")


async def test_a_revoked_key_ends_its_stream_and_no_other(world: World) -> None:
    minted = await world.db.write(lambda uow: _new_key(uow, world))
    async with reading(world, token=minted.token) as cut, reading(world) as kept:
        await numbered(world)
        await world.db.write(
            lambda uow: auth.revoke_credential(uow, system_actor(world.account_id), minted.credential.id)
        )
        event = await emit(world)
        assert event in ids(await kept.events(2))  # the other tells of the revocation
        await cut.end()
        assert event not in cut.text
        assert cut.text.endswith(": The subscription has ended: its token was revoked, or what it follows is gone.\n\n")
        assert not kept.ended


async def _new_key(uow: UnitOfWork, world: World) -> Minted:
    return await auth.mint(
        uow, system_actor(world.account_id), CredentialKind.SECRET_KEY, "key", environment_id=world.dev
    )


async def test_a_deleted_environment_ends_its_streams(world: World) -> None:
    async with reading(world) as reader:
        assert (await world.call("DELETE", f"/v1/environments/{world.dev}")).status == 200
        await reader.end()


async def test_a_stream_ends_with_its_token(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "HEARTBEAT_SECONDS", 0.05)
    space = await new_space(world)
    async with reading(world, token=space["accessToken"]) as reader:
        world.clock.advance(25 * HOUR)
        await reader.end()
        assert reader.text.endswith(": The token has expired.\n\n")


async def test_a_quiet_stream_beats_and_moves_the_place_to_resume_from(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(followers, "HEARTBEAT_SECONDS", 0.05)
    async with reading(world, "topic=job:ready") as reader:
        await emit(world)
        at = await numbered(world)
        async with asyncio.timeout(SOON):
            while not reader.text.endswith(f":\nid: {at}\n\n"):
                await asyncio.sleep(0.01)
        assert "data" not in reader.text


async def test_a_gap_is_said_before_anything_else(world: World) -> None:
    lost = await emit(world)
    await numbered(world)
    world.clock.advance(9 * DAY)
    await emit(world)
    kept = [await emit(world), await emit(world)]
    newest = await numbered(world)
    await world.db.write(lambda uow: events.sweep_batch(uow, world.dev, 7))
    assert (await world.call("GET", f"/v1/events/{lost}")).status == 404
    async with reading(world, last="1") as reader:
        gap, *rest = await reader.events(4)
    assert (gap["event"], int(gap["id"])) == ("gap", newest - 3)
    assert json.loads(gap["data"])["lastEventId"] == "1"
    assert json.loads(gap["data"])["resumedAt"] == str(newest - 3)
    assert ids(rest)[1:] == kept
    async with reading(world, last=str(newest - 3)) as reader:
        assert "gap" not in [block["event"] for block in await reader.events(3)]


async def test_a_place_beyond_the_log_is_a_gap_too(world: World) -> None:
    at = await numbered(world)
    async with reading(world, last=str(at + 500)) as reader:
        (gap,) = await reader.events(1)
        assert (gap["event"], gap["id"]) == ("gap", str(at))
        event = await emit(world)
        assert ids((await reader.events(2))[1:]) == [event]


async def test_a_slow_reader_holds_little_and_misses_nothing(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(followers, "HELD_BYTES", 4_000)
    async with reading(world) as reader:
        reader.gate.clear()
        wanted = [await emit(world, number=number) for number in range(120)]
        await numbered(world)
        await asyncio.sleep(0.1)
        (tail,) = [f for feed in world.app.hub._every_feed() for f in feed.followers]
        assert isinstance(tail, followers.Tail)
        assert sum(map(len, tail._chunks)) < 5_000
        reader.gate.set()
        assert ids(await reader.events(120)) == wanted


async def test_one_commit_is_encoded_once_for_all_streams(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await numbered(world)
    encoded = []
    encode = followers.tail_event
    monkeypatch.setattr(followers, "tail_event", lambda event: encoded.append(event) or encode(event))
    async with AsyncExitStack() as stack:
        readers = [await stack.enter_async_context(reading(world)) for _ in range(20)]
        await emit(world)
        for reader in readers:
            await reader.events(1)
    assert len(encoded) == 1


async def test_open_streams_are_counted_by_environment(world: World) -> None:
    hub = world.app.hub
    async with reading(world), reading(world, token=world.sk_prod):
        async with reading(world):
            assert (hub.open_streams(world.dev), hub.open_streams(world.prod), hub.count_waiting()) == (2, 1, 3)
        assert (hub.open_streams(world.dev), hub.open_streams(world.prod)) == (1, 1)
    assert (hub.open_streams(world.dev), hub.count_waiting(), hub._feeds) == (0, 0, {})


async def test_a_stop_ends_streams_after_what_they_hold(world: World) -> None:
    async with reading(world) as reader:
        world.app.stop_waiting()
        await reader.end()
    late = Reader(world)
    await late.end()
    assert late.start["status"] == 200


async def test_a_bump_of_another_account_leaves_a_stream_alone(world: World) -> None:
    async with reading(world) as reader:
        await world.db.write(lambda uow: accounts.bump_generation(uow, world.other_account_id))
        event = await emit(world)
        assert ids(await reader.events(1)) == [event]
