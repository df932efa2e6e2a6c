"""Changes sealed audit records in ten thousand ways, one at a time, and counts those that are not found.

    python benchmarks/soak/tamper_audit.py [TRIES]

Half of the tries spoil an export: single bits, lines that change places, are missing or are there twice, and cuts. The
other half spoil database and log of a server on SQLite: single bits of a value, rows that change their contents, are
missing, or are cut off at a chain's end. Ends with status 1 when anything was not found.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Table, delete, select, update

from sheetport.config import StorageSettings
from sheetport.features.audit import service as audit
from sheetport.features.audit.codec.verifying import BrokenError, verify
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.crypto import KeyRing
from sheetport.storage import identity
from sheetport.storage.engine import open_database
from sheetport.storage.migrations.runner import upgrade
from sheetport.storage.tables.audit import audit_checkpoints, audit_heads, audit_links, audit_records, names
from sheetport.storage.unit_of_work import Database, UnitOfWork

ACCOUNT, ENVIRONMENT = "us_acc_0123456789abcdef", "us_env_0123456789abcdef"
KEY = Actor(ActorKind.SECRET_KEY, "us_key_1", ACCOUNT, "us_key_1", ENVIRONMENT)
RECORDS = 24
#: What no seal is about: the order of commit, and what only says where a record is known to be sealed.
UNSEALED = {"seq", "chain_position", "chain_hash", "sealed_at", "source_seq", "format", "account_id", "checkpoint_at"}
UNSEALED |= {"checkpoint_position", "base_position"}
TABLES: tuple[Table, ...] = (audit_records, audit_links, audit_heads, audit_checkpoints)


async def fill(db: Database) -> None:
    for number in range(RECORDS // 2):
        await db.write(lambda uow, at=number: audit.record(uow, KEY, "space:create", f"w{at}", note="a detail"))  # type: ignore[misc]

        async def read(uow: UnitOfWork, at: int = number) -> None:
            audit.record_read(uow, KEY, "secret:read", f"r{at}", note="another")

        await db.read(read)


def spoil_export(lines: list[bytes], dice: random.Random) -> tuple[str, list[bytes]]:
    """A way to spoil an export, and what comes of it."""
    way = dice.choice(("bit", "bit", "swap", "missing", "twice", "cut"))
    one, other = dice.sample(range(len(lines)), 2)
    if way == "swap":
        spoiled = list(lines)
        spoiled[one], spoiled[other] = lines[other], lines[one]
        return way, spoiled
    if way == "missing":
        return way, lines[:one] + lines[one + 1 :]
    if way == "twice":
        return way, lines[: one + 1] + lines[one:]
    whole = bytearray(b"".join(lines))
    place = dice.randrange(len(whole))
    if way == "cut":
        return way, bytes(whole[:place]).splitlines(keepends=True)
    whole[place] ^= 1 << dice.randrange(8)
    return way, bytes(whole).splitlines(keepends=True)


def flipped(value: Any, dice: random.Random) -> Any:
    """The value with one bit changed."""
    if isinstance(value, int):
        return value ^ 1 << dice.randrange(20)
    raw = bytearray(value.encode() if isinstance(value, str) else value)
    place = dice.randrange(len(raw))
    raw[place] ^= 1 << dice.randrange(7)  # stays text that is text
    return raw.decode("latin-1") if isinstance(value, str) else bytes(raw)


class Spoiler:
    """Changes rows behind the server's back, and puts them back."""

    def __init__(self, db: Database, dice: random.Random) -> None:
        self._db, self._dice = db, dice

    async def spoil(self) -> tuple[str, Callable[[], Any]]:
        """What was done, and how to undo it."""
        table = self._dice.choice(TABLES)
        place = self._dice.choice((self._db, self._db.log)) if table is audit_records else self._db.log
        rows = [
            dict(zip(names(table), row, strict=False))
            for row in await place.read(lambda uow: uow.fetch_all(select(table)))
        ]
        if not rows:
            return await self.spoil()
        row = self._dice.choice(rows)
        way = self._dice.choice(("bit", "bit", "missing", "swap"))
        if table is audit_checkpoints and way == "missing":
            way = "bit"  # a chain does not need its kept checkpoints
        other = self._dice.choice(rows)
        if way == "swap" and (other == row or table is not audit_records):
            way = "bit"
        await getattr(self, f"_{way}")(place, table, row, other)

        async def undo() -> None:
            for each in (row, other):
                await place.write(lambda uow, it=each: _put(uow, table, it))  # type: ignore[misc]

        return f"{table.name} {way}", undo

    async def _bit(self, place: Database, table: Table, row: dict[str, Any], _: dict[str, Any]) -> None:
        able = [
            name for name in names(table) if name not in UNSEALED - ({"sealed_at"} if "signature" in row else set())
        ]
        able = [
            name for name in able if row[name] not in (None, "", b"") and name not in {"chain", "environment_id", "id"}
        ]
        name = self._dice.choice(able)
        if name == "position":  # another row may have that one
            name = "hash"
        change = {name: flipped(row[name], self._dice)}
        await place.write(lambda uow: uow.execute(update(table).where(*_key(table, row)).values(change)))

    async def _missing(self, place: Database, table: Table, row: dict[str, Any], _: dict[str, Any]) -> None:
        await place.write(lambda uow: uow.execute(delete(table).where(*_key(table, row))))

    async def _swap(self, place: Database, table: Table, row: dict[str, Any], other: dict[str, Any]) -> None:
        kept = {"environment_id", "id", "seq", "chain_position"}
        for one, two in ((row, other), (other, row)):
            change = {name: two[name] for name in names(table) if name not in kept}
            await place.write(
                lambda uow, of=one, to=change: uow.execute(update(table).where(*_key(table, of)).values(to))
            )  # type: ignore[misc]


def _key(table: Table, row: dict[str, Any]) -> list[Any]:
    return [column == row[column.name] for column in table.primary_key]


async def _put(uow: UnitOfWork, table: Table, row: dict[str, Any]) -> None:
    if table is audit_links:  # its position may be what was changed
        await uow.execute(delete(table).where(table.c.record_id == row["record_id"]))
    await uow.execute(delete(table).where(*_key(table, row)))
    await uow.execute(table.insert().values(row))


async def run(tries: int) -> int:
    dice, ways, lost = random.Random(time.time_ns()), Counter[str](), Counter[str]()
    with tempfile.TemporaryDirectory() as folder:
        storage = StorageSettings(Path(folder), Path(folder) / "key")
        await asyncio.to_thread(upgrade, storage)
        db = await open_database(storage, KeyRing.generate())
        await db.write(identity.claim)
        watch = audit.Watch(db, None)
        async with audit.Sealer(db, watch.note).running():
            await fill(db)
        await watch.keep()
        lines = [line async for line in audit.export_lines(db, await audit.list_all_chains(db))]
        verify(lines)
        for _ in range(tries // 2):
            way, spoiled = spoil_export(lines, dice)
            ways[f"export {way}"] += 1
            try:
                verify(spoiled)
                lost[f"export {way}"] += 1
            except BrokenError:
                pass
        spoiler = Spoiler(db, dice)
        for _ in range(tries - tries // 2):
            way, undo = await spoiler.spoil()
            ways[way] += 1
            try:
                await audit.check(db, None)
                lost[way] += 1
            except BrokenError:
                pass
            await undo()
        await audit.check(db, None)
        await db.close()
    for way, count in sorted(ways.items()):
        print(f"{way:28}{count:8,}{lost[way]:8,} not found")
    print(f"{sum(ways.values()):,} changes, {sum(lost.values()):,} not found")
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(run(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)))
