"""What audit records know of persons: under a key of each person's own, so that deleting it erases all of it.

The chain seals commitments in its place, which tell nothing without that key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sheetport.features.audit import store
from sheetport.features.audit.codec.chain import commitment, salt_of
from sheetport.features.audit.codec.lines import Opening
from sheetport.kernel.crypto import DecryptionError, Sealed, seal, unseal
from sheetport.kernel.json import dumps, loads
from sheetport.storage.unit_of_work import UnitOfWork

_NONCE = 12
_PURPOSE = "audit value"
_MADE = "audit.subjects-made"
#: More opened keys than this, and all are forgotten: a bound, not a policy.
MAX_REMEMBERED = 10_000
#: By key file, account and person: keys that have been found in the database, never ones not yet committed.
_remembered: dict[tuple[str, str, str], bytes] = {}


async def subject_key(uow: UnitOfWork, account_id: str, subject: str) -> bytes | None:
    """The person's key; None for one who was erased. Makes it on first use, in a unit of work that writes."""
    place = (uow.keys.check_value(), account_id, subject)
    known = _remembered.get(place)
    if known is not None:
        return known
    made: dict[str, bytes] = uow.memo.setdefault(_MADE, {})
    if subject in made:
        return made[subject]
    row = await store.find_subject(uow, account_id, subject)
    if row is None:
        _, sealed = uow.keys.new_subject_key(account_id, subject)
        await store.insert_subject(uow, account_id, subject, sealed.nonce, sealed.ciphertext)
        row = await store.find_subject(uow, account_id, subject)
        if row is not None and row["sealed_key"] is not None:
            made[subject] = _open(uow, row, account_id, subject)
        return made.get(subject)
    if row["sealed_key"] is None:
        return None
    return remember(place, _open(uow, row, account_id, subject))


async def find_key(uow: UnitOfWork, account_id: str, subject: str) -> bytes | None:
    """The person's key as the database has it now; None for one who was erased, or of whom nothing is kept."""
    row = await store.find_subject(uow, account_id, subject)
    if row is None or row["sealed_key"] is None:
        return None
    return _open(uow, row, account_id, subject)


def remembered_key(check_value: str, account_id: str, subject: str) -> bytes | None:
    """The person's key, if it is in memory."""
    return _remembered.get((check_value, account_id, subject))


def remember(place: tuple[str, str, str], key: bytes) -> bytes:
    if len(_remembered) >= MAX_REMEMBERED:
        _remembered.clear()
    _remembered[place] = key
    return key


def forget(check_value: str, account_id: str, subject: str) -> None:
    """Drop a person's key from memory."""
    _remembered.pop((check_value, account_id, subject), None)


def protect(row: dict[str, Any], key: bytes | None, values: Mapping[str, str]) -> None:
    """Put the values into a record's row: as commitments, and sealed under the person's key.

    Of a person who was erased nothing is kept.
    """
    if key is None or not values:
        return
    record_id = row["id"]
    row["commitments"] = dumps(
        {name: commitment(salt_of(key, record_id, name), name, value) for name, value in values.items()}
    )
    sealed = seal(key, _PURPOSE, dumps(dict(values)).encode(), record_id)
    row["personal"] = sealed.nonce + sealed.ciphertext


def opened(row: Mapping[str, Any], key: bytes | None) -> list[Opening]:
    """The values that are not erased, with what shows that they are those of the commitments.

    Raises DecryptionError when they were altered or taken away.
    """
    if key is None or row["commitments"] is None:
        return []
    if row["personal"] is None:
        raise DecryptionError("The values are gone, and nobody erased them.")
    held = bytes(row["personal"])
    text = unseal(key, Sealed(_PURPOSE, held[:_NONCE], held[_NONCE:]), row["id"])
    return [Opening(name, value, salt_of(key, row["id"], name)) for name, value in loads(text).items()]


def _open(uow: UnitOfWork, row: Any, account_id: str, subject: str) -> bytes:
    return uow.keys.open_subject_key(bytes(row["nonce"]), bytes(row["sealed_key"]), account_id, subject)
