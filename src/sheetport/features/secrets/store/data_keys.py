"""SQL of data keys."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, func, select, update

# Its ON CONFLICT DO NOTHING reads the same on both databases; a plain insert has none.
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.secrets.model import StoredKey
from sheetport.features.secrets.store.changes import note, weigh_key
from sheetport.kernel.crypto import Sealed
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import environments
from sheetport.storage.tables.secrets import data_keys, secret_versions, secrets
from sheetport.storage.unit_of_work import Row, UnitOfWork

_COLUMNS = tuple(column.name for column in data_keys.columns)
_INSERT = statement(insert(data_keys).values({name: bindparam(name) for name in _COLUMNS}).on_conflict_do_nothing())
_OF_ENVIRONMENT = select(data_keys).where(data_keys.c.environment_id == bindparam("environment"))
_NEWEST_FIRST = (data_keys.c.created_at.desc(), data_keys.c.id.desc())
_CURRENT = statement(_OF_ENVIRONMENT.order_by(*_NEWEST_FIRST).limit(1))
_ALL = statement(_OF_ENVIRONMENT.order_by(*_NEWEST_FIRST))
_ONE = (data_keys.c.environment_id == bindparam("environment"), data_keys.c.id == bindparam("key"))
_BY_ID = statement(select(data_keys).where(*_ONE))
_DELETE = statement(delete(data_keys).where(*_ONE))
_RESEAL = statement(
    update(data_keys)
    .where(*_ONE)
    .values(kek_id=bindparam("kek"), nonce=bindparam("new_nonce"), ciphertext=bindparam("new_ciphertext"))
)
#: With their accounts, which their keys are bound to; those of deleted environments too.
_OWNED = select(data_keys.c.environment_id, environments.c.account_id).join(
    environments, environments.c.id == data_keys.c.environment_id
)
_GROUPED = (data_keys.c.environment_id, environments.c.account_id)
_UNDER_OTHERS = statement(
    _OWNED.where(data_keys.c.kek_id != bindparam("kek"), data_keys.c.environment_id > bindparam("after"))
    .group_by(*_GROUPED)
    .order_by(data_keys.c.environment_id)
    .limit(bindparam("count"))
)
_SUPERSEDED = statement(_OWNED.group_by(*_GROUPED).having(func.count() > 1).order_by(data_keys.c.environment_id))
_USES = tuple(
    statement(
        select(table.c.version)
        .where(table.c.environment_id == bindparam("environment"), table.c.key_id == bindparam("key"))
        .limit(1)
    )
    for table in (secrets, secret_versions)
)
_KEKS = statement(select(data_keys.c.kek_id).distinct())


async def insert_data_key(uow: UnitOfWork, key: StoredKey) -> None:
    """Add a data key, unless another process has added one of this id meanwhile."""
    sealed = key.sealed
    row = {"environment_id": key.environment_id, "id": key.id, "created_at": key.created_at}
    row |= {"kek_id": sealed.key_id, "nonce": sealed.nonce, "ciphertext": sealed.ciphertext}
    if await uow.execute(_INSERT, row) == 1:
        note(uow, key.environment_id, weigh_key(uow.keys, key))


async def find_current_data_key(uow: UnitOfWork, environment_id: str) -> StoredKey | None:
    """By which new values are sealed."""
    return _stored(await uow.fetch_one(_CURRENT, {"environment": environment_id}))


async def find_data_key(uow: UnitOfWork, environment_id: str, key_id: str) -> StoredKey | None:
    return _stored(await uow.fetch_one(_BY_ID, {"environment": environment_id, "key": key_id}))


async def list_data_keys(uow: UnitOfWork, environment_id: str) -> list[StoredKey]:
    """An environment's data keys, newest first."""
    rows = await uow.fetch_all(_ALL, {"environment": environment_id})
    return [_of_row(row) for row in rows]


async def reseal_data_key(uow: UnitOfWork, before: StoredKey, sealed: Sealed) -> None:
    """Write a data key's form sealed under another key-encryption key."""
    named = {"environment": before.environment_id, "key": before.id}
    values = {"kek": sealed.key_id, "new_nonce": sealed.nonce, "new_ciphertext": sealed.ciphertext}
    await uow.execute(_RESEAL, named | values)
    after = StoredKey(before.environment_id, before.id, sealed, before.created_at)
    note(uow, before.environment_id, weigh_key(uow.keys, after) - weigh_key(uow.keys, before))


async def delete_data_key(uow: UnitOfWork, key: StoredKey) -> None:
    await uow.execute(_DELETE, {"environment": key.environment_id, "key": key.id})
    note(uow, key.environment_id, -weigh_key(uow.keys, key))


async def list_under_other_keks(uow: UnitOfWork, kek_id: str, after: str, count: int) -> list[tuple[str, str]]:
    """(environment, account) of the next that have a data key under another key-encryption key than this."""
    rows = await uow.fetch_all(_UNDER_OTHERS, {"kek": kek_id, "after": after, "count": count})
    return [(row["environment_id"], row["account_id"]) for row in rows]


async def list_superseded_keys(uow: UnitOfWork) -> list[tuple[str, str]]:
    """(environment, account) of those with several data keys: some of their rows may be sealed under an older one."""
    return [(row["environment_id"], row["account_id"]) for row in await uow.fetch_all(_SUPERSEDED)]


async def list_keks(uow: UnitOfWork) -> set[str]:
    """The key-encryption keys that data keys are sealed under."""
    return {row["kek_id"] for row in await uow.fetch_all(_KEKS)}


async def is_in_use(uow: UnitOfWork, environment_id: str, key_id: str) -> bool:
    """Whether a value of the environment is sealed under this data key."""
    named = {"environment": environment_id, "key": key_id}
    return any([await uow.fetch_one(query, named) is not None for query in _USES])


def _stored(row: Row | None) -> StoredKey | None:
    return None if row is None else _of_row(row)


def _of_row(row: Row) -> StoredKey:
    sealed = Sealed(row["kek_id"], bytes(row["nonce"]), bytes(row["ciphertext"]))
    return StoredKey(row["environment_id"], row["id"], sealed, row["created_at"])
