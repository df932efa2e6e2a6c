"""The application on data that are there already, opened as a server opens them, for tests over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from sheetport.bootstrap import Application
from sheetport.config import HttpSettings, Settings, StorageSettings
from sheetport.kernel.clock import FakeClock
from sheetport.storage import data_directory, identity
from sheetport.storage.engine import open_database


@asynccontextmanager
async def reopened(storage: StorageSettings, at: int) -> AsyncIterator[httpx.AsyncClient]:
    """Calls to the application, at a time. Raises WrongKeyError as a server does."""
    keys = data_directory.load_keys(storage)
    db = await open_database(storage, keys, FakeClock(at))
    try:
        db.keys = keys.at_epoch(await db.read(identity.check))
        app = Application(Settings(storage, HttpSettings(), rate_limits=False), db)
        transport = httpx.ASGITransport(app=app)
        async with app.running(), httpx.AsyncClient(transport=transport, base_url="http://sheetport.test") as client:
            yield client
    finally:
        await db.close()
