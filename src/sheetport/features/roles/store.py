"""SQL of roles."""

from __future__ import annotations

from typing import Any

from sqlalchemy import bindparam, delete, func, insert, select, update

from sheetport.features.roles.model import ActorRole, Role
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.permissions import BuiltInRole, Permission
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import users
from sheetport.storage.tables.roles import actor_roles, roles
from sheetport.storage.unit_of_work import Row, UnitOfWork

_KNOWN = frozenset(Permission)
_GIVEN = tuple(ActorRole.__dataclass_fields__)
_COLUMNS = ("id", "account_id", "name", "built_in", "permissions", "created_at", "updated_at")
_INSERT = statement(insert(roles).values({name: bindparam(name) for name in _COLUMNS}))
_UPDATE = statement(
    update(roles)
    .where(roles.c.id == bindparam("role"))
    .values(name=bindparam("new_name"), permissions=bindparam("new_permissions"), updated_at=bindparam("at"))
)
_DELETE = statement(delete(roles).where(roles.c.id == bindparam("role")))
_BY_ID = statement(select(roles).where(roles.c.account_id == bindparam("account"), roles.c.id == bindparam("id")))
_OF_ACCOUNT = statement(
    select(roles).where(roles.c.account_id == bindparam("account")).order_by(roles.c.created_at, roles.c.id)
)
_GIVE = statement(insert(actor_roles).values({name: bindparam(name) for name in _GIVEN}))
_TAKE = statement(delete(actor_roles).where(actor_roles.c.id == bindparam("given")))
_TAKE_ALL = statement(delete(actor_roles).where(actor_roles.c.actor_id == bindparam("actor")))
_OF_ACTOR = statement(
    select(actor_roles)
    .where(actor_roles.c.actor_id == bindparam("actor"))
    .order_by(actor_roles.c.created_at, actor_roles.c.id)
)
#: With each given role what it gives: one look-up when a caller is verified.
_GRANTS = statement(
    select(*(actor_roles.c[name] for name in ("environment_id", "space_id", "workbook_id", "sheet_id")))
    .add_columns(roles.c.built_in, roles.c.permissions)
    .join(roles, roles.c.id == actor_roles.c.role_id)
    .where(actor_roles.c.actor_id == bindparam("actor"))
    .order_by(actor_roles.c.created_at, actor_roles.c.id)
)
_HOLDERS = statement(
    select(func.count().label("total")).select_from(actor_roles).where(actor_roles.c.role_id == bindparam("role"))
)
_ADMINISTRATORS = statement(
    select(users.c.id)
    .join(actor_roles, actor_roles.c.actor_id == users.c.id)
    .join(roles, roles.c.id == actor_roles.c.role_id)
    .where(
        users.c.account_id == bindparam("account"),
        users.c.disabled_at.is_(None),
        users.c.invited_at.is_(None),
        roles.c.built_in == BuiltInRole.ADMINISTRATOR.value,
        actor_roles.c.environment_id.is_(None),
    )
    .order_by(users.c.created_at, users.c.id)
)


def _role(row: Row) -> Role:
    names = (row["id"], row["account_id"], row["name"], row["created_at"], row["updated_at"])
    return Role(*names, _built_in(row), _permissions(row))


def _built_in(row: Row) -> BuiltInRole | None:
    return None if row["built_in"] is None else BuiltInRole(row["built_in"])


def _permissions(row: Row) -> frozenset[Permission]:
    """What a custom role gives, without what a version has taken out of the vocabulary since."""
    return frozenset(map(Permission, _KNOWN.intersection(loads(row["permissions"] or "[]"))))


def _given(row: Row) -> ActorRole:
    return ActorRole(**{name: row[name] for name in _GIVEN})


async def insert_role(uow: UnitOfWork, role: Role) -> None:
    row: dict[str, Any] = {name: getattr(role, name) for name in ("id", "account_id", "name", "created_at")}
    named = {"built_in": role.built_in, "permissions": dumps(sorted(role.custom)), "updated_at": role.updated_at}
    await uow.execute(_INSERT, {**row, **named})


async def update_role(uow: UnitOfWork, role: Role) -> None:
    named = {"new_name": role.name, "new_permissions": dumps(sorted(role.custom)), "at": role.updated_at}
    await uow.execute(_UPDATE, {"role": role.id, **named})


async def delete_role(uow: UnitOfWork, role_id: str) -> None:
    await uow.execute(_DELETE, {"role": role_id})


async def find_role(uow: UnitOfWork, account_id: str, role_id: str) -> Role | None:
    row = await uow.fetch_one(_BY_ID, {"account": account_id, "id": role_id})
    return None if row is None else _role(row)


async def list_roles(uow: UnitOfWork, account_id: str) -> list[Role]:
    return [_role(row) for row in await uow.fetch_all(_OF_ACCOUNT, {"account": account_id})]


async def count_holders(uow: UnitOfWork, role_id: str) -> int:
    """How many times a role is given to somebody."""
    row = await uow.fetch_one(_HOLDERS, {"role": role_id})
    return int(row["total"]) if row else 0


async def insert_given(uow: UnitOfWork, given: ActorRole) -> None:
    await uow.execute(_GIVE, {name: getattr(given, name) for name in _GIVEN})


async def delete_given(uow: UnitOfWork, given_id: str) -> None:
    await uow.execute(_TAKE, {"given": given_id})


async def delete_all_given(uow: UnitOfWork, actor_id: str) -> int:
    return await uow.execute(_TAKE_ALL, {"actor": actor_id})


async def list_given(uow: UnitOfWork, actor_id: str) -> list[ActorRole]:
    return [_given(row) for row in await uow.fetch_all(_OF_ACTOR, {"actor": actor_id})]


async def list_given_of_many(uow: UnitOfWork, actor_ids: list[str]) -> list[ActorRole]:
    query = select(actor_roles).where(actor_roles.c.actor_id.in_(actor_ids))
    return [_given(row) for row in await uow.fetch_all(query.order_by(actor_roles.c.created_at, actor_roles.c.id))]


async def list_grants(uow: UnitOfWork, actor_id: str) -> list[tuple[BuiltInRole | None, frozenset[Permission], Row]]:
    """For each role of an actor: which built-in one it is, else its own permissions, and the row that says where."""
    rows = await uow.fetch_all(_GRANTS, {"actor": actor_id})
    return [(_built_in(row), _permissions(row), row) for row in rows]


async def list_administrators(uow: UnitOfWork, account_id: str) -> list[str]:
    """Ids of the users who are Administrators of the whole account and may sign in, oldest first."""
    return [row["id"] for row in await uow.fetch_all(_ADMINISTRATORS, {"account": account_id})]
