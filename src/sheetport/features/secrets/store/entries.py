"""SQL of sealed entries: the value in force of each secret and variable."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import and_, bindparam, delete, func, or_, select, update

# Its ON CONFLICT DO NOTHING reads the same on both databases; a plain insert has none.
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.secrets.model import Entry, EntryName, Node, Scope
from sheetport.features.secrets.store.changes import note, weigh_entry
from sheetport.kernel.crypto import Sealed
from sheetport.kernel.json import dumps, loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import places
from sheetport.storage.tables.secrets import data_keys, secrets
from sheetport.storage.unit_of_work import Row, UnitOfWork

_SCHEDULE = {"rotate_days", "rotate_at", "reminded_at"}
_COLUMNS = tuple(column.name for column in secrets.columns if column.name not in _SCHEDULE)
_OF_KIND = (secrets.c.environment_id == bindparam("environment"), secrets.c.kind == bindparam("entry_kind"))
_IN_SPACE = secrets.c.space_id == bindparam("space")
_OF_ACTOR = secrets.c.actor_id == bindparam("actor")
#: The data key comes along: to look it up would be a round trip of its own for every reading.
_WITH_KEY = select(
    secrets,
    data_keys.c.kek_id.label("its_kek"),
    data_keys.c.nonce.label("its_nonce"),
    data_keys.c.ciphertext.label("its_ciphertext"),
).join_from(
    secrets,
    data_keys,
    and_(data_keys.c.environment_id == secrets.c.environment_id, data_keys.c.id == secrets.c.key_id),
    isouter=True,
)
_INSERT = statement(insert(secrets).values({name: bindparam(name) for name in _COLUMNS}).on_conflict_do_nothing())
#: Locks the row where several processes write, so that each version is given once.
_NAMED = statement(
    select(secrets).where(*_OF_KIND, _IN_SPACE, _OF_ACTOR, secrets.c.name == bindparam("entry")).with_for_update()
)
_ONE_OF_KIND = (*_OF_KIND, secrets.c.id == bindparam("id"))
_LOCKED = statement(select(secrets).where(*_ONE_OF_KIND).with_for_update())
_FIND = statement(_WITH_KEY.where(*_ONE_OF_KIND))
_EXACT = statement(_WITH_KEY.where(*_OF_KIND, _IN_SPACE, _OF_ACTOR))
_NAMES = statement(
    select(secrets.c.kind, secrets.c.name, secrets.c.space_id, secrets.c.actor_id)
    .where(secrets.c.environment_id == bindparam("environment"))
    .order_by(secrets.c.kind, secrets.c.space_id, secrets.c.actor_id, secrets.c.name)
)
_APPLYING = statement(
    _WITH_KEY.where(*_OF_KIND, or_(secrets.c.space_id == "", _IN_SPACE), or_(secrets.c.actor_id == "", _OF_ACTOR))
)
_ONE = (secrets.c.environment_id == bindparam("environment"), secrets.c.id == bindparam("entry_id"))
_RESEAL = statement(
    update(secrets)
    .where(*_ONE)
    .values(
        version=bindparam("new_version"),
        key_id=bindparam("new_key"),
        nonce=bindparam("new_nonce"),
        ciphertext=bindparam("new_ciphertext"),
        refs=bindparam("new_refs"),
        updated_at=bindparam("at"),
    )
)
_REKEY = statement(
    update(secrets)
    .where(*_ONE)
    .values(key_id=bindparam("new_key"), nonce=bindparam("new_nonce"), ciphertext=bindparam("new_ciphertext"))
)
_DELETE = statement(delete(secrets).where(*_ONE))
_NODES = statement(
    select(
        secrets.c.environment_id,
        secrets.c.id,
        secrets.c.kind,
        secrets.c.space_id,
        secrets.c.actor_id,
        secrets.c.name,
        secrets.c.refs,
    ).where(*_OF_KIND)
)
_UNDER_OTHERS = statement(
    _WITH_KEY.where(
        secrets.c.environment_id == bindparam("environment"),
        secrets.c.key_id != bindparam("key"),
        secrets.c.id > bindparam("after"),
    )
    .order_by(secrets.c.id)
    .limit(bindparam("count"))
)
MAX_FOUND = 1_000


async def insert_entry(uow: UnitOfWork, entry: Entry, created_by: str) -> bool:
    """Add an entry; False when another process has added one of its name and scope meanwhile."""
    scope, sealed = entry.scope, entry.sealed
    row = {
        "environment_id": scope.environment_id,
        "id": entry.id,
        "kind": scope.kind,
        "space_id": scope.space_id,
        "actor_id": scope.actor_id,
        "name": entry.name,
        "version": entry.version,
        "key_id": sealed.key_id,
        "nonce": sealed.nonce,
        "ciphertext": sealed.ciphertext,
        "created_by": created_by,
        "created_at": uow.now,
        "updated_at": uow.now,
        "refs": _refs_text(entry),
    }
    if await uow.execute(_INSERT, row) != 1:
        return False
    note(uow, scope.environment_id, weigh_entry(uow.keys, entry))
    return True


async def reseal_entry(uow: UnitOfWork, before: Entry, after: Entry) -> None:
    """Write an entry's new version and value; of the same version, the same value under another data key."""
    sealed = after.sealed
    row: dict[str, Any] = {
        "environment": after.scope.environment_id,
        "entry_id": after.id,
        "new_key": sealed.key_id,
        "new_nonce": sealed.nonce,
        "new_ciphertext": sealed.ciphertext,
    }
    if after.version == before.version:
        await uow.execute(_REKEY, row)
    else:
        row |= {"new_version": after.version, "new_refs": _refs_text(after), "at": uow.now}
        await uow.execute(_RESEAL, row)
    note(uow, after.scope.environment_id, weigh_entry(uow.keys, after) - weigh_entry(uow.keys, before))


async def delete_entry(uow: UnitOfWork, entry: Entry) -> None:
    await uow.execute(_DELETE, {"environment": entry.scope.environment_id, "entry_id": entry.id})
    note(uow, entry.scope.environment_id, -weigh_entry(uow.keys, entry))


async def lock_named(uow: UnitOfWork, scope: Scope, name: str) -> Entry | None:
    """The entry of exactly this scope and name, kept from other writers until the commit."""
    row = await uow.fetch_one(_NAMED, {**_params(scope), "entry": name})
    return None if row is None else _entry(row, scope.account_id)


async def lock_entry(uow: UnitOfWork, scope: Scope, entry_id: str) -> Entry | None:
    """The entry of this id in the scope's environment, kept from other writers until the commit."""
    row = await uow.fetch_one(_LOCKED, _one_params(scope, entry_id))
    return None if row is None else _entry(row, scope.account_id)


async def find_entry(uow: UnitOfWork, scope: Scope, entry_id: str) -> Entry | None:
    """The entry of this id in the scope's environment."""
    row = await uow.fetch_one(_FIND, _one_params(scope, entry_id))
    return None if row is None else _keyed_entry(row, scope.account_id)


async def list_exact(uow: UnitOfWork, scope: Scope) -> list[Entry]:
    """The entries of exactly this scope."""
    rows = await uow.fetch_all(_EXACT, _params(scope))
    return [_keyed_entry(row, scope.account_id) for row in rows]


async def list_names(uow: UnitOfWork, environment_id: str) -> list[EntryName]:
    """What an environment's entries are called and where each holds, in a fixed order."""
    rows = await uow.fetch_all(_NAMES, {"environment": environment_id})
    return [EntryName(r["kind"], r["name"], r["space_id"] or None, r["actor_id"] or None) for r in rows]


async def search_names(uow: UnitOfWork, account_id: str, like: str, kind: str) -> list[EntryName]:
    """Up to MAX_FOUND entries of the account whose names match a LIKE pattern (``\\`` escapes), whatever their case."""
    query = (
        select(secrets)
        .join(places, and_(places.c.environment_id == secrets.c.environment_id, places.c.id == secrets.c.id))
        .where(
            places.c.account_id == account_id,
            places.c.deleted_at.is_(None),
            secrets.c.kind == kind,
            func.lower(secrets.c.name).like(like.lower(), escape="\\"),
        )
        .order_by(secrets.c.name, secrets.c.environment_id, secrets.c.space_id, secrets.c.actor_id)
        .limit(MAX_FOUND)
    )
    rows = await uow.fetch_all(query)
    return [
        EntryName(r["kind"], r["name"], r["space_id"] or None, r["actor_id"] or None, r["environment_id"], r["id"])
        for r in rows
    ]


async def list_applying(uow: UnitOfWork, scope: Scope) -> list[Entry]:
    """The entries that hold for a reader in this scope: its own and those of every wider scope."""
    rows = await uow.fetch_all(_APPLYING, _params(scope))
    return [_keyed_entry(row, scope.account_id) for row in rows]


async def list_nodes(uow: UnitOfWork, scope: Scope) -> list[Node]:
    """Every entry of the scope's environment and kind, as references see it."""
    rows = await uow.fetch_all(_NODES, {"environment": scope.environment_id, "entry_kind": scope.kind})
    return [Node(row["id"], _scope(row, scope.account_id), row["name"], _refs(row)) for row in rows]


async def list_under_other_keys(
    uow: UnitOfWork, account_id: str, environment_id: str, key_id: str, after: str, count: int
) -> list[Entry]:
    """The next ``count`` entries, by id behind ``after``, that are sealed under another data key than this."""
    named = {"environment": environment_id, "key": key_id, "after": after, "count": count}
    rows = await uow.fetch_all(_UNDER_OTHERS, named)
    return [_keyed_entry(row, account_id) for row in rows]


def all_entries(rows: Iterable[Row]) -> list[Entry]:
    """Entries of whole rows, without regard to the account."""
    return [_entry(row, "") for row in rows]


def wrapped_key(row: Row) -> Sealed | None:
    """The sealed data key that was read along with a row."""
    if row["its_kek"] is None:
        return None
    return Sealed(row["its_kek"], bytes(row["its_nonce"]), bytes(row["its_ciphertext"]))


def _params(scope: Scope) -> dict[str, str]:
    return {
        "environment": scope.environment_id,
        "entry_kind": scope.kind,
        "space": scope.space_id,
        "actor": scope.actor_id,
    }


def _one_params(scope: Scope, entry_id: str) -> dict[str, str]:
    return {"environment": scope.environment_id, "entry_kind": scope.kind, "id": entry_id}


def _scope(row: Row, account_id: str) -> Scope:
    return Scope(account_id, row["environment_id"], row["kind"], row["space_id"], row["actor_id"])


def _entry(row: Row, account_id: str) -> Entry:
    sealed = Sealed(row["key_id"], bytes(row["nonce"]), bytes(row["ciphertext"]))
    return Entry(row["id"], _scope(row, account_id), row["name"], row["version"], sealed, _refs(row))


def _keyed_entry(row: Row, account_id: str) -> Entry:
    return replace(_entry(row, account_id), wrapped=wrapped_key(row))


def _refs(row: Row) -> tuple[str, ...]:
    return tuple(loads(row["refs"])) if row["refs"] else ()


def _refs_text(entry: Entry) -> str | None:
    return dumps(list(entry.refs)) if entry.refs else None
