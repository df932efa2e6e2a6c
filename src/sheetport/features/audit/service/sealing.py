"""The sealer: chains records after their commit, many at once, and keeps readers waiting until theirs is on disk.

The lock on a chain's head row is what makes sealers of several processes take turns; on SQLite there is one sealer.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

import structlog

from sheetport.features.audit import store
from sheetport.features.audit.codec.chain import chain_of, checkpoint_text, digest_of, link, start_of
from sheetport.features.audit.codec.ocsf import sealed_text
from sheetport.features.audit.model import ChainHead, Checkpoint, Head, Link
from sheetport.features.audit.service import personal
from sheetport.features.audit.service.recording import VALUES
from sheetport.kernel.clock import MINUTE
from sheetport.kernel.errors import Unavailable
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: Records of writes wait this long for others; a read that comes meanwhile takes them along.
WINDOW_SECONDS = 0.02
#: A look for what another process has left unsealed, and the pause after a failure.
SWEEP_SECONDS = 2.0
RETRY_SECONDS = 0.5
#: Records in one transaction, so that it stays short.
MOST = 200
#: A checkpoint is kept when a chain has grown by so many records, or so much time has passed.
KEEP_RECORDS, KEEP_MILLISECONDS = 1_000, MINUTE
NOT_RECORDED = (
    "The audit log cannot be written, and what is not recorded there is not sent. Look at the server's disk and log, "
    "then try again."
)
_log = structlog.get_logger()
Rows = Sequence[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class _Waiting:
    """Reads that somebody waits for."""

    rows: list[dict[str, Any]]
    sealed: asyncio.Future[None]


class Sealer:
    """Seals the records of one database. ``failing`` is why it cannot at this moment.

    ``tell`` hears how far each chain has come.
    """

    def __init__(self, db: Database, tell: Callable[[Iterable[Head]], None] = lambda _: None) -> None:
        self._db = db
        self._tell = tell
        self._log = db.log
        self._apart = db.log is not db
        self._wake = asyncio.Event()
        self._read = asyncio.Event()
        self._written = True
        self._waiting: list[_Waiting] = []
        self._sealed_seq = 0
        self._turn = asyncio.Lock()
        self.failing: str | None = None
        db.on_audit(self._note_written)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Seal until the context ends, and what is left then."""
        await self.look_again()
        self._db.on_reads(self.seal_reads)
        self._wake.set()
        task = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            try:
                await self.seal_all()
            except Exception as error:  # noqa: BLE001 - a server whose database is gone stops all the same
                self._fail(error)

    async def seal_reads(self, rows: list[dict[str, Any]]) -> None:
        """Protect and seal the records of reads. Returns once they are on disk; raises Unavailable."""
        for row in rows:
            await self._protect(row)
        waiting = _Waiting(rows, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        self._read.set()
        self._wake.set()
        await waiting.sealed

    async def look_again(self) -> None:
        """Find anew what is sealed, after old records were deleted."""
        async with self._turn:
            self._written = True
            self._sealed_seq = self._db.audit_floor = await self._log.read(store.newest_sealed_seq)

    async def seal_all(self) -> None:
        """Seal every record there is. Raises Unavailable."""
        self._written = True
        while await self._seal([]):
            continue

    def _note_written(self) -> None:
        self._written = True
        self._wake.set()

    async def _protect(self, row: dict[str, Any]) -> None:
        values, account, subject = row.pop(VALUES), row["account_id"], row["subject"]
        if not values:
            return
        key = personal.remembered_key(self._db.keys.check_value(), account, subject)
        if key is None:

            async def find(uow: UnitOfWork) -> bytes | None:
                return await personal.subject_key(uow, account, subject)

            key = await self._db.write(find)
        personal.protect(row, key, values)

    async def _go_on(self) -> None:
        while True:
            if not await _set_within(self._wake, SWEEP_SECONDS):
                self._written = True  # by whom nobody told of it
            self._wake.clear()
            await _set_within(self._read, WINDOW_SECONDS)
            self._read.clear()
            await self._seal_waiting()

    async def _seal_waiting(self) -> None:
        """Seal what is there now, and answer who waits for it, whatever comes of it."""
        waiting, self._waiting = self._waiting, []
        try:
            more = await self._seal([row for each in waiting for row in each.rows])
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may get what is not recorded
            self._fail(error)
            for each in waiting:
                if not each.sealed.done():
                    each.sealed.set_exception(_unavailable(error))
            await _set_within(self._read, RETRY_SECONDS)
            self._note_written()
            return
        except asyncio.CancelledError:
            for each in waiting:
                each.sealed.cancel()
            raise
        if self.failing is not None:
            self.failing, self._db.log_ready = None, True
            _log.info("audit.sealing-again")
        for each in waiting:
            if not each.sealed.done():
                each.sealed.set_result(None)
        if more:
            self._wake.set()

    def _fail(self, error: Exception) -> None:
        if self.failing is None:
            _log.error("audit.sealing-failed", error=type(error).__name__)
        self.failing, self._db.log_ready = _unavailable(error).message, False

    async def _seal(self, reads: Rows) -> bool:
        """Seal these reads and what writes have left; whether there is more of the latter.

        It goes on when its caller is cancelled: what is committed must be known to be.
        """
        return await asyncio.shield(asyncio.ensure_future(self._seal_in_turn(reads)))

    async def _seal_in_turn(self, reads: Rows) -> bool:
        async with self._turn:
            return await self._seal_now(reads)

    async def _seal_now(self, reads: Rows) -> bool:
        written: Rows = []
        if self._apart and self._written:
            after, self._written = self._sealed_seq, False
            written = await self._db.read(lambda uow: store.list_unsealed_after(uow, after, MOST))
            self._written |= len(written) == MOST  # others may have written meanwhile
        if not written and not reads and self._apart and self.failing is None:
            return False

        async def work(uow: UnitOfWork) -> tuple[Rows, list[Link]]:
            if self._apart:
                if self.failing is not None:
                    await store.put_marks(uow, [start_of("probe")])  # something to write: does that work again?
                return written, await seal(uow, written, reads, uow.now)
            return await _seal_together(uow, reads)

        done, links = await self._log.write(work, lane="audit")
        self._tell({each.head.chain: each.head for each in links}.values())
        if self._apart and done:
            self._sealed_seq = max(row["seq"] for row in done)
        return len(done) == MOST


async def _set_within(event: asyncio.Event, seconds: float) -> bool:
    """Whether the event is set, or comes to be before so many seconds are over."""
    if not event.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await event.wait()
    return event.is_set()


async def seal(uow: UnitOfWork, written: Rows, reads: Rows, at: int) -> list[Link]:
    """Chain records and sign the heads, in a unit of work of the log."""
    rows = [*written, *reads]
    if not rows:
        return []
    heads = await _heads(uow, rows, at)
    links, moved = _chained(heads, rows, at)
    if reads:
        positions = {each.record_id: each.head.position for each in links}
        for row in reads:
            row |= {"chain_position": positions[row["id"]], "chain_hash": None, "sealed_at": None}
        await store.insert_reads(uow, reads)
    await store.insert_links(uow, links)
    await store.move_heads(uow, [await _signed(uow, heads[each.chain], each, at) for each in moved])
    return links


async def _seal_together(uow: UnitOfWork, reads: Rows) -> tuple[Rows, list[Link]]:
    """Seal where records and chains lie in one database, to which other processes write too."""
    seen = await store.list_unsealed(uow, MOST)
    if seen:
        await _heads(uow, [*seen, *reads], uow.now)  # now that the chains are locked, all at once, look again
        chains = {_chain(row) for row in seen}
        seen = [row for row in await store.list_unsealed(uow, MOST) if _chain(row) in chains]
    links = await seal(uow, seen, reads, uow.now)
    environments = {row["id"]: row["environment_id"] for row in seen}
    await store.mark_records_sealed(uow, [each for each in links if each.record_id in environments], environments)
    return seen, links


async def _heads(uow: UnitOfWork, rows: Iterable[dict[str, Any]], at: int) -> dict[str, ChainHead]:
    """The locked heads of the rows' chains, which begin here if they have not."""
    accounts = {_chain(row): row["account_id"] for row in rows}
    heads = await store.lock_heads(uow, accounts)
    new = sorted(accounts.keys() - heads.keys())
    for chain in new:
        begun = Checkpoint(start_of(chain), accounts[chain], at, b"")
        await store.start_head(uow, ChainHead(begun, 0, 0, at))
    return await store.lock_heads(uow, accounts) if new else heads


def _chained(heads: dict[str, ChainHead], rows: Iterable[dict[str, Any]], at: int) -> tuple[list[Link], list[Head]]:
    """The rows' links, and where each of their chains stands after them."""
    stands = {chain: found.head for chain, found in heads.items()}
    links, moved = [], {}
    for row in rows:
        before = stands[_chain(row)]
        digest = digest_of(sealed_text(row))
        head = stands[before.chain] = Head(before.chain, before.position + 1, link(before.hash, digest))
        moved[head.chain] = head
        links.append(Link(head, row["id"], digest, row.get("seq"), at))
    return links, list(moved.values())


async def _signed(uow: UnitOfWork, before: ChainHead, head: Head, at: int) -> ChainHead:
    """The chain's new head, signed; from time to time it is kept as a checkpoint."""
    signature = uow.keys.sign_audit(checkpoint_text(head, at))
    made = Checkpoint(head, before.checkpoint.account_id, at, signature)
    grown = head.position - before.checkpoint_position >= KEEP_RECORDS
    if not grown and at - before.checkpoint_at < KEEP_MILLISECONDS:
        return replace(before, checkpoint=made)
    await store.insert_checkpoint(uow, made)
    return ChainHead(made, before.base_position, head.position, at)


def _chain(row: dict[str, Any]) -> str:
    return chain_of(row["environment_id"], row["account_id"])


def _unavailable(error: Exception) -> Unavailable:
    why = f" ({error.message.partition(';')[0]})" if isinstance(error, Unavailable) else ""
    return Unavailable(NOT_RECORDED.replace(",", f"{why},", 1), "audit")
