"""A database closes at once, also right after a write that gave its background tasks work."""

from __future__ import annotations

import asyncio

from servers.data_places import DataPlace
from sheetport.config import StorageSettings
from sheetport.features.accounts import service as accounts
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import EnvironmentChange
from sheetport.kernel.actor import system_actor
from sheetport.kernel.crypto import KeyRing
from sheetport.storage.engine import open_database
from sheetport.storage.migrations import migrate
from sheetport.storage.unit_of_work import UnitOfWork


async def test_closing_right_after_a_write_with_events_ends(data_place: DataPlace) -> None:
    async def write(uow: UnitOfWork) -> None:
        account = await accounts.create_account(uow, "account")
        await environments.create_environment(uow, system_actor(account.id), EnvironmentChange("development", False))

    data_place.data.mkdir()
    storage = StorageSettings(data_place.data, data_place.data.with_suffix(".key"), data_place.url)
    await asyncio.to_thread(migrate, storage)
    db = await open_database(storage, KeyRing.generate())
    await db.write(write)
    async with asyncio.timeout(5):
        await db.close()
