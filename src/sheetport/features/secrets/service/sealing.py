"""Sealing entries under their environment's data key, and opening them again."""

from __future__ import annotations

from dataclasses import replace

import structlog

from sheetport.features.secrets import store
from sheetport.features.secrets.model import DataKey, Entry, Scope
from sheetport.kernel.crypto import DecryptionError, Sealed, seal, unseal
from sheetport.kernel.errors import Conflict, Unavailable
from sheetport.kernel.ids import new_id
from sheetport.storage.unit_of_work import UnitOfWork

MAX_BYTES = 64 * 1024
#: The id is fixed, so that two processes that make an environment's first key at once end with one.
_FIRST_KEY = "dk_1"
_MEMO = "secrets.data-keys"
_ATTEMPTS = 5
_UNSEALED = Sealed("", b"", b"")
_log = structlog.get_logger()


async def put(uow: UnitOfWork, scope: Scope, name: str, value: str, created_by: str) -> tuple[Entry, bool]:
    """Write ``value`` under ``name`` in exactly ``scope``; (the entry, whether it is new).

    Raises Unavailable when the environment's data key does not open.
    """
    data_key = await _key_to_seal(uow, scope)
    for _ in range(_ATTEMPTS):  # each further one only after another process made or deleted the entry between
        before = await store.lock_named(uow, scope, name)
        if before is not None:
            changed = _sealed(data_key, replace(before, version=before.version + 1), value)
            await store.reseal_entry(uow, changed)
            return changed, False
        empty = Entry(new_id("sec", scope.environment_id), scope, name, 1, _UNSEALED)
        entry = _sealed(data_key, empty, value)
        if await store.insert_entry(uow, entry, created_by):
            return entry, True
    raise Conflict(f"{name!r} is being written and deleted at this moment; try again.", "name")


async def reveal(uow: UnitOfWork, entry: Entry) -> str:
    """The value. Raises Unavailable when the row or its key was altered, or belongs to another key file."""
    try:
        data_key = await _key_to_open(uow, entry)
        return unseal(data_key.key, entry.sealed, *entry.context).decode()
    except DecryptionError:
        _log.warning("secrets.does-not-open", kind=entry.scope.kind, id=entry.id)
        message = (
            f"The {entry.scope.kind} {entry.name!r} ({entry.id}) does not open: its row was altered or sealed under "
            "another key file. Start the server with the key file of this database, or set or delete it."
        )
        raise Unavailable(message, entry.scope.kind) from None


def _sealed(data_key: DataKey, entry: Entry, value: str) -> Entry:
    return replace(entry, sealed=seal(data_key.key, data_key.id, value.encode(), *entry.context))


async def _key_to_seal(uow: UnitOfWork, scope: Scope) -> DataKey:
    """The environment's newest data key, made on first use."""
    found = await store.find_current_data_key(uow, scope.environment_id)
    if found is None:
        _, sealed = uow.keys.new_data_key(*_key_context(scope, _FIRST_KEY))
        await store.insert_data_key(uow, scope.environment_id, _FIRST_KEY, sealed)
        found = await store.find_current_data_key(uow, scope.environment_id)
    if found is None:
        raise LookupError(f"environment {scope.environment_id} has no data key")
    try:
        return _open_key(uow, scope, *found)
    except DecryptionError:
        message = (
            "The data key of this environment does not open: start the server with the key file that this database "
            "was made with (--key-file). Nothing was written."
        )
        raise Unavailable(message, "keyFile") from None


async def _key_to_open(uow: UnitOfWork, entry: Entry) -> DataKey:
    environment_id, key_id = entry.scope.environment_id, entry.sealed.key_id
    remembered: DataKey | None = uow.memo.get(_MEMO, {}).get((environment_id, key_id))
    if remembered is not None:
        return remembered
    found = await store.find_data_key(uow, environment_id, key_id)
    if found is None:
        raise DecryptionError(f"There is no data key {key_id}.")
    return _open_key(uow, entry.scope, *found)


def _open_key(uow: UnitOfWork, scope: Scope, key_id: str, sealed: Sealed) -> DataKey:
    opened = DataKey(key_id, uow.keys.open_data_key(sealed, *_key_context(scope, key_id)))
    uow.memo.setdefault(_MEMO, {})[scope.environment_id, key_id] = opened
    return opened


def _key_context(scope: Scope, key_id: str) -> tuple[str, ...]:
    return ("data-key", scope.account_id, scope.environment_id, key_id)
