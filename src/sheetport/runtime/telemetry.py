"""How the server does: whether it is ready for requests, and what Prometheus is told."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import structlog

from sheetport import __version__
from sheetport.config import ProcessSettings
from sheetport.features.jobs import service as jobs
from sheetport.http.metrics import Counters, Shared, Snapshot, render
from sheetport.kernel.clock import SECOND
from sheetport.runtime.hub import Hub
from sheetport.runtime.siblings import ask_siblings, telling
from sheetport.storage.dialects.event_sql import OUTBOX
from sheetport.storage.migrations.current import is_current
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: A database that takes longer than this to answer does not answer.
DATABASE_SECONDS = 2.0
#: Counting jobs reads many rows: it is done this often at most, however often somebody asks.
JOBS_SECONDS = 15.0
_log = structlog.get_logger()


class Telemetry:
    """``closing`` is set once this process takes leave."""

    def __init__(self, db: Database, hub: Hub, process: ProcessSettings, audit_fault: Callable[[], str | None]) -> None:
        self.counters = Counters()
        self.closing = False
        self._db = db
        self._hub = hub
        self._process = process
        self.audit_fault = audit_fault
        self._started = time.time()
        self._jobs: dict[str, int] = {}
        self._jobs_due = 0.0

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Let the sibling processes ask, where there are any."""
        async with AsyncExitStack() as stack:
            if self._process.siblings is not None:
                folder, worker = self._process.siblings, self._process.worker
                await stack.enter_async_context(telling(folder, worker, self.snapshot))
            yield

    async def failing(self) -> str | None:
        """The name of the check by which this process is not ready: stopping, database, schema or audit; else None."""
        if self.closing:
            return "stopping"
        current = await self._asked_in_time()
        if current is None:
            return "database"
        if not current:
            return "schema"
        return "audit" if self.audit_fault() is not None else None

    async def page(self) -> bytes:
        """The metrics of every process of this server."""
        snapshots = [self.snapshot()]
        if self._process.siblings is not None:
            snapshots += await ask_siblings(self._process.siblings, self._process.worker)
        return render(await self._shared(), snapshots)

    def snapshot(self) -> Snapshot:
        """This process."""
        load = self._db.load
        return Snapshot(
            worker=self._process.worker,
            requests=self.counters.rows(),
            queue_length=load.waiting,
            queue_turns=load.turns,
            queue_waited=load.waited,
            subscribers=self._hub.count_waiting(),
            listeners=self._hub.presence.count(),
            resident=int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize(),
            cpu=time.process_time(),
            descriptors=len(os.listdir("/proc/self/fd")),
            started=self._started,
        )

    async def _asked_in_time(self) -> bool | None:
        """Whether the schema is current; None when the database does not say in time."""
        try:
            async with asyncio.timeout(DATABASE_SECONDS):
                return await self._db.read(is_current)
        except Exception as error:  # noqa: BLE001 - whatever keeps the database away, the answer is that it is
            _log.warning("database.no-answer", error=type(error).__name__)
            return None

    async def _shared(self) -> Shared:
        kind = "postgresql" if self._db.shared else "sqlite"
        if await self._asked_in_time() is None:
            return Shared(__version__, kind, database_up=False)
        waiting, lag = await self._db.read(_outbox)
        await self._count_jobs()
        return Shared(__version__, kind, True, waiting, lag, self._jobs)

    async def _count_jobs(self) -> None:
        now = time.monotonic()
        if now >= self._jobs_due:
            self._jobs_due = now + JOBS_SECONDS
            self._jobs = await self._db.read(jobs.count_by_status, heavy=True)


async def _outbox(uow: UnitOfWork) -> tuple[int, float]:
    """Events that wait for their position, and seconds since the oldest of them was written."""
    row = await uow.fetch_one(OUTBOX)
    if row is None or row["oldest"] is None:
        return 0, 0.0
    return row["waiting"], max(0, uow.now - row["oldest"]) / SECOND
