"""Taking old records out of the log: whole stretches up to a signed checkpoint, once they are in a file."""

from __future__ import annotations

from collections.abc import Mapping

from sheetport.features.audit import store
from sheetport.features.audit.model import ChainHead, Checkpoint, Link
from sheetport.features.audit.service.recording import record
from sheetport.kernel.actor import system_actor
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: Links and records deleted in one transaction.
BATCH = 1_000


async def prunable(db: Database, before: int) -> dict[str, tuple[ChainHead, int]]:
    """By chain, its head and the position of the newest checkpoint that was signed before a moment, milliseconds.

    Everything up to that checkpoint may go. Chains without such a checkpoint are left out.
    """
    found = {}
    for chain in await db.log.read(store.list_heads):
        newest = await _newest(db, chain, before)
        if newest is not None:
            found[chain.head.chain] = (chain, newest.head.position)
    return found


async def prune(db: Database, ends: Mapping[str, int]) -> int:
    """Delete records up to these positions of chains, and record that; how many there were.

    The caller has written them to a file before. What an earlier call that was cut short has left goes too.
    """
    deleted = 0
    for chain in await db.log.read(store.list_heads):
        end = max(chain.base_position, ends.get(chain.head.chain, 0))
        if end:
            deleted += await _prune_chain(db, chain.head.chain, end)

    async def told(uow: UnitOfWork) -> None:
        await record(uow, system_actor(""), "audit:prune", records=deleted, chains=dict(ends))

    await db.write(told)
    return deleted


async def _prune_chain(db: Database, chain: str, end: int) -> int:
    """First the chain's begin moves, then records go, then their links: it can be done again from any point."""
    deleted = 0
    links: list[Link]
    await db.log.write(lambda uow: store.set_base(uow, chain, end))
    while links := await db.log.read(lambda uow: store.list_links(uow, chain, 0, BATCH)):
        gone = [each for each in links if each.head.position <= end]
        if not gone:
            break
        ids, last = [each.record_id for each in gone], gone[-1].head.position
        for place in dict.fromkeys((db, db.log)):
            await place.write(lambda uow, of=ids: store.delete_records(uow, chain, of))  # type: ignore[misc]
        await db.log.write(lambda uow, to=last: store.delete_links(uow, chain, to))  # type: ignore[misc]
        deleted += len(gone)
    await db.log.write(lambda uow: store.forget_checkpoints(uow, chain, end))
    return deleted


async def _newest(db: Database, chain: ChainHead, before: int) -> Checkpoint | None:
    find = store.find_checkpoint_before
    return await db.log.read(lambda uow: find(uow, chain.head.chain, chain.base_position, before))
