"""The application in this process, without a socket, on both databases."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from servers.data_places import DataPlace
from sheetport.bootstrap import Application
from sheetport.config import HttpSettings, Settings, StorageSettings
from sheetport.kernel.clock import FakeClock
from sheetport.kernel.crypto import KeyRing
from sheetport.storage.engine import open_database
from sheetport.storage.migrations.runner import upgrade
from worlds import START, World, furnish_world


@pytest.fixture
async def world(data_place: DataPlace) -> AsyncIterator[World]:
    """A fresh world on each database."""
    data_place.data.mkdir(parents=True, exist_ok=True)
    storage = StorageSettings(data_place.data, data_place.data.with_suffix(".key"), data_place.url)
    await asyncio.to_thread(upgrade, storage)
    clock = FakeClock(START)
    db = await open_database(storage, KeyRing.generate(), clock)
    try:
        app = Application(Settings(storage, HttpSettings(), rate_limits=False), db)
        transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
        async with app.running(), httpx.AsyncClient(transport=transport, base_url="http://sheetport.test") as client:
            made = World(app, db, clock, client)
            await furnish_world(made)
            yield made
    finally:
        await db.close()
