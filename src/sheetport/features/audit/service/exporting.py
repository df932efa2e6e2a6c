"""Writes chains out as lines that anybody can verify without this server."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sheetport.features.audit import store
from sheetport.features.audit.codec.chain import digest_of, export_text, start_of
from sheetport.features.audit.codec.lines import Opening, Signed, checkpoint_line, export_line, record_line
from sheetport.features.audit.codec.ocsf import find_sealed_text
from sheetport.features.audit.model import ChainHead, Checkpoint, Head, Link
from sheetport.features.audit.service import personal
from sheetport.kernel.actor import Actor
from sheetport.kernel.crypto import DecryptionError
from sheetport.kernel.errors import SheetportError
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: Links read at a time: each read is short.
PAGE = 500


class DamagedLog(SheetportError):
    """The log lacks what it once had; the message names the first such place."""


async def list_chains(uow: UnitOfWork, actor: Actor) -> list[ChainHead]:
    """The chains of the caller's account, in a unit of work of the log."""
    actor = require(actor, Permission.AUDIT_READ)
    return [each for each in await store.list_heads(uow) if each.checkpoint.account_id == actor.account_id]


async def list_all_chains(db: Database) -> list[ChainHead]:
    """Every chain of the server, for commands on its own machine."""
    return await db.log.read(store.list_heads)


async def export_lines(
    db: Database, chains: Sequence[ChainHead], until: dict[str, int] | None = None
) -> AsyncIterator[bytes]:
    """The lines of an export of these chains, as they were when their heads were read; the last line signs all.

    ``until`` ends chains sooner, at positions of kept checkpoints. Raises DamagedLog.
    """
    exporter = _Exporter(db)
    ends = []
    for each in chains:
        end = await _end(db, each, (until or {}).get(each.head.chain))
        ends.append(end.head)
        async for line in exporter.chain(each, end):
            yield exporter.count(line)
    yield exporter.last(ends)


async def _end(db: Database, chain: ChainHead, position: int | None) -> Checkpoint:
    if position is None or position == chain.head.position:
        return chain.checkpoint
    return await _checkpoint(db, chain.head.chain, position)


async def _checkpoint(db: Database, chain: str, position: int) -> Checkpoint:
    found = await db.log.read(lambda uow: store.list_checkpoints(uow, chain, position - 1, 1))
    if not found or found[0].head.position != position:
        raise DamagedLog(f"Chain {chain} lacks its checkpoint at record {position}.", "audit")
    return found[0]


@dataclass(slots=True)
class _Exporter:
    """What is known of the lines so far, and the persons' keys."""

    db: Database
    digest: Any = field(default_factory=hashlib.sha256)
    lines: int = 0
    keys: dict[tuple[str, str], bytes | None] = field(default_factory=dict)

    def count(self, line: bytes) -> bytes:
        self.digest.update(line)
        self.lines += 1
        return line

    def last(self, heads: Sequence[Head]) -> bytes:
        """The line that signs the export."""
        at = self.db.clock.now()
        signature = self.db.keys.sign_audit(export_text(self.digest.digest(), self.lines, at, heads))
        return export_line(self.digest.digest(), self.lines, heads, self._by_us(at, signature))

    async def chain(self, chain: ChainHead, end: Checkpoint) -> AsyncIterator[bytes]:
        """The lines of a chain: its records in order, each kept checkpoint behind what it signs."""
        name, last = chain.head.chain, end.head.position
        previous = start_of(name)
        if chain.base_position:
            base = await _checkpoint(self.db, name, chain.base_position)
            previous = base.head
            yield self._signed(base)
        kept = [each async for each in self._kept(name, previous.position)]
        while previous.position < last:
            links = await self._links(name, previous.position, last)
            rows = await self._rows(name, links)
            for each in links:
                yield await self._record(each, rows, previous)
                previous = each.head
                while kept and kept[0].head.position <= previous.position:
                    yield self._signed(kept.pop(0))
        if previous != end.head:
            raise DamagedLog(f"Chain {name} ends otherwise than its newest link says.", "audit")
        yield self._signed(end)

    async def _kept(self, chain: str, after: int) -> AsyncIterator[Checkpoint]:
        while page := await self.db.log.read(lambda uow, at=after: store.list_checkpoints(uow, chain, at, PAGE)):  # type: ignore[misc]
            for each in page:
                yield each
            after = page[-1].head.position

    async def _links(self, chain: str, after: int, last: int) -> list[Link]:
        most = min(PAGE, last - after)
        links = await self.db.log.read(lambda uow: store.list_links(uow, chain, after, most), heavy=True)
        if not links:
            raise DamagedLog(f"Chain {chain} has no record {after + 1}, though it had {last}.", "audit")
        return links

    async def _rows(self, chain: str, links: Iterable[Link]) -> dict[str, dict[str, Any]]:
        """The records of the links, wherever they lie."""
        ids = [each.record_id for each in links]
        found: dict[str, dict[str, Any]] = {}

        async def find(uow: UnitOfWork) -> dict[str, dict[str, Any]]:
            missing = [each for each in ids if each not in found]
            return await store.find_records(uow, chain, missing) if missing else {}

        for place in (self.db, self.db.log):
            found |= await place.read(find, heavy=True)
        return found

    async def _record(self, each: Link, rows: dict[str, dict[str, Any]], previous: Head) -> bytes:
        row = rows.get(each.record_id)
        if row is None:
            raise DamagedLog(
                f"Record {each.head.position} of chain {each.head.chain} ({each.record_id}) is sealed and missing: it "
                "was deleted, or the database is older than its audit log.",
                "audit",
            )
        text = find_sealed_text(row)
        if text is None or digest_of(text) != each.digest:
            raise DamagedLog(
                f"Record {each.head.position} of chain {each.head.chain} ({each.record_id}) is not what was sealed: "
                "it was changed in the database.",
                "audit",
            )
        return record_line(text, each.head, previous.hash, await self._opened(row))

    async def _opened(self, row: dict[str, Any]) -> list[Opening]:
        if row["commitments"] is None:
            return []
        try:
            return personal.opened(row, await self._key(row))
        except DecryptionError:
            raise DamagedLog(f"The personal data of record {row['id']} were changed or taken away.", "audit") from None

    async def _key(self, row: dict[str, Any]) -> bytes | None:
        whose = row["account_id"], row["subject"]
        if whose not in self.keys:
            self.keys[whose] = await self.db.read(lambda uow: personal.find_key(uow, *whose))
        return self.keys[whose]

    def _signed(self, checkpoint: Checkpoint) -> bytes:
        return checkpoint_line(checkpoint.head, self._by_us(checkpoint.sealed_at, checkpoint.signature))

    def _by_us(self, at: int, signature: bytes) -> Signed:
        return Signed(at, signature, self.db.keys.audit_public_key)
