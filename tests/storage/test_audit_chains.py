"""Audit records are sealed after their commit, on both databases; reads are, before anybody sees their result."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from sheetport.features.audit import service as audit
from sheetport.features.audit import store
from sheetport.features.audit.codec.chain import checkpoint_text, digest_of, link, start_of
from sheetport.features.audit.codec.ocsf import sealed_text
from sheetport.features.audit.service import Sealer
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.kernel.crypto import is_signed
from sheetport.kernel.errors import Unavailable
from sheetport.kernel.request import current_request
from sheetport.storage.unit_of_work import Database, UnitOfWork

ACCOUNT, ENVIRONMENT = "us_acc_0123456789abcdef", "us_env_0123456789abcdef"
KEY = Actor(ActorKind.SECRET_KEY, "us_key_1", ACCOUNT, "us_key_1", ENVIRONMENT)


@dataclass(frozen=True)
class From:
    address: str | None = "203.0.113.7"
    id: str | None = "req_1"
    agent: str = "python"


@pytest.fixture
async def sealer(db: Database) -> AsyncIterator[Sealer]:
    made = Sealer(db)
    token = current_request.set(From())
    async with made.running():
        yield made
    current_request.reset(token)


async def write(db: Database, target: str) -> None:
    await db.write(lambda uow: audit.record(uow, KEY, "space:create", target))


async def read(db: Database, target: str) -> str:
    async def work(uow: UnitOfWork) -> str:
        audit.record_read(uow, KEY, "secret:read", target)
        return "value"

    return await db.read(work)


async def assert_chain_holds(db: Database, chain: str) -> list[str]:
    """The targets of a chain's records, once every link is what its record and the one before make it."""
    (head,) = [each for each in await db.log.read(store.list_heads) if each.head.chain == chain]
    links = await db.log.read(lambda uow: store.list_links(uow, chain, 0, 1_000))
    stands, targets = start_of(chain), []
    for each in links:
        found = {}
        for place in {db, db.log}:
            found |= await place.read(lambda uow, id_=each.record_id: store.find_records(uow, ENVIRONMENT, [id_]))
        text = sealed_text(found[each.record_id])
        assert each.digest == digest_of(text)
        assert each.head.hash == link(stands.hash, each.digest)
        assert each.head.position == stands.position + 1
        stands = each.head
        targets.append(found[each.record_id]["target"])
    assert stands == head.head
    signed = checkpoint_text(head.head, head.checkpoint.sealed_at)
    assert is_signed(db.keys.audit_public_key, head.checkpoint.signature, signed)
    return targets


async def test_writes_are_sealed_in_the_order_of_their_commits(db: Database, sealer: Sealer) -> None:
    for number in range(5):
        await write(db, f"w{number}")
    await sealer.seal_all()
    assert sorted(await assert_chain_holds(db, ENVIRONMENT)) == ["w0", "w1", "w2", "w3", "w4"]


async def test_a_read_is_sealed_before_its_result_is_given(db: Database, sealer: Sealer) -> None:
    assert await asyncio.gather(*(read(db, f"r{number}") for number in range(20))) == ["value"] * 20
    assert sorted(await assert_chain_holds(db, ENVIRONMENT)) == sorted(f"r{number}" for number in range(20))


async def test_reads_and_writes_share_a_chain(db: Database, sealer: Sealer) -> None:
    await asyncio.gather(*(write(db, f"w{number}") for number in range(5)), *(read(db, f"r{n}") for n in range(5)))
    await sealer.seal_all()
    assert len(await assert_chain_holds(db, ENVIRONMENT)) == 10


async def test_without_a_sealer_nothing_that_must_be_recorded_is_given(db: Database) -> None:
    with pytest.raises(Unavailable, match="audit log is not open"):
        await read(db, "r")


async def test_what_was_left_unsealed_is_sealed_at_the_next_start(db: Database) -> None:
    await write(db, "left")
    async with Sealer(db).running():
        pass
    assert await assert_chain_holds(db, ENVIRONMENT) == ["left"]
    await write(db, "later")
    async with Sealer(db).running():
        pass
    assert await assert_chain_holds(db, ENVIRONMENT) == ["left", "later"]


async def test_a_stop_in_the_middle_of_sealing_seals_nothing_twice(db: Database) -> None:
    for number in range(12):
        async with Sealer(db).running():
            await write(db, f"w{number}")
            for _ in range(number):
                await asyncio.sleep(0)
    assert len(await assert_chain_holds(db, ENVIRONMENT)) == 12


async def test_two_sealers_of_one_database_never_seal_a_record_twice(db: Database, sealer: Sealer) -> None:
    if not db.shared:
        assert db.log is not db, "on SQLite there is one process, and one sealer"
        return
    async with Sealer(db).running() as _:
        await asyncio.gather(*(write(db, f"w{number}") for number in range(30)), *(read(db, f"r{n}") for n in range(9)))
        await sealer.seal_all()
    assert len(await assert_chain_holds(db, ENVIRONMENT)) == 39
