"""How long the log is kept: whole days from its beginning, never an unnumbered event, never a position twice."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import asyncpg
import pytest
from sqlalchemy import select

from sheetport.config import StorageSettings
from sheetport.features.accounts import service as accounts
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import EnvironmentChange
from sheetport.features.events import service as events
from sheetport.features.events.service import retention
from sheetport.features.places.model import Place
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import DAY, HOUR, FakeClock
from sheetport.kernel.crypto import KeyRing
from sheetport.runtime.background import sweep_events
from sheetport.storage.engine import open_database
from sheetport.storage.migrations.runner import upgrade
from sheetport.storage.tables.events import events as event_rows
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: Ten in the morning of a day.
MORNING = 20_000 * DAY + 10 * HOUR


@dataclass
class Log:
    """An environment's log under a clock that the test turns."""

    db: Database
    clock: FakeClock
    place: Place

    async def emit(self, count: int = 1) -> list[str]:
        async def write(uow: UnitOfWork) -> list[str]:
            actor = system_actor(self.place.account_id)
            return [(await events.emit(uow, actor, "file:created", self.place)).id for _ in range(count)]

        made = await self.db.write(write)
        await self.positions()
        return made

    async def positions(self) -> list[int]:
        """The positions that are left, once every event has one."""
        query = select(event_rows.c.position).order_by(event_rows.c.position)
        query = query.where(event_rows.c.environment_id == self.place.environment_id)
        while True:
            found = [row["position"] for row in await self.db.read(lambda uow: uow.fetch_all(query))]
            if None not in found:
                return found
            await asyncio.sleep(0.01)

    async def bounds(self) -> tuple[int, int]:
        """Where the log begins and ends."""

        async def read(uow: UnitOfWork) -> tuple[int, int]:
            newest = await events.find_newest_position(uow, self.place.environment_id)
            return await events.find_oldest_position(uow, self.place.environment_id, newest), newest

        return await self.db.read(read)


@pytest.fixture
async def log(storage: StorageSettings) -> AsyncIterator[Log]:
    """An empty log."""
    await asyncio.to_thread(upgrade, storage)
    clock = FakeClock(MORNING)
    db = await open_database(storage, KeyRing.generate(), clock)

    async def furnish(uow: UnitOfWork) -> Place:
        account = (await accounts.create_account(uow, "account")).id
        change = EnvironmentChange("development", False)
        made = await environments.create_environment(uow, system_actor(account), change)
        return Place(made.id, made.id, "env", account)

    place = await db.write(furnish)
    yield Log(db, clock, place)
    await db.close()


async def test_whole_days_go_once_the_last_of_them_has_been_kept_for_seven(log: Log) -> None:
    await log.emit(3)
    first_day = await log.positions()
    log.clock.advance(14 * HOUR)
    await log.emit(2)
    log.clock.advance(7 * DAY - HOUR)  # an hour before the end of the seventh full day after the first
    await sweep_events(log.db, 7)
    assert await log.positions() == [*first_day, first_day[-1] + 1, first_day[-1] + 2]
    log.clock.advance(HOUR)
    await sweep_events(log.db, 7)
    assert await log.positions() == [first_day[-1] + 1, first_day[-1] + 2]
    assert await log.bounds() == (first_day[-1] + 1, first_day[-1] + 2)


async def test_more_than_one_batch_goes_and_positions_go_on(log: Log) -> None:
    await log.emit(2 * retention.BATCH + 7)
    newest = (await log.positions())[-1]
    log.clock.advance(9 * DAY)
    await sweep_events(log.db, 7)
    assert await log.positions() == []
    assert await log.bounds() == (newest + 1, newest)
    await log.emit()
    assert await log.positions() == [newest + 1]


async def test_what_lies_behind_a_newer_event_waits_for_it(log: Log) -> None:
    """The clock was put back: the log keeps no hole."""
    log.clock.advance(DAY)
    await log.emit()
    log.clock.advance(-2 * DAY)
    await log.emit()
    log.clock.advance(9 * DAY)
    before = await log.positions()
    await sweep_events(log.db, 7)
    assert await log.positions() == before[-2:]


async def test_a_batch_takes_a_short_turn(log: Log) -> None:
    await log.emit(retention.BATCH)
    log.clock.advance(9 * DAY)
    took = []

    async def timed(uow: UnitOfWork) -> None:
        began = time.thread_time()
        await events.sweep_batch(uow, log.place.environment_id, 7)
        took.append(time.thread_time() - began)

    await log.db.write(timed)
    assert took[0] < 0.025


@pytest.mark.parametrize("data_place", ["postgresql"], indirect=True)
async def test_one_process_sweeps_at_a_time_and_leaves_unnumbered_events(log: Log, postgres_url: str) -> None:
    await log.emit(3)
    before = await log.positions()
    log.clock.advance(9 * DAY)
    other = await asyncpg.connect(postgres_url)
    try:
        key = f"sheetport {retention.CHORE}"
        async with other.transaction():
            await other.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
            await sweep_events(log.db, 7)
            assert await log.positions() == before
        async with other.transaction():  # an event of the first day that is being committed all the while
            row: dict[str, Any] = {"environment_id": log.place.environment_id, "id": "us_evt_late", "created_at": 0}
            row |= {"account_id": "a", "topic": "t", "domain": "d", "context": "{}", "payload": "{}"}
            marks = ", ".join(f"${number}" for number in range(1, len(row) + 1))
            await other.execute(f"INSERT INTO events ({', '.join(row)}) VALUES ({marks})", *row.values())
            await sweep_events(log.db, 7)
    finally:
        await other.close()
    await log.emit()
    assert await log.positions() == [before[-1] + 1, before[-1] + 2]
