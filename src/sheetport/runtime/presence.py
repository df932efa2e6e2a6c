"""Keeps the table of connected listeners: written when one comes or goes, never while it waits."""

from __future__ import annotations

import asyncio
import os
import socket
from dataclasses import dataclass

import structlog

from sheetport.features.events import service as events
from sheetport.features.events.model import Grant, ListenerRow
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: A listener whose last poll ended this long ago, without another, is gone.
GONE_SECONDS = 30.0
NAME_LENGTH = 200
_log = structlog.get_logger()


@dataclass(slots=True)
class _Present:
    row: ListenerRow
    polls: int = 0
    timer: asyncio.TimerHandle | None = None


class Presence:
    """The listeners of this process."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._host = socket.gethostname()
        self._process = f"{self._host}:{os.getpid()}"
        self._present: dict[str, _Present] = {}
        self._changes: dict[str, tuple[ListenerRow, bool]] = {}
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Forget what ended processes of this host have left, and begin to write."""
        await self._db.write(self._forget_ended)
        self._task = asyncio.create_task(self._write_changes())

    async def stop(self) -> None:
        """Forget the listeners of this process."""
        for present in self._present.values():
            if present.timer is not None:
                present.timer.cancel()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        try:
            await self._db.write(lambda uow: events.forget_process(uow, self._process))
        except Exception as error:  # noqa: BLE001 - a stop must not fail; the next start on this host forgets them
            _log.warning("presence.not-written", error=type(error).__name__)

    def count(self) -> int:
        """Listeners that are here, between two polls too."""
        return len(self._present)

    def seen(self, grant: Grant, name: str) -> None:
        """A poll has begun."""
        present = self._present.get(grant.id)
        if present is None:
            row = ListenerRow(
                grant.channel.environment_id,
                grant.id,
                grant.channel.scope,
                _printable(name),
                self._process,
                self._db.clock.now(),
            )
            present = self._present[grant.id] = _Present(row)
            self._note(row, here=True)
        present.polls += 1
        if present.timer is not None:
            present.timer.cancel()
            present.timer = None

    def idle(self, grant: Grant) -> None:
        """A poll has ended; another is expected soon."""
        present = self._present.get(grant.id)
        if present is None:
            return
        present.polls -= 1
        if present.polls == 0:
            present.timer = asyncio.get_running_loop().call_later(GONE_SECONDS, self.left, grant)

    def left(self, grant: Grant) -> None:
        """A listener is gone."""
        present = self._present.pop(grant.id, None)
        if present is None:
            return
        if present.timer is not None:
            present.timer.cancel()
        self._note(present.row, here=False)

    def _note(self, row: ListenerRow, *, here: bool) -> None:
        self._changes[row.id] = (row, here)
        self._changed.set()

    async def _write_changes(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            changes, self._changes = self._changes, {}
            come = [row for row, here in changes.values() if here]
            gone = [row for row, here in changes.values() if not here]
            try:
                await self._write(come, gone)
            except Exception as error:  # noqa: BLE001 - one failed round must not end the rounds
                _log.warning("presence.not-written", error=type(error).__name__)

    async def _write(self, come: list[ListenerRow], gone: list[ListenerRow]) -> None:
        await self._db.write(lambda uow: events.record_listeners(uow, come, gone))

    async def _forget_ended(self, uow: UnitOfWork) -> None:
        for process in await events.list_processes(uow):
            host, _, pid = process.rpartition(":")
            if host == self._host and (int(pid) == os.getpid() or not _runs(int(pid))):
                await events.forget_process(uow, process)


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _printable(name: str) -> str:
    return "".join(letter for letter in name if letter.isprintable())[:NAME_LENGTH]
