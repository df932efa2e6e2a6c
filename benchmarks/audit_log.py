"""What sealing costs: small durable writes with and without it, secret reads beside one fdatasync, and verifying.

    python benchmarks/audit_log.py [SECONDS]

In one process on SQLite, in a temporary folder: rounds of writes (one audited transaction after another, and sixteen
at a time) in turn with a sealer and without; reads that wait for their seal, each against one fdatasync of the same
disk made in between; then an export is verified.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sheetport.config import StorageSettings
from sheetport.features.audit import service as audit
from sheetport.features.audit.codec.verifying import verify
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.crypto import KeyRing
from sheetport.storage import identity
from sheetport.storage.engine import open_database
from sheetport.storage.migrations.runner import upgrade
from sheetport.storage.unit_of_work import Database, UnitOfWork

ACCOUNT, ENVIRONMENT = "us_acc_0123456789abcdef", "us_env_0123456789abcdef"
KEY = Actor(ActorKind.SECRET_KEY, "us_key_1", ACCOUNT, "us_key_1", ENVIRONMENT)
ROUNDS, WRITERS, COPIES = 5, 16, 40


async def write(db: Database) -> None:
    await db.write(lambda uow: audit.record(uow, KEY, "space:update", "us_sp_1", name="a name of some length"))


async def read(db: Database) -> None:
    async def work(uow: UnitOfWork) -> None:
        audit.record_read(uow, KEY, "secret:read", ENVIRONMENT, secrets=[{"id": "us_sec_1", "name": "DB"}])

    await db.read(work)


async def for_a_while(work: Callable[[], Awaitable[None]], seconds: float, times: list[float], at_once: int) -> None:
    """Milliseconds of each call, ``at_once`` callers one call after another."""

    async def caller() -> None:
        end = time.perf_counter() + seconds
        while (began := time.perf_counter()) < end:
            await work()
            times.append(1_000 * (time.perf_counter() - began))

    await asyncio.gather(*(caller() for _ in range(at_once)))


def synced(file: int) -> float:
    """Milliseconds of one write of 4 KiB and its fdatasync."""
    os.pwrite(file, bytes(4_096), 0)
    began = time.perf_counter()
    os.fdatasync(file)
    return 1_000 * (time.perf_counter() - began)


def told(name: str, times: list[float]) -> None:
    cuts = statistics.quantiles(times, n=100)
    print(f"{name:34}{len(times):8,}{statistics.mean(times):9.2f}{statistics.median(times):9.2f}{cuts[98]:9.2f}")


async def writes(db: Database, seconds: float, at_once: int) -> None:
    with_seal: list[float] = []
    without: list[float] = []
    for _ in range(ROUNDS):
        async with audit.Sealer(db).running():
            await for_a_while(lambda: write(db), seconds, with_seal, at_once)
        await for_a_while(lambda: write(db), seconds, without, at_once)
    told(f"writes, {at_once} at a time, sealed", with_seal)
    told(f"writes, {at_once} at a time, not sealed", without)
    print(f"  ratio of means {statistics.mean(with_seal) / statistics.mean(without):.2f}")


async def reads(db: Database, seconds: float, folder: Path) -> None:
    syncs: list[float] = []
    times: list[float] = []
    file = os.open(folder / "synced", os.O_CREAT | os.O_RDWR)
    async with audit.Sealer(db).running():
        await read(db)
        end = time.perf_counter() + seconds * ROUNDS
        while time.perf_counter() < end:
            began = time.perf_counter()
            await read(db)
            times.append(1_000 * (time.perf_counter() - began))
            syncs.append(await asyncio.to_thread(synced, file))
        many: list[float] = []
        await for_a_while(lambda: read(db), seconds * ROUNDS, many, WRITERS)
    told("fdatasync", syncs)
    told("sealed reads, one at a time", times)
    told(f"sealed reads, {WRITERS} at a time", many)
    print(
        f"  ratio of means to fdatasync {statistics.mean(times) / statistics.mean(syncs):.2f}, {len(many)} reads shared"
    )


async def verified(db: Database) -> None:
    lines = [line async for line in audit.export_lines(db, await audit.list_all_chains(db))]
    began, records = time.process_time(), 0
    for _ in range(COPIES):
        records += verify(lines).records
        if time.process_time() - began > 3:
            break
    print(f"verified {records / (time.process_time() - began):,.0f} records a second of processor time")


async def run(seconds: float) -> None:
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        storage = StorageSettings(folder, folder / "key")
        await asyncio.to_thread(upgrade, storage)
        db = await open_database(storage, KeyRing.generate())
        await db.write(identity.claim)
        print(f"{'milliseconds':34}{'calls':>8}{'mean':>9}{'median':>9}{'p99':>9}")
        await writes(db, seconds, 1)
        await writes(db, seconds, WRITERS)
        await reads(db, seconds, folder)
        await verified(db)
        await db.close()


if __name__ == "__main__":
    asyncio.run(run(float(sys.argv[1]) if len(sys.argv) > 1 else 2.0))
