"""SQL of sealed entries and of the data keys that seal them."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, or_, select, update

# Its ON CONFLICT DO NOTHING reads the same on both databases; a plain insert has none.
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.secrets.model import Entry, EntryName, Scope
from sheetport.kernel.crypto import Sealed
from sheetport.storage.statements import statement
from sheetport.storage.tables.secrets import data_keys, secrets
from sheetport.storage.unit_of_work import Row, UnitOfWork

_KEY_COLUMNS = tuple(column.name for column in data_keys.columns)
_INSERT_KEY = statement(
    insert(data_keys).values({name: bindparam(name) for name in _KEY_COLUMNS}).on_conflict_do_nothing()
)
_CURRENT_KEY = statement(
    select(data_keys)
    .where(data_keys.c.environment_id == bindparam("environment"))
    .order_by(data_keys.c.created_at.desc(), data_keys.c.id.desc())
    .limit(1)
)
_KEY = statement(
    select(data_keys).where(data_keys.c.environment_id == bindparam("environment"), data_keys.c.id == bindparam("key"))
)

_COLUMNS = tuple(column.name for column in secrets.columns)
_OF_KIND = (secrets.c.environment_id == bindparam("environment"), secrets.c.kind == bindparam("entry_kind"))
_IN_SPACE = secrets.c.space_id == bindparam("space")
_OF_ACTOR = secrets.c.actor_id == bindparam("actor")
_INSERT = statement(insert(secrets).values({name: bindparam(name) for name in _COLUMNS}).on_conflict_do_nothing())
#: Locks the row where several processes write, so that each version is given once.
_NAMED = statement(
    select(secrets).where(*_OF_KIND, _IN_SPACE, _OF_ACTOR, secrets.c.name == bindparam("entry")).with_for_update()
)
_BY_ID = statement(select(secrets).where(*_OF_KIND, secrets.c.id == bindparam("id")).with_for_update())
_EXACT = statement(select(secrets).where(*_OF_KIND, _IN_SPACE, _OF_ACTOR))
_NAMES = statement(
    select(secrets.c.kind, secrets.c.name, secrets.c.space_id, secrets.c.actor_id)
    .where(secrets.c.environment_id == bindparam("environment"))
    .order_by(secrets.c.kind, secrets.c.space_id, secrets.c.actor_id, secrets.c.name)
)
_APPLYING = statement(
    select(secrets).where(*_OF_KIND, or_(secrets.c.space_id == "", _IN_SPACE), or_(secrets.c.actor_id == "", _OF_ACTOR))
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
        updated_at=bindparam("at"),
    )
)
_DELETE = statement(delete(secrets).where(*_ONE))


async def insert_data_key(uow: UnitOfWork, environment_id: str, key_id: str, sealed: Sealed) -> None:
    """Add a data key, unless another process has added one of this id meanwhile."""
    await uow.execute(
        _INSERT_KEY,
        {
            "environment_id": environment_id,
            "id": key_id,
            "kek_id": sealed.key_id,
            "nonce": sealed.nonce,
            "ciphertext": sealed.ciphertext,
            "created_at": uow.now,
        },
    )


async def find_current_data_key(uow: UnitOfWork, environment_id: str) -> tuple[str, Sealed] | None:
    """(id, sealed key) by which new values are sealed."""
    return _data_key(await uow.fetch_one(_CURRENT_KEY, {"environment": environment_id}))


async def find_data_key(uow: UnitOfWork, environment_id: str, key_id: str) -> tuple[str, Sealed] | None:
    return _data_key(await uow.fetch_one(_KEY, {"environment": environment_id, "key": key_id}))


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
    }
    return await uow.execute(_INSERT, row) == 1


async def reseal_entry(uow: UnitOfWork, entry: Entry) -> None:
    """Write an entry's new version and value."""
    await uow.execute(
        _RESEAL,
        {
            "environment": entry.scope.environment_id,
            "entry_id": entry.id,
            "new_version": entry.version,
            "new_key": entry.sealed.key_id,
            "new_nonce": entry.sealed.nonce,
            "new_ciphertext": entry.sealed.ciphertext,
            "at": uow.now,
        },
    )


async def delete_entry(uow: UnitOfWork, entry: Entry) -> None:
    await uow.execute(_DELETE, {"environment": entry.scope.environment_id, "entry_id": entry.id})


async def lock_named(uow: UnitOfWork, scope: Scope, name: str) -> Entry | None:
    """The entry of exactly this scope and name, kept from other writers until the commit."""
    row = await uow.fetch_one(_NAMED, {**_params(scope), "entry": name})
    return None if row is None else _entry(row, scope.account_id)


async def lock_entry(uow: UnitOfWork, scope: Scope, entry_id: str) -> Entry | None:
    """The entry of this id in the scope's environment, kept from other writers until the commit."""
    params = {"environment": scope.environment_id, "entry_kind": scope.kind, "id": entry_id}
    row = await uow.fetch_one(_BY_ID, params)
    return None if row is None else _entry(row, scope.account_id)


async def list_exact(uow: UnitOfWork, scope: Scope) -> list[Entry]:
    """The entries of exactly this scope."""
    rows = await uow.fetch_all(_EXACT, _params(scope))
    return [_entry(row, scope.account_id) for row in rows]


async def list_names(uow: UnitOfWork, environment_id: str) -> list[EntryName]:
    """What an environment's entries are called and where each holds, in a fixed order."""
    rows = await uow.fetch_all(_NAMES, {"environment": environment_id})
    return [EntryName(r["kind"], r["name"], r["space_id"] or None, r["actor_id"] or None) for r in rows]


async def list_applying(uow: UnitOfWork, scope: Scope) -> list[Entry]:
    """The entries that hold for a reader in this scope: its own and those of every wider scope."""
    rows = await uow.fetch_all(_APPLYING, _params(scope))
    return [_entry(row, scope.account_id) for row in rows]


def _params(scope: Scope) -> dict[str, str]:
    return {
        "environment": scope.environment_id,
        "entry_kind": scope.kind,
        "space": scope.space_id,
        "actor": scope.actor_id,
    }


def _entry(row: Row, account_id: str) -> Entry:
    scope = Scope(account_id, row["environment_id"], row["kind"], row["space_id"], row["actor_id"])
    sealed = Sealed(row["key_id"], bytes(row["nonce"]), bytes(row["ciphertext"]))
    return Entry(row["id"], scope, row["name"], row["version"], sealed)


def _data_key(row: Row | None) -> tuple[str, Sealed] | None:
    if row is None:
        return None
    return row["id"], Sealed(row["kek_id"], bytes(row["nonce"]), bytes(row["ciphertext"]))
