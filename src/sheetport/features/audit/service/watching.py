"""Remembers, beside the log, how far its chains have come: in the main database, and in the anchor if there is one.

What is found at the start to have been set back stays told, in the log and by readiness, until somebody accepts it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import structlog

from sheetport.features.audit import store
from sheetport.features.audit.model import ChainHead, Head
from sheetport.features.audit.service.checking import find_rollback
from sheetport.features.audit.service.exporting import DamagedLog, export_lines
from sheetport.features.audit.service.recording import record
from sheetport.kernel.actor import system_actor
from sheetport.storage import identity
from sheetport.storage.anchor import Anchor, AnchorError, Place, read_anchor, write_anchor
from sheetport.storage.unit_of_work import Database, UnitOfWork

SECONDS = 1.0
SET_BACK, ACCEPTED = store.SET_BACK, store.ACCEPTED
_log = structlog.get_logger()

#: By environment, what its secrets are: a count of changes, SEQUENCE bytes that only go up, then a MAC.
Roots = Callable[[UnitOfWork], Awaitable[dict[str, bytes]]]
SEQUENCE = 8


async def no_roots(_: UnitOfWork) -> dict[str, bytes]:
    """Where nobody says what secrets there are."""
    return {}


class Watch:
    """``fault`` says what was set back, or cannot be remembered at this moment; None when all is well."""

    def __init__(self, db: Database, folder: Path | None, roots: Roots = no_roots) -> None:
        self._db = db
        self._folder = folder
        self._roots = roots
        self._moved: dict[str, Head] = {}
        self._rollback: str | None = None
        self._unwritten: str | None = None

    @property
    def fault(self) -> str | None:
        return self._rollback or self._unwritten

    def note(self, heads: Iterable[Head]) -> None:
        """Hear how far chains have come."""
        for head in heads:
            self._moved[head.chain] = head

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Look whether anything was set back, then remember each second until the context ends, and once more."""
        await self._look()
        task = asyncio.create_task(self._go_on())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            await self.keep()

    async def find_rollback(self) -> str | None:
        """What was set back, found at little cost."""
        try:
            anchor = read_anchor(self._folder, self._db.keys) if self._folder is not None else None
        except AnchorError as error:
            return str(error)
        if anchor is not None and await self._db.read(identity.check) < anchor.security_epoch:
            return f"The database was set back behind a restore that the anchor {anchor.file} remembers."
        found = await find_rollback(self._db, anchor)
        if found is not None or anchor is None:
            return found
        return _older_root(anchor, await self._db.read(self._roots))

    async def _look(self) -> None:
        """Find what was set back, now or before, and record it where it is new."""
        found, known = await self.find_rollback(), await self._db.read(store.find_set_back)
        self._rollback = found or known
        if found is not None:
            _log.error("audit.set-back", reason=found)
        if found is not None and known is None:
            await self._db.write(lambda uow: record(uow, system_actor(""), SET_BACK, reason=found))

    async def keep(self) -> None:
        """Remember what has been heard. While something is set back, what is remembered stays as it is."""
        moved, self._moved = self._moved, {}
        if not moved or self._rollback is not None:
            return
        try:
            if self._db.log is not self._db:
                await self._db.write(lambda uow: store.put_marks(uow, moved.values()))
            await self._anchor()
            self._unwritten = None
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and tried again
            self._moved = moved | self._moved
            if self._unwritten is None:
                _log.warning("audit.not-anchored", error=type(error).__name__)
            self._unwritten = "How far the audit log has come cannot be remembered."

    async def accept(self) -> str | None:
        """Go on from what is there now, and record that; what had been set back. Called when somebody says so."""
        found = await self.find_rollback() or await self._db.read(store.find_set_back)
        if found is None:
            return None

        async def work(uow: UnitOfWork) -> None:
            await record(uow, system_actor(""), ACCEPTED, reason=found)
            await store.forget_marks(uow)

        await self._db.write(work)
        await self._begin_anew()
        self._rollback = None
        await self._anchor()
        return found

    async def _begin_anew(self) -> None:
        """Have chains that lack records begin behind what they lack; what is left of it is in no export."""
        for chain in await self._db.log.read(store.list_heads):
            if not await self._is_whole(chain):
                await self._db.log.write(partial(_rebase, chain=chain))

    async def _is_whole(self, chain: ChainHead) -> bool:
        try:
            async for _ in export_lines(self._db, [chain]):
                pass
        except DamagedLog:
            return False
        return True

    async def _anchor(self) -> None:
        if self._folder is not None:
            await anchor(self._db, self._folder, self._roots)

    async def _go_on(self) -> None:
        while True:
            await asyncio.sleep(SECONDS)
            await self.keep()


async def _rebase(uow: UnitOfWork, chain: ChainHead) -> None:
    await store.insert_checkpoint(uow, chain.checkpoint)
    await store.set_base(uow, chain.head.chain, chain.head.position)


async def anchor(db: Database, folder: Path, roots: Roots = no_roots) -> None:
    """Write what the anchor has to remember. Raises OSError, and Unavailable."""
    heads = [each.head for each in await db.log.read(store.list_heads)]
    epoch, found = await db.read(identity.check), await db.read(roots)
    places, spelled = [Place(*head) for head in heads], {name: root.hex() for name, root in found.items()}
    await asyncio.to_thread(write_anchor, folder, db.keys, db.clock.now(), epoch, places, spelled)


def _older_root(anchor: Anchor, roots: Mapping[str, bytes]) -> str | None:
    """The first environment whose secrets are not what the anchor has seen, or anything later."""
    for environment, seen in anchor.secret_roots.items():
        had, has = bytes.fromhex(seen), roots.get(environment)
        if has is None:  # without its environment; that it is gone, its chain tells
            continue
        if has[:SEQUENCE] < had[:SEQUENCE] or (has[:SEQUENCE] == had[:SEQUENCE] and has != had):
            return f"The secrets of environment {environment} were set back or altered. The anchor remembers them."
    return None
