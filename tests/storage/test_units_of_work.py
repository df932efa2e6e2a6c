"""What a unit of work promises, on both databases."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import bindparam, func, insert, select

from sheetport.storage.dialects.sqlite import _Turn, _Turnstile
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import server
from sheetport.storage.tables.events import event_heads, events
from sheetport.storage.unit_of_work import Database, UnitOfWork

INSERT = statement(insert(server).values(id=bindparam("id"), key_check="x", created_at=bindparam("at")))
COUNT = statement(select(func.count().label("n")).select_from(server))
HEAD = statement(insert(event_heads).values(environment_id=bindparam("environment"), position=0))


async def count(uow: UnitOfWork) -> int:
    row = await uow.fetch_one(COUNT)
    assert row is not None
    return int(row["n"])


def put(name: str) -> Any:
    async def work(uow: UnitOfWork) -> str:
        await uow.execute(INSERT, {"id": name, "at": uow.now})
        return name

    return work


async def test_a_write_is_there_for_the_next_reader(db: Database) -> None:
    assert await db.write(put("a")) == "a"
    assert await db.read(count) == 1
    assert await db.read(count, heavy=True) == 1


async def test_a_failing_unit_leaves_nothing_behind(db: Database) -> None:
    async def half(uow: UnitOfWork) -> None:
        await uow.execute(INSERT, {"id": "a", "at": uow.now})
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await db.write(half)
    assert await db.read(count) == 0
    await db.write(put("b"))
    assert await db.read(count) == 1


async def test_a_caller_that_goes_away_does_not_undo_its_write(db: Database) -> None:
    task = asyncio.create_task(db.write(put("a")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(200):
        if await db.read(count) == 1:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the write was lost")


async def test_many_writers_at_once_all_land(db: Database) -> None:
    await asyncio.gather(*(db.write(put(f"row {n}"), lane=f"lane {n % 3}") for n in range(50)))
    assert await db.read(count) == 50


async def test_bumped_accounts_are_told_before_the_writer_is_answered(db: Database) -> None:
    told: list[str] = []
    db.on_bump(told.extend)

    async def bump(uow: UnitOfWork) -> None:
        uow.bumped.add("us_acc_1")

    await db.write(bump)
    assert set(told) == {"us_acc_1"}  # where processes tell each other, this one is told by itself as well


async def test_a_rolled_back_unit_tells_nobody(db: Database) -> None:
    told: list[str] = []
    db.on_bump(told.extend)
    db.on_events(lambda environments: told.extend(environments - {"*"}))

    async def fail(uow: UnitOfWork) -> None:
        uow.bumped.add("us_acc_1")
        uow.woken.add("us_env_1")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await db.write(fail)
    await asyncio.sleep(0.05)
    assert told == []


async def test_a_unit_that_waits_for_anything_else_is_refused_on_sqlite(db: Database) -> None:
    async def wait(uow: UnitOfWork) -> None:
        await asyncio.sleep(0)

    if db.shared:
        await db.write(wait)  # PostgreSQL's units run in the event loop
        return
    with pytest.raises(RuntimeError, match="awaited something other than the database"):
        await db.write(wait)


async def test_an_in_list_and_a_module_level_statement_give_the_same_rows(db: Database) -> None:
    for name in ("a", "b", "c"):
        await db.write(put(name))

    async def listed(uow: UnitOfWork) -> list[str]:
        query = select(server.c.id).where(server.c.id.in_(["a", "c", "z"])).order_by(server.c.id)
        return [row["id"] for row in await uow.fetch_all(query)]

    assert await db.read(listed) == ["a", "c"]


async def test_bulk_rows_land_whole(db: Database) -> None:
    rows = [(f"r{n}", "x", n) for n in range(5_000)]

    async def many(uow: UnitOfWork) -> None:
        await uow.bulk_insert("server", ("id", "key_check", "created_at"), rows)

    await db.write(many, bulk=True)
    assert await db.read(count) == 5_000


async def test_event_positions_follow_commits_without_gaps(db: Database) -> None:
    blank = dict.fromkeys(column.name for column in events.columns if column.name not in {"position", "seq"})
    told: list[str] = []
    db.on_events(told.extend)

    async def begin(uow: UnitOfWork) -> None:
        await uow.execute(HEAD, {"environment": "e"})

    def tell(name: str) -> Any:
        async def work(uow: UnitOfWork) -> None:
            row = {"environment_id": "e", "id": name, "account_id": "a", "topic": "t", "domain": "d"}
            await uow.add_events([{**blank, **row, "context": "{}", "payload": "{}", "created_at": uow.now}])

        return work

    async def numbered(uow: UnitOfWork) -> list[int]:
        rows = await uow.fetch_all(select(events.c.position).order_by(events.c.position))
        return [row["position"] for row in rows if row["position"] is not None]

    await db.write(begin)
    await asyncio.gather(*(db.write(tell(f"evt {n}")) for n in range(20)))
    for _ in range(200):
        if len(await db.read(numbered)) == 20:
            break
        await asyncio.sleep(0.02)
    assert await db.read(numbered) == list(range(1, 21))
    assert "e" in told


def test_turns_go_small_before_bulk_and_round_robin_over_lanes() -> None:
    turnstile = _Turnstile()
    for name, lane, bulk in (("b1", "x", True), ("x1", "x", False), ("x2", "x", False), ("y1", "y", False)):
        turnstile.put(_Turn(name, None, None, 0.0, None, []), lane, bulk=bulk)  # type: ignore[arg-type]
    taken = [turn.work for _ in range(4) if (turn := turnstile.take()) is not None]
    assert taken == ["x1", "y1", "x2", "b1"]
