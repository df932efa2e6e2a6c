"""The application in this process, without a socket, on both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from servers.data_places import DataPlace
from sheetport.config import StorageSettings
from worlds import World, opened_world


@pytest.fixture
async def world(data_place: DataPlace) -> AsyncIterator[World]:
    """A fresh world on each database."""
    storage = StorageSettings(data_place.data, data_place.data.with_suffix(".key"), data_place.url)
    async with opened_world(storage) as opened:
        yield opened
