"""Whether the log is whole: what is sealed against what is stored, and both against what was remembered elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sheetport.features.audit import store
from sheetport.features.audit.codec.chain import checkpoint_text, digest_of
from sheetport.features.audit.codec.ocsf import find_sealed_text
from sheetport.features.audit.codec.verifying import BrokenError, Verified, Verifier
from sheetport.features.audit.model import ChainHead, Head
from sheetport.features.audit.service.exporting import DamagedLog, export_lines
from sheetport.kernel.crypto import is_signed
from sheetport.storage.anchor import Anchor
from sheetport.storage.unit_of_work import Database

_SET_BACK = "The audit log was set back to an older state: chain {chain} had a record {position}, and {now}."
_OTHER = "another stands there"
_MAIN_SET_BACK = (
    "The database was set back to an older state than its audit log: record {record}, which is sealed, is {fault}."
)


async def find_rollback(db: Database, anchor: Anchor | None) -> str | None:
    """What shows, at little cost, that the database, its log or both were set back; None when nothing does."""
    heads = {each.head.chain: each for each in await db.log.read(store.list_heads)}
    for each in heads.values():
        text = checkpoint_text(each.head, each.checkpoint.sealed_at)
        if not is_signed(db.keys.audit_public_key, each.checkpoint.signature, text):
            return f"The newest link of chain {each.head.chain} is not signed by this server's key."
    marks = await db.read(store.list_marks)
    found = await _first_lost(db, heads, marks) or await _older_database(db)
    if found is None and anchor is not None:
        found = await _first_lost(db, heads, [Head(*place) for place in anchor.heads])
        if found is not None:
            found = f"{found} The anchor {anchor.file} remembers it."
    return found


async def check(db: Database, anchor: Anchor | None) -> Verified:
    """Read every sealed record against its link. Raises BrokenError, which names the first that does not hold."""
    rollback = await find_rollback(db, anchor)
    if rollback is not None:
        raise BrokenError(rollback)
    chains = await db.log.read(store.list_heads)
    verifier = Verifier()
    try:
        async for line in export_lines(db, chains):
            verifier.feed(line)
    except DamagedLog as error:
        raise BrokenError(error.message) from None
    verified = verifier.conclude()
    await _check_counts(db, chains)
    return verified


async def _first_lost(db: Database, heads: dict[str, ChainHead], remembered: Sequence[Head]) -> str | None:
    """The first remembered place of a chain that is not there any more."""
    for each in remembered:
        found = heads.get(each.chain)
        stands = found.head.position if found else 0
        if stands < each.position:
            return _SET_BACK.format(chain=each.chain, position=each.position, now=f"now ends at {stands}")
        if found is not None and each.position > found.base_position:
            link = await db.log.read(lambda uow, at=each: store.find_link(uow, at.chain, at.position))  # type: ignore[misc]
            if link is None or link.head.hash != each.hash:
                return _SET_BACK.format(chain=each.chain, position=each.position, now=_OTHER)
    return None


async def _older_database(db: Database) -> str | None:
    """Whether the newest sealed record of the database is not in it, where the log lies apart."""
    link = await db.log.read(store.find_newest_source)
    if link is None:
        return None
    rows: dict[str, dict[str, Any]] = await db.read(
        lambda uow: store.find_records(uow, link.head.chain, [link.record_id])
    )
    row = rows.get(link.record_id)
    text = find_sealed_text(row) if row is not None else None
    if text is not None and digest_of(text) == link.digest:
        return None
    return _MAIN_SET_BACK.format(record=link.record_id, fault="missing" if row is None else "not what was sealed")


async def _check_counts(db: Database, chains: Sequence[ChainHead]) -> None:
    """No record may stand beside the chains that ought to be in one."""
    links = sum(each.head.position - each.base_position for each in chains)
    newest = await db.log.read(store.newest_sealed_seq)
    records = await db.read(lambda uow: store.count_sealed(uow, newest))
    if db.log is not db:
        records += await db.log.read(lambda uow: store.count_sealed(uow, 0))
    # Where a roll-back was accepted, records are left whose links are lost.
    if records < links or (records > links and not await db.read(store.has_accepted)):
        raise BrokenError(
            f"The database holds {records:,} records as sealed, and the chains {links:,}: records were added to it or "
            "taken out of it by hand."
        )
