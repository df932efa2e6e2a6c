"""Positions: given in commit order without gaps, to every event there is, whoever wrote it and whoever died."""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, suppress
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select, update

from sheetport.config import StorageSettings
from sheetport.features.accounts import service as accounts
from sheetport.features.auth import service as auth
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import EnvironmentChange
from sheetport.features.events import service as events
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.kernel.actor import system_actor
from sheetport.kernel.crypto import KeyRing
from sheetport.runtime.hub import Hub
from sheetport.storage.dialects import postgresql
from sheetport.storage.dialects.event_sql import INSERT_UNNUMBERED
from sheetport.storage.engine import open_database
from sheetport.storage.migrations.runner import upgrade
from sheetport.storage.tables.core import accounts as account_rows
from sheetport.storage.tables.events import events as event_rows
from sheetport.storage.unit_of_work import Database, UnitOfWork

SECONDS = 20.0
WRITERS, EACH = 8, 12


class Site:
    """Databases that several processes would have open on the same data, and one environment of two spaces."""

    def __init__(self, opened: list[Database]) -> None:
        self.opened = opened
        self.hubs = [Hub(db, auth.find_issuer, SECONDS) for db in opened]
        self.account = self.environment = self.token = self.other = ""
        self.spaces = ["us_sp_one", "us_sp_two"]

    async def furnish(self) -> None:
        async def write(uow: UnitOfWork) -> str:
            self.account = (await accounts.create_account(uow, "account")).id
            actor = system_actor(self.account)
            self.environment, self.other = [
                (await environments.create_environment(uow, actor, EnvironmentChange(name, False))).id
                for name in ("development", "production")
            ]
            for space in self.spaces:
                await places.add_place(uow, self.place(space))
                row = {"id": space, "name": space, "auth_generation": 0, "created_at": 0, "updated_at": 0}
                await uow.execute(account_rows.insert().values(row))  # a row of each space to lock and count in
            return (await events.mint_subscription(uow, actor, self.environment)).token

        self.token = await self.opened[0].write(write)

    def place(self, space: str | None = None) -> Place:
        kind = "sp" if space else "env"
        return Place(self.environment, space or self.environment, kind, self.account, space)

    async def poll(self, reader: int, tt: str) -> dict[str, Any]:
        channel = f"environment.{self.environment}"
        async with asyncio.timeout(SECONDS):
            body = await self.hubs[reader].subscribe(self.token, channel, tt, "test")
        return dict(json.loads(body))

    async def follow(self, reader: int, tt: str, until: int) -> list[dict[str, Any]]:
        """Long polls from ``tt`` until ``until`` messages have come."""
        seen: list[dict[str, Any]] = []
        while len(seen) < until:
            reply = await self.poll(reader, tt)
            tt = reply["t"]["t"]
            seen += reply["m"]
        return seen

    async def write(self, number: int, pause: Any) -> None:
        """One event of a space, counted under the lock of the space's row, and a pause before the commit."""
        space = self.spaces[number % 2]
        counter = account_rows.c.auth_generation

        async def work(uow: UnitOfWork) -> None:
            rows = update(account_rows).where(account_rows.c.id == space)
            row = await uow.fetch_one(rows.values(auth_generation=counter + 1).returning(counter))
            assert row is not None
            place = self.place(space)
            await events.emit(uow, system_actor(self.account), "records:updated", place, {"count": row[counter.name]})
            if number % 3 == 0:
                await events.emit(uow, system_actor(self.account), "commit:created", self.place())
            waited = pause()
            if waited is not None:
                await waited

        await self.opened[number % len(self.opened)].write(work)


@pytest.fixture
async def site(storage: StorageSettings) -> AsyncIterator[Site]:
    """Two processes' databases on PostgreSQL, the one there may be on SQLite."""
    await asyncio.to_thread(upgrade, storage)
    keys = KeyRing.generate()
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(2 if storage.database_url else 1):
            opened.append(await open_database(storage, keys))
            stack.push_async_callback(opened[-1].close)
        made = Site(opened)
        await made.furnish()
        await settled(made)
        yield made


async def settled(site: Site) -> int:
    """The newest position, once every event has one."""

    async def read(uow: UnitOfWork) -> tuple[list[Any], int]:
        query = select(event_rows.c.position).where(event_rows.c.environment_id == site.environment)
        return [row["position"] for row in await uow.fetch_all(query)], await events.find_newest_position(
            uow, site.environment
        )

    async with asyncio.timeout(SECONDS):
        while True:
            positions, newest = await site.opened[0].read(read)
            if None not in positions:
                assert sorted(positions) == list(range(1, newest + 1))
                return newest
            await asyncio.sleep(0.02)


async def test_eight_writers_and_every_event_in_order_without_a_gap(site: Site) -> None:
    shared = site.opened[0].shared
    chance = random.Random(7)

    def pause() -> Any:
        seconds = chance.uniform(0, 0.02)
        return asyncio.sleep(seconds) if shared else time.sleep(seconds / 10)

    async def writer(first: int) -> None:
        for step in range(EACH):
            await site.write(first + step * WRITERS, pause)

    started = (await site.poll(0, "0"))["t"]["t"]
    wanted = WRITERS * EACH + len(range(0, WRITERS * EACH, 3))
    readers = [asyncio.create_task(site.follow(at % len(site.hubs), started, wanted)) for at in range(2)]
    async with asyncio.timeout(3 * SECONDS):
        await asyncio.gather(*(writer(first) for first in range(WRITERS)))
        both = await asyncio.gather(*readers)
    for seen in both:
        positions = [int(message["p"]["t"]) for message in seen]
        assert positions == list(range(int(started) + 1, int(started) + wanted + 1))
        for space in site.spaces:
            counts = [m["d"]["payload"]["count"] for m in seen if m["d"]["context"].get("spaceId") == space]
            assert counts == list(range(1, WRITERS * EACH // 2 + 1))
    assert both[0] == both[1]


async def test_a_write_that_fails_leaves_no_gap(site: Site) -> None:
    before = await settled(site)

    def fail() -> None:
        raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        await site.write(0, fail)
    await site.write(0, lambda: None)
    assert await settled(site) == before + 2


async def insert_unnumbered(url: str, site: Site, event_id: str) -> None:
    """What a process leaves that dies between its commit and the numbering."""
    compiled = postgresql.POSTGRESQL.resolve(INSERT_UNNUMBERED)
    row = dict.fromkeys(compiled.names) | {
        "environment_id": site.environment, "id": event_id, "account_id": site.account, "topic": "file:created",
        "domain": "file", "context": "{}", "payload": "{}", "created_at": 0,
    }  # fmt: skip
    connection = await asyncpg.connect(url)
    await connection.execute(compiled.sql, *compiled.values(row))
    await connection.close()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sweeps come soon. Asked for before the site, whose databases begin to sweep when they open."""
    monkeypatch.setattr(postgresql, "SWEEP_SECONDS", 0.2)


@pytest.fixture
async def pair(soon: None, site: Site) -> Site:
    """A site whose sweeps come soon."""
    return site


@pytest.mark.parametrize("data_place", ["postgresql"], indirect=True)
async def test_events_of_a_process_that_died_before_numbering_are_delivered(pair: Site, postgres_url: str) -> None:
    tt = (await pair.poll(0, "0"))["t"]["t"]
    await insert_unnumbered(postgres_url, pair, "us_evt_lost")
    (message,) = (await pair.poll(0, tt))["m"]
    assert message["d"]["id"] == "us_evt_lost"


@pytest.mark.parametrize("data_place", ["postgresql"], indirect=True)
async def test_they_are_delivered_by_a_busy_process_too(pair: Site, postgres_url: str) -> None:
    tt = (await pair.poll(0, "0"))["t"]["t"]
    elsewhere = Place(pair.other, pair.other, "env", pair.account)

    async def keep_busy() -> None:
        while True:
            for db in pair.opened:
                await db.write(lambda uow: events.emit(uow, system_actor(pair.account), "file:created", elsewhere))
            await asyncio.sleep(0.01)

    busy = asyncio.create_task(keep_busy())
    try:
        await insert_unnumbered(postgres_url, pair, "us_evt_lost")
        async with asyncio.timeout(3):
            (message,) = (await pair.poll(0, tt))["m"]
        assert message["d"]["id"] == "us_evt_lost"
    finally:
        busy.cancel()
        with suppress(asyncio.CancelledError):
            await busy


@pytest.mark.parametrize("data_place", ["postgresql"], indirect=True)
async def test_a_process_that_was_cut_off_hears_of_what_it_missed(
    pair: Site, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    tt = (await pair.poll(1, "0"))["t"]["t"]
    held = asyncio.create_task(pair.poll(1, tt))
    await asyncio.sleep(0.1)
    connect, gate = asyncpg.connect, asyncio.Event()

    async def connect_later(*arguments: Any, **named: Any) -> Any:
        await gate.wait()
        return await connect(*arguments, **named)

    connection = await connect(postgres_url)
    monkeypatch.setattr(asyncpg, "connect", connect_later)
    cut = await connection.fetch(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1 AND datname = "
        "current_database()",
        postgresql.CHANNEL,
    )
    assert len(cut) == 2
    await connection.close()
    await pair.write(1, lambda: None)
    await settled(pair)
    assert not held.done()
    gate.set()
    assert [message["d"]["topic"] for message in (await held)["m"]] == ["records:updated"]
