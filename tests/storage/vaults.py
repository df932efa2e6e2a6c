"""An open database with secrets in it, as those with the key file and those with the database alone see it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update

from servers.data_places import DataPlace
from sheetport.config import StorageSettings
from sheetport.features.accounts import service as accounts
from sheetport.features.audit.service import Sealer
from sheetport.features.environments import service as environments
from sheetport.features.environments.model import EnvironmentChange
from sheetport.features.secrets import service
from sheetport.features.secrets.model import Secret
from sheetport.kernel.actor import Actor, system_actor
from sheetport.storage import data_directory, identity
from sheetport.storage.engine import open_database
from sheetport.storage.migrations import migrate
from sheetport.storage.tables.secrets import secrets
from sheetport.storage.unit_of_work import Database, Row, UnitOfWork


@dataclass
class Vault:
    """An open database with two environments of one account."""

    db: Database
    settings: StorageSettings
    actor: Actor
    one: str
    two: str

    async def put(self, name: str, value: str, environment_id: str | None = None) -> list[Secret]:
        where = environment_id or self.one
        return await self.db.write(lambda uow: service.upsert_secret(uow, self.actor, name, value, where))

    async def read(self, environment_id: str | None = None) -> dict[str, str]:
        where = environment_id or self.one
        found = await self.db.write(lambda uow: service.list_secrets(uow, self.actor, where))
        return {secret.name: secret.value for secret in found}

    async def rows(self, table: Any) -> list[Row]:
        return await self.db.read(lambda uow: uow.fetch_all(select(table)))

    async def sealed(self, name: str) -> Row:
        (row,) = [row for row in await self.rows(secrets) if row["name"] == name]
        return row

    async def alter(self, name: str, **values: Any) -> None:
        """What somebody with the database, and not the key file, can do to a row."""
        await self.db.write(lambda uow: uow.execute(update(secrets).where(secrets.c.name == name).values(**values)))


@asynccontextmanager
async def opened_vault(place: DataPlace) -> AsyncGenerator[Vault, None]:
    """A fresh one, with a key file of its own."""
    place.data.parent.mkdir(parents=True, exist_ok=True)
    settings = StorageSettings(place.data, place.data.with_suffix(".key"), place.url)
    keys = data_directory.create(settings)
    await asyncio.to_thread(migrate, settings)
    db = await open_database(settings, keys)

    async def furnish(uow: UnitOfWork) -> Vault:
        await identity.claim(uow)
        account = await accounts.create_account(uow, "account")
        actor = system_actor(account.id)
        one, two = [
            await environments.create_environment(uow, actor, EnvironmentChange(name, is_prod=False))
            for name in ("one", "two")
        ]
        return Vault(db, settings, actor, one.id, two.id)

    async with Sealer(db).running():
        yield await db.write(furnish)
    await db.close()
