"""What a unit of work changes of an environment's root: every write of a sealed row is noted here.

The root is a sum, so that a write adds and takes away its own rows only, however many there are. Each row counts by a
MAC under the key file: whoever has the database alone cannot find rows that add up to the same.
"""

from __future__ import annotations

from sheetport.features.secrets.model import Entry, StoredKey, Version
from sheetport.kernel.crypto import KeyRing
from sheetport.storage.unit_of_work import UnitOfWork

MODULUS = 1 << 256
_MEMO = "secrets.root-changes"
Part = str | bytes | int | None


def weigh_entry(keys: KeyRing, entry: Entry) -> int:
    scope, sealed = entry.scope, entry.sealed
    where = (scope.environment_id, scope.kind, scope.space_id, scope.actor_id)
    return _weigh(
        keys, "entry", entry.id, *where, entry.name, entry.version, sealed.key_id, sealed.nonce, sealed.ciphertext
    )


def weigh_version(keys: KeyRing, one: Version) -> int:
    scope, sealed = one.scope, one.sealed
    where = (scope.environment_id, one.secret_id, one.version, one.name, scope.space_id, scope.actor_id)
    times = (one.created_at, one.current_at, one.ended_at, one.served_until)
    return _weigh(keys, "version", *where, one.label, *times, sealed.key_id, sealed.nonce, sealed.ciphertext)


def weigh_key(keys: KeyRing, key: StoredKey) -> int:
    sealed = key.sealed
    return _weigh(keys, "key", key.environment_id, key.id, sealed.key_id, sealed.nonce, sealed.ciphertext)


def _weigh(keys: KeyRing, *parts: Part) -> int:
    return int.from_bytes(keys.stamp("sealed row", *(_bytes(part) for part in parts)), "big")


def _bytes(part: Part) -> bytes:
    if isinstance(part, bytes):
        return part
    return b"" if part is None else str(part).encode()


def note(uow: UnitOfWork, environment_id: str, change: int) -> None:
    """Have the root go up by ``change`` when it is settled."""
    changes = uow.memo.setdefault(_MEMO, {})
    changes[environment_id] = (changes.get(environment_id, 0) + change) % MODULUS


def take(uow: UnitOfWork, environment_id: str) -> int:
    """What was noted since the last call."""
    changed: int = uow.memo.setdefault(_MEMO, {}).pop(environment_id, 0)
    return changed
