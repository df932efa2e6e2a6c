"""SQL of identity providers and of who is whom there."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.sso.model import Connection
from sheetport.kernel.crypto import Sealed
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.permissions import BuiltInRole
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import users
from sheetport.storage.tables.sso import sso_connections, sso_identities
from sheetport.storage.unit_of_work import Row, UnitOfWork

_c, _i = sso_connections.c, sso_identities.c
_COLUMNS = tuple(column.name for column in sso_connections.columns)
_PUT_INSERT = insert(sso_connections).values({name: bindparam(name) for name in _COLUMNS})
_PUT = statement(
    _PUT_INSERT.on_conflict_do_update(
        index_elements=[_c.account_id],
        set_={name: _PUT_INSERT.excluded[name] for name in _COLUMNS if name not in {"id", "account_id", "created_at"}},
    )
)
_BY_ACCOUNT = statement(select(sso_connections).where(_c.account_id == bindparam("account")))
_BY_ID = statement(select(sso_connections).where(_c.id == bindparam("connection")))
_NAMES = statement(select(_c.id, _c.name).order_by(_c.name, _c.id).limit(bindparam("most")))
_DELETE = statement(delete(sso_connections).where(_c.account_id == bindparam("account")))
_UNDER_OLD = statement(select(sso_connections).where(_c.kek_id != bindparam("kek")).limit(bindparam("most")))
_RESEAL = statement(
    update(sso_connections)
    .where(_c.id == bindparam("connection"), _c.ciphertext == bindparam("old_ciphertext"))
    .values(kek_id=bindparam("new_kek"), nonce=bindparam("new_nonce"), ciphertext=bindparam("new_ciphertext"))
)
_LINK = statement(
    insert(sso_identities)
    .values({column.name: bindparam(column.name) for column in sso_identities.c})
    .on_conflict_do_nothing()
)
_LINKED = statement(
    select(_i.user_id).where(
        _i.account_id == bindparam("account"), _i.issuer == bindparam("at_issuer"), _i.subject == bindparam("sub")
    )
)
_LINKED_USERS = statement(
    select(_i.user_id).where(_i.account_id == bindparam("account"), _i.issuer == bindparam("at_issuer"))
)
_UNLINK = statement(
    delete(sso_identities).where(_i.account_id == bindparam("account"), _i.user_id == bindparam("user"))
)
_UNLINK_ALL = statement(delete(sso_identities).where(_i.account_id == bindparam("account")))
_UNLINK_GONE = statement(
    delete(sso_identities).where(_i.user_id.not_in(select(users.c.id).where(users.c.deleted_at.is_(None))))
)


async def put_connection(uow: UnitOfWork, connection: Connection) -> None:
    """Write an account's provider in place of the one before."""
    sealed = connection.sealed
    row: dict[str, Any] = {name: getattr(connection, name, None) for name in _COLUMNS}
    row |= {"kek_id": sealed.key_id, "nonce": sealed.nonce, "ciphertext": sealed.ciphertext}
    new_users = connection.new_users.value if connection.new_users else None
    await uow.execute(_PUT, row | {"domains": dumps(list(connection.domains)), "new_users": new_users})


async def find_connection(uow: UnitOfWork, account_id: str) -> Connection | None:
    row = await uow.fetch_one(_BY_ACCOUNT, {"account": account_id})
    return None if row is None else _connection(row)


async def find_by_id(uow: UnitOfWork, connection_id: str) -> Connection | None:
    row = await uow.fetch_one(_BY_ID, {"connection": connection_id})
    return None if row is None else _connection(row)


async def list_names(uow: UnitOfWork, most: int) -> list[tuple[str, str]]:
    """Id and name of every account's provider, by name."""
    return [(row["id"], row["name"]) for row in await uow.fetch_all(_NAMES, {"most": most})]


async def delete_connection(uow: UnitOfWork, account_id: str) -> bool:
    """Delete an account's provider with all its links; False when there was none."""
    await uow.execute(_UNLINK_ALL, {"account": account_id})
    return await uow.execute(_DELETE, {"account": account_id}) == 1


async def list_sealed_otherwise(uow: UnitOfWork, kek_id: str, most: int) -> list[Connection]:
    """Providers whose secret is sealed under another key-encryption key."""
    return [_connection(row) for row in await uow.fetch_all(_UNDER_OLD, {"kek": kek_id, "most": most})]


async def reseal(uow: UnitOfWork, connection: Connection, sealed: Sealed) -> None:
    named = {"connection": connection.id, "old_ciphertext": connection.sealed.ciphertext, "new_kek": sealed.key_id}
    await uow.execute(_RESEAL, named | {"new_nonce": sealed.nonce, "new_ciphertext": sealed.ciphertext})


async def insert_link(uow: UnitOfWork, account_id: str, issuer: str, subject: str, user_id: str) -> bool:
    """Link a person at an issuer with a user; False when either of them is linked already."""
    named = {"account_id": account_id, "issuer": issuer, "subject": subject, "user_id": user_id}
    return await uow.execute(_LINK, named | {"created_at": uow.now}) == 1


async def find_linked(uow: UnitOfWork, account_id: str, issuer: str, subject: str) -> str | None:
    """The id of the user that a person at an issuer is."""
    row = await uow.fetch_one(_LINKED, {"account": account_id, "at_issuer": issuer, "sub": subject})
    return None if row is None else str(row["user_id"])


async def list_linked(uow: UnitOfWork, account_id: str, issuer: str) -> list[str]:
    """Ids of the users who are linked with somebody at an issuer."""
    return [row["user_id"] for row in await uow.fetch_all(_LINKED_USERS, {"account": account_id, "at_issuer": issuer})]


async def delete_link(uow: UnitOfWork, account_id: str, user_id: str) -> int:
    return await uow.execute(_UNLINK, {"account": account_id, "user": user_id})


async def sweep(uow: UnitOfWork) -> int:
    """Delete the links of users who are gone; how many."""
    return await uow.execute(_UNLINK_GONE, {})


def _connection(row: Row) -> Connection:
    values = {name: row[name] for name in Connection.__dataclass_fields__ if name != "sealed"}
    values["sealed"] = Sealed(row["kek_id"], bytes(row["nonce"]), bytes(row["ciphertext"]))
    values["new_users"] = BuiltInRole(row["new_users"]) if row["new_users"] else None
    flags = {name: bool(row[name]) for name in ("trusts_mfa", "only_sso")}
    return Connection(**values | flags | {"domains": tuple(loads(row["domains"]))})
