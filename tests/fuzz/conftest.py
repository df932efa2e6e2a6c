"""A world on each database, and how long to look for faults."""

from __future__ import annotations

import os
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


@pytest.fixture
def more() -> int:
    """How many times as much as by default: SHEETPORT_FUZZ_EXAMPLES, for a long run by hand."""
    return int(os.environ.get("SHEETPORT_FUZZ_EXAMPLES", "1"))
