"""An open database of each kind, with a schema and nothing in it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from servers.data_places import DataPlace
from sheetport.config import StorageSettings
from sheetport.kernel.clock import FakeClock
from sheetport.kernel.crypto import KeyRing
from sheetport.storage.engine import open_database
from sheetport.storage.unit_of_work import Database


@pytest.fixture
def storage(data_place: DataPlace) -> StorageSettings:
    """Where an empty database lies or will lie."""
    data_place.data.mkdir(parents=True, exist_ok=True)
    return StorageSettings(data_place.data, data_place.data.with_suffix(".key"), data_place.url)


@pytest.fixture
async def db(storage: StorageSettings) -> AsyncIterator[Database]:
    """The open database."""
    opened = await open_database(storage, KeyRing.generate(), FakeClock())
    yield opened
    await opened.close()
