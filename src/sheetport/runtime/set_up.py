"""Sets a server up: directory, key file, schema, first account."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from sheetport.config import Settings
from sheetport.features.setup import service as setup
from sheetport.features.setup.model import SetupResult
from sheetport.kernel.crypto import KeyRing
from sheetport.storage import data_directory, identity
from sheetport.storage.engine import open_database
from sheetport.storage.migrations import migrate, read_schema
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: The first administrator's address until the setup link is used.
PLACEHOLDER_EMAIL = "admin@localhost"


@dataclass(frozen=True, slots=True)
class FirstRun:
    """What set-up made; ``setup_link`` is there when no password was given."""

    result: SetupResult = field(repr=False)
    setup_token: str | None = field(default=None, repr=False)


def initialise(settings: Settings, email: str, password_hash: str | None) -> FirstRun:
    """Set everything up, or nothing. Raises DataDirectoryError, SheetportError or ConfigError."""
    keys = data_directory.create(settings.storage)
    try:
        migrate(settings.storage)
        made = asyncio.run(_furnish(settings, keys, email, password_hash))
    except BaseException:
        data_directory.undo_create(settings.storage)
        raise
    data_directory.mark_initialised(settings.storage)
    return made


def join(settings: Settings) -> None:
    """Make this host one more of a server whose key file it was given; nothing is changed but its own directory.

    Raises DataDirectoryError, WrongKeyError or SchemaError.
    """
    found = read_schema(settings.storage).key_check
    if found is None:
        raise identity.WrongKeyError(identity.NO_SERVER)
    if found != data_directory.load_keys(settings.storage).check_value():
        raise identity.WrongKeyError(identity.FOREIGN_KEY)
    data_directory.join(settings.storage)


async def _furnish(settings: Settings, keys: KeyRing, email: str, password_hash: str | None) -> FirstRun:
    db = await open_database(settings.storage, keys)

    async def furnish(uow: UnitOfWork) -> FirstRun:
        if await identity.is_claimed(uow):
            raise data_directory.DataDirectoryError(
                "This database already holds a server; nothing was changed. Start it with 'sheetport serve', "
                "or give --database-url an empty database."
            )
        await identity.claim(uow)
        result = await setup.create_first_account(
            uow, account_name="My company", email=email, password_hash=password_hash
        )
        token = None
        if password_hash is None:
            token = await setup.create_setup_link(uow, result.account.id, result.user.id)
        return FirstRun(result, token)

    try:
        return await db.write(furnish)
    finally:
        await db.close()


async def open_for_serving(settings: Settings, keys: KeyRing) -> Database:
    """The database, once it is sure that the key file is its own. Raises WrongKeyError."""
    db = await open_database(settings.storage, keys)
    try:
        db.keys = await newest_keys(db, keys)
    except BaseException:
        await db.close()
        raise
    return db


async def newest_keys(db: Database, keys: KeyRing) -> KeyRing:
    """A key file's ring as this database takes it: in its security epoch, sealing under the key in force."""
    epoch = await db.read(identity.check)
    kek_id = keys.newer_kek(keys.current_kek, await db.read(identity.find_kek))
    return keys.using(kek_id).at_epoch(epoch)
