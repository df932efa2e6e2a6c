"""An open database of each kind, with a schema and nothing in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from servers.data_places import DataPlace
from sheetport.config import StorageSettings
from sheetport.kernel.clock import FakeClock
from sheetport.kernel.crypto import KeyRing
from sheetport.storage.engine import open_database
from sheetport.storage.migrations.runner import upgrade
from sheetport.storage.unit_of_work import Database


@pytest.fixture
def storage(data_place: DataPlace) -> StorageSettings:
    """Where an empty, migrated database lies."""
    data_place.data.mkdir(parents=True)
    return StorageSettings(data_place.data, data_place.data.with_suffix(".key"), data_place.url)


@pytest.fixture
async def db(storage: StorageSettings) -> AsyncIterator[Database]:
    """The open database."""
    await asyncio.to_thread(upgrade, storage)
    opened = await open_database(storage, KeyRing.generate(), FakeClock())
    yield opened
    await opened.close()
