"""What a server process does beside requests: overdue jobs, and when each credential was last used."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog

from sheetport.bootstrap import Application
from sheetport.features.auth import service as auth

OVERDUE_SECONDS = 15.0
LAST_USED_SECONDS = 30.0
_log = structlog.get_logger()


@asynccontextmanager
async def background(app: Application) -> AsyncGenerator[None, None]:
    """Run the timed work until the context ends."""

    async def flush_last_used() -> None:
        used = app.verifier.take_used()
        if used:
            await app.db.write(lambda uow: auth.flush_last_used(uow, used))

    tasks = [
        asyncio.create_task(_every(LAST_USED_SECONDS, "auth.flush-last-used", flush_last_used)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await flush_last_used()


async def _every(seconds: float, name: str, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await asyncio.sleep(seconds)
        try:
            await work()
        except Exception as error:  # noqa: BLE001 - one failed round must not end the rounds
            _log.warning("background.failed", work=name, error=type(error).__name__)
