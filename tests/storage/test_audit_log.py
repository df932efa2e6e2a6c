"""The whole log: exported, verified, tampered with, set back, erased from and pruned, on both databases."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, select, update

from sheetport.config import StorageSettings
from sheetport.features.audit import service as audit
from sheetport.features.audit.codec.verifying import BrokenError, Verified, verify
from sheetport.kernel.actor import Actor, ActorKind, system_actor
from sheetport.kernel.clock import DAY, FakeClock
from sheetport.kernel.crypto import KeyRing
from sheetport.kernel.request import current_request
from sheetport.storage import identity
from sheetport.storage.anchor import anchor_file, read_anchor
from sheetport.storage.engine import LOG_FILE, SQLITE_FILE, open_database
from sheetport.storage.migrations.runner import upgrade
from sheetport.storage.tables.audit import audit_heads, audit_links, audit_records, names
from sheetport.storage.unit_of_work import Database, UnitOfWork
from storage.test_audit_chains import ACCOUNT, ENVIRONMENT, KEY, From, read, write

USER = Actor(ActorKind.USER, "us_usr_1", ACCOUNT, "us_tok_1")


@cache
def keys_of(data: Path) -> KeyRing:
    """The keys of a test's server, which it has each time it is opened."""
    return KeyRing.generate()


class Log:
    """A database whose audit log is open."""

    def __init__(self, db: Database, clock: FakeClock, sealer: audit.Sealer, watch: audit.Watch) -> None:
        self.db, self.clock, self.sealer, self.watch = db, clock, sealer, watch
        self._kept: dict[Database, Any] = {}

    async def fill(self, count: int = 6) -> None:
        """Writes, reads and something of a person."""
        for number in range(count):
            await write(self.db, f"w{number}")
            await read(self.db, f"r{number}")
        personal = {"user.email_addr": "ada@example.com", "user.name": "Ada"}
        await self.db.write(lambda uow: audit.record_person(uow, USER, "user:create", USER.id, personal))
        await self.sealer.seal_all()

    async def lines(self) -> list[bytes]:
        chains = await audit.list_all_chains(self.db)
        return [line async for line in audit.export_lines(self.db, chains)]

    async def check(self) -> Verified:
        return await audit.check(self.db, None)

    @asynccontextmanager
    async def spoiled(self, statement: Any) -> AsyncIterator[None]:
        """What lies in the database and the log, changed behind the server's back for as long as this lasts."""
        tables = (audit_records, audit_links, audit_heads)
        for place in {self.db, self.db.log}:
            kept = {table: await place.read(lambda uow, of=table: uow.fetch_all(select(of))) for table in tables}  # type: ignore[misc]
            self._kept[place] = {
                table: [dict(zip(names(table), row, strict=False)) for row in kept[table]] for table in tables
            }
            await place.write(lambda uow: uow.execute(statement))
        yield
        for place, held in self._kept.items():

            async def put_back(uow: UnitOfWork, held: Any = held) -> None:
                for table, rows in held.items():
                    await uow.execute(delete(table))
                    for row in rows:
                        await uow.execute(insert(table).values(row))

            await place.write(put_back)


@asynccontextmanager
async def opened(storage: StorageSettings) -> AsyncIterator[Log]:
    clock = FakeClock()
    db = await open_database(storage, keys_of(storage.data), clock)
    token = current_request.set(From())
    watch = audit.Watch(db, storage.audit_anchor)
    sealer = audit.Sealer(db, watch.note)
    try:
        async with watch.running(), sealer.running():
            yield Log(db, clock, sealer, watch)
    finally:
        current_request.reset(token)
        await db.close()


async def claim(storage: StorageSettings) -> None:
    """Make a schema, and the keys' database of it."""
    await asyncio.to_thread(upgrade, storage)
    db = await open_database(storage, keys_of(storage.data), FakeClock())
    await db.write(identity.claim)
    await db.close()


@pytest.fixture
async def log(storage: StorageSettings) -> AsyncIterator[Log]:
    await claim(storage)
    async with opened(storage) as made:
        yield made


# Exporting and erasing


async def test_an_export_holds_and_tells_what_was_done_by_whom_from_where(log: Log) -> None:
    await log.fill()
    lines = await log.lines()
    assert verify(lines).records == 13
    events = [json.loads(line) for line in lines]
    read_ = next(event for event in events if event["message"] == "secret:read")
    assert read_["actor"]["user"]["uid"] == KEY.id
    assert read_["metadata"]["correlation_uid"] == "req_1"
    assert read_["src_endpoint"] == {"name": "python"}
    values = {each["name"]: each["value"] for each in read_["enrichments"][1:]}
    assert values == {"src_endpoint.ip": "203.0.113.7"}
    assert (await log.check()).records == 13


async def test_what_is_known_of_a_person_is_erased_and_the_chain_holds(log: Log) -> None:
    await log.fill(1)
    assert b"ada@example.com" in b"".join(await log.lines())
    await log.db.write(lambda uow: audit.erase_person(uow, system_actor(ACCOUNT), USER.id))
    await log.sealer.seal_all()
    lines = b"".join(await log.lines())
    assert b"ada@example.com" not in lines
    assert b"Ada" not in lines
    assert b"203.0.113.7" in lines, "the key's address is not the person's"
    assert (await log.check()).records == 4
    await log.db.write(lambda uow: audit.record(uow, USER, "auth:sign-in"))
    await log.sealer.seal_all()
    later = [json.loads(line) for line in await log.lines() if b"auth:sign-in" in line]
    assert [len(each["enrichments"]) for each in later] == [1], "nothing more is kept of them"
    erased = [line for line in await log.lines() if b"person:erase" in line]
    assert len(erased) == 1


# Tampering with the database or the log


CHANGES: list[tuple[Any, str]] = [
    (
        update(audit_records).where(audit_records.c.target == "w1").values(actor_id="us_key_2"),
        "not what was sealed",
    ),
    (update(audit_records).where(audit_records.c.target == "r1").values(created_at=1), "not what was sealed"),
    (delete(audit_records).where(audit_records.c.target == "w0"), "sealed and missing"),
    (delete(audit_records).where(audit_records.c.target == "r5"), "sealed and missing"),
    (
        update(audit_records).where(audit_records.c.target == "w2").values(personal=b"x" * 40),
        "personal data of record",
    ),
    (update(audit_records).where(audit_records.c.target == "w2").values(personal=None), "personal data of record"),
    (delete(audit_links).where(audit_links.c.position == 3), "record 4 where record 3"),
    (update(audit_links).where(audit_links.c.position == 3).values(hash=b"x" * 32), "not what was sealed"),
    (update(audit_heads).values(position=audit_heads.c.position - 1), "not signed by this server's key"),
    (delete(audit_heads), "was set back|holds 13 records as sealed, and the chains 0"),
]


async def test_what_was_changed_by_hand_is_named(log: Log) -> None:
    await log.fill()
    await log.watch.keep()
    for statement, told in CHANGES:
        await log.check()
        async with log.spoiled(statement):
            with pytest.raises(BrokenError, match=told):
                await log.check()


async def test_a_record_that_was_put_in_by_hand_is_found(log: Log) -> None:
    await log.fill(2)
    row: dict[str, Any] = {"environment_id": ENVIRONMENT, "id": "us_aud_forged", "account_id": ACCOUNT, "format": 1}
    row |= dict.fromkeys(("actor_kind", "actor_id", "token_id", "action"), "x")
    row |= {"created_at": 1, "seq": 1, "chain_position": 2}
    await log.db.write(lambda uow: uow.execute(audit_records.insert().values(row)))
    with pytest.raises(BrokenError, match="holds 6 records as sealed, and the chains 5"):
        await log.check()


# Set back to an older state


def snapshot(storage: StorageSettings, into: Path) -> None:
    """A copy of database and log, as a backup of the disk would have them."""
    into.mkdir()
    for name in (SQLITE_FILE, LOG_FILE):
        with closing(sqlite3.connect(storage.data / name)) as source, closing(sqlite3.connect(into / name)) as copy:
            source.backup(copy)


def put_back(storage: StorageSettings, snapshot: Path, *names: str) -> None:
    for name in names:
        for suffix in ("-wal", "-shm"):
            (storage.data / f"{name}{suffix}").unlink(missing_ok=True)
        shutil.copyfile(snapshot / name, storage.data / name)


@pytest.fixture
async def sqlite_storage(tmp_path: Path) -> StorageSettings:
    (tmp_path / "data").mkdir()
    storage = StorageSettings(tmp_path / "data", tmp_path / "data.key")
    await claim(storage)
    return storage


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ([SQLITE_FILE], "database was set back to an older state than its audit log"),
        ([LOG_FILE], "audit log was set back to an older state"),
        ([SQLITE_FILE, LOG_FILE], None),
    ],
    ids=["database", "log", "both"],
)
async def test_an_old_snapshot_of_either_is_found_and_of_both_by_the_anchor(
    sqlite_storage: StorageSettings, tmp_path: Path, names: list[str], told: str | None
) -> None:
    folder = tmp_path / "anchor"
    folder.mkdir()
    anchored = replace(sqlite_storage, audit_anchor=folder)
    async with opened(anchored) as log:
        await log.fill(3)
    snapshot(sqlite_storage, tmp_path / "old")
    async with opened(anchored) as log:
        assert log.watch.fault is None
        await log.fill(3)
    put_back(sqlite_storage, tmp_path / "old", *names)
    async with opened(sqlite_storage) as log:
        assert (log.watch.fault is None) is (told is None)
        assert told is None or told in str(log.watch.fault)
    async with opened(anchored) as log:
        assert "set back" in str(log.watch.fault)
        assert told is not None or str(anchor_file(folder, keys_of(sqlite_storage.data))) in str(log.watch.fault)
        await log.fill(9)  # further than it had come: it is found all the same
    async with opened(anchored) as log:
        assert "set back" in str(log.watch.fault)
        with pytest.raises(BrokenError, match=r"set back|older than its audit log"):
            await audit.check(log.db, read_anchor(folder, log.db.keys))
        assert await log.watch.accept() is not None
        assert log.watch.fault is None
    async with opened(anchored) as log:
        assert log.watch.fault is None
        accepted = [line for line in await log.lines() if b"audit:accept" in line]
        assert len(accepted) == 1


async def test_an_anchor_that_was_changed_is_not_believed(sqlite_storage: StorageSettings, tmp_path: Path) -> None:
    anchored = replace(sqlite_storage, audit_anchor=tmp_path)
    async with opened(anchored) as log:
        await log.fill(1)
    file = anchor_file(tmp_path, keys_of(sqlite_storage.data))
    assert file.stat().st_mode & 0o777 == 0o600
    file.write_text(file.read_text().replace('"securityEpoch": 0', '"securityEpoch": 1'))
    async with opened(anchored) as log:
        assert "not signed by this server's key" in str(log.watch.fault)


async def test_secrets_that_were_set_back_are_told_by_the_anchor(
    sqlite_storage: StorageSettings, tmp_path: Path
) -> None:
    def seen(count: int, mac: bytes) -> Any:
        async def roots(_: UnitOfWork) -> dict[str, bytes]:
            return {ENVIRONMENT: count.to_bytes(8, "big") + mac * 32}

        return roots

    async with opened(sqlite_storage) as log:
        await audit.anchor(log.db, tmp_path, seen(300, b"a"))
        for count, mac, told in ((300, b"a", False), (301, b"b", False), (300, b"b", True), (299, b"c", True)):
            found = await audit.Watch(log.db, tmp_path, seen(count, mac)).find_rollback()
            assert (found is not None) is told
            assert found is None or ENVIRONMENT in found


# Pruning


async def test_old_stretches_go_once_they_are_in_a_file_and_the_rest_holds(log: Log) -> None:
    await log.fill(3)
    log.clock.advance(2 * DAY)
    await write(log.db, "checkpointed")
    await log.sealer.seal_all()
    log.clock.advance(DAY)
    await log.fill(3)
    found = await audit.prunable(log.db, log.clock.now() - DAY // 2)
    ends = {name: end for name, (_, end) in found.items()}
    assert ends == {ENVIRONMENT: 7}
    pruned = [line async for line in audit.export_lines(log.db, [chain for chain, _ in found.values()], ends)]
    assert verify(pruned).records == 7
    assert await audit.prune(log.db, ends) == 7
    await log.sealer.look_again()
    await write(log.db, "after")
    await log.sealer.seal_all()
    rest = await log.lines()
    assert verify(rest).records == 7 + 2 + 1, "of the environment, of the account, and of the pruning"
    assert (await log.check()).records == verify(rest).records
    assert await audit.prunable(log.db, log.clock.now() - DAY // 2) == {}
