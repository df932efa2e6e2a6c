"""How many streams and polls an environment may hold open in this process.

The few environments with a limit of their own are known here, so that nobody who begins to follow waits for the
database; a changed limit is known after REFRESH_SECONDS at the latest.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import structlog

from sheetport.features.quotas import service as quotas
from sheetport.storage.unit_of_work import Database

REFRESH_SECONDS = 15.0
_log = structlog.get_logger()


class StreamLimits:
    """The limits of one process; ``default`` is the server's."""

    def __init__(self, db: Database, default: int) -> None:
        self._db = db
        self._default = default
        self._own: dict[str, int] = {}

    def require_room(self, environment_id: str, opened: int) -> None:
        """Raise TooMany unless one more may be opened beside the ``opened`` ones."""
        limit = self._own.get(environment_id, self._default)
        if opened >= limit:
            raise quotas.too_many_streams(environment_id, limit)

    async def refresh(self) -> None:
        """Look which environments have a limit of their own."""
        self._own = await self._db.read(quotas.list_stream_limits)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Know the limits from now on until the context ends."""
        await self.refresh()
        task = asyncio.create_task(self._keep_fresh())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _keep_fresh(self) -> None:
        while True:
            await asyncio.sleep(REFRESH_SECONDS)
            try:
                await self.refresh()
            except Exception as error:  # noqa: BLE001 - one failed round must not end the rounds
                _log.warning("stream-limits.not-read", error=type(error).__name__)
