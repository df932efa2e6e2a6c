"""Sealing entries under their environment's data key, and opening them again."""

from __future__ import annotations

from dataclasses import replace

import structlog

from sheetport.features.secrets import store
from sheetport.features.secrets.model import DataKey, Entry, Scope, StoredKey
from sheetport.kernel.crypto import DecryptionError, Sealed, UnknownKeyError, seal, unseal
from sheetport.kernel.errors import KeysOutdated, Unavailable
from sheetport.storage import identity
from sheetport.storage.unit_of_work import UnitOfWork

MAX_BYTES = 64 * 1024
#: The id is fixed, so that two processes that make an environment's first key at once end with one.
_FIRST_KEY = "dk_1"
_log = structlog.get_logger()


def seal_entry(data_key: DataKey, entry: Entry, value: str) -> Entry:
    """The entry with the value sealed in it."""
    return replace(entry, sealed=seal(data_key.key, data_key.id, value.encode(), *entry.context))


async def reveal(uow: UnitOfWork, entry: Entry) -> str:
    """The value. Raises Unavailable when the row or its key was altered, or belongs to another key file."""
    try:
        return await open_entry(uow, entry)
    except DecryptionError as error:
        _log.warning("secrets.does-not-open", kind=entry.scope.kind, id=entry.id)
        message = (
            f"The {entry.scope.kind} {entry.name!r} ({entry.id}) does not open: its row was altered or sealed under "
            "another key file. Start the server with the key file of this database, or set or delete it."
        )
        raise _refusal(error)(message, entry.scope.kind) from None


async def open_entry(uow: UnitOfWork, entry: Entry) -> str:
    """The value. Raises DecryptionError."""
    data_key = await _key_to_open(uow, entry)
    try:
        return unseal(data_key, entry.sealed, *entry.context).decode()
    except UnicodeDecodeError:
        raise DecryptionError("What opens is no text.") from None


async def key_to_seal(uow: UnitOfWork, scope: Scope) -> DataKey:
    """The environment's newest data key, made on first use; its root is locked. Raises Unavailable."""
    found = await store.find_current_data_key(uow, scope.environment_id)
    if found is None:
        await add_data_key(uow, scope, _FIRST_KEY, uow.now)
        found = await store.find_current_data_key(uow, scope.environment_id)
    if found is None:
        raise LookupError(f"environment {scope.environment_id} has no data key")
    try:
        return DataKey(found.id, open_key(uow, scope, found.id, found.sealed))
    except DecryptionError as error:
        message = (
            "The data key of this environment does not open: start the server with the key file that this database "
            "was made with (--key-file). Nothing was written."
        )
        raise _refusal(error)(message, "keyFile") from None


async def add_data_key(uow: UnitOfWork, scope: Scope, key_id: str, created_at: int) -> None:
    """A new data key, by which the environment's values are sealed from now on."""
    await identity.require_current_kek(uow)
    _, sealed = uow.keys.new_data_key(*key_context(scope, key_id))
    await store.insert_data_key(uow, StoredKey(scope.environment_id, key_id, sealed, created_at))


def open_key(uow: UnitOfWork, scope: Scope, key_id: str, sealed: Sealed) -> bytes:
    """The data key. Raises DecryptionError."""
    return uow.keys.open_data_key(sealed, *key_context(scope, key_id))


def key_context(scope: Scope, key_id: str) -> tuple[str, ...]:
    """What a data key is bound to."""
    return ("data-key", scope.account_id, scope.environment_id, key_id)


def _refusal(error: DecryptionError) -> type[Unavailable]:
    """Another process may have added the key that is missing here: that is worth another try."""
    return KeysOutdated if isinstance(error, UnknownKeyError) else Unavailable


async def _key_to_open(uow: UnitOfWork, entry: Entry) -> bytes:
    scope, key_id, wrapped = entry.scope, entry.sealed.key_id, entry.wrapped
    if wrapped is None:
        found = await store.find_data_key(uow, scope.environment_id, key_id)
        if found is None:
            raise DecryptionError(f"There is no data key {key_id}.")
        wrapped = found.sealed
    return open_key(uow, scope, key_id, wrapped)
