"""The file that holds the first set-up link: gone once the link has ended, used or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from sheetport.features.links.model import LIFETIMES, Purpose
from sheetport.kernel.clock import SECOND
from sheetport.storage import data_directory

#: How often is looked whether the link has ended, in seconds; only while there is a file.
LOOK_SECONDS = 30.0


@asynccontextmanager
async def expiring_first_run(data: Path) -> AsyncGenerator[None, None]:
    """Remove the file when its link has expired, at once or while the context lasts."""
    task = asyncio.create_task(_watch(data))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(data: Path) -> None:
    is_there = data_directory.keep_first_run(data, LIFETIMES[Purpose.SETUP] / SECOND)
    while is_there:
        await asyncio.sleep(LOOK_SECONDS)
        is_there = data_directory.keep_first_run(data, LIFETIMES[Purpose.SETUP] / SECOND)
