"""Who begins to wait while a look at the channel lasts, as it does on PostgreSQL, misses nothing by it."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from sheetport.features.auth import service as auth
from sheetport.features.events import service as events
from sheetport.features.places.model import Place
from sheetport.kernel.actor import system_actor
from sheetport.runtime.hub import Hub
from sheetport.storage.unit_of_work import Database, UnitOfWork
from worlds import World

SECONDS = 10.0


class SlowReads:
    """The database, with reads that have their result and hand it out when ``gate`` is open."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self.gate, self.read_once = asyncio.Event(), asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)

    async def read(self, work: Any, *, heavy: bool = False) -> Any:
        result = await self._db.read(work, heavy=heavy)
        self.read_once.set()
        await self.gate.wait()
        return result


async def add_events(world: World, count: int) -> str:
    """Write events of the development environment; the time token behind the last, once all have positions."""

    async def write(uow: UnitOfWork) -> None:
        place = Place(world.dev, world.dev, "env", world.account_id)
        for _ in range(count):
            await events.emit(uow, system_actor(world.account_id), "file:created", place, {})

    await world.db.write(write)
    while any(event["position"] is None for event in await world.events()):
        await asyncio.sleep(0.01)
    return str(
        17_000_000_000_000_000 + max(e["position"] for e in await world.events() if e["environment_id"] == world.dev)
    )


@pytest.mark.parametrize("other_issuer", [False, True])
async def test_a_latecomer_gets_what_lies_before_the_look_it_met(world: World, other_issuer: bool) -> None:
    keys = [world.sk, world.pat if other_issuer else world.sk]
    tokens = [(await world.call("GET", f"/v1/subscription?scope={world.dev}", token=key)).data["token"] for key in keys]
    behind = await add_events(world, 1)
    ahead = await add_events(world, 3)
    await add_events(world, 2)
    slow = SlowReads(world.db)
    hub = Hub(slow, auth.find_issuer, SECONDS)
    channel = f"environment.{world.dev}"
    async with asyncio.timeout(SECONDS):
        first = asyncio.create_task(hub.subscribe(tokens[0], channel, ahead, "ahead"))
        await slow.read_once.wait()
        second = asyncio.create_task(hub.subscribe(tokens[1], channel, behind, "behind"))
        await asyncio.sleep(0)  # the second has joined, and the look has not ended
        slow.gate.set()
        replies = [json.loads(reply) for reply in await asyncio.gather(first, second)]
    assert [len(reply["m"]) for reply in replies] == [2, 5]
