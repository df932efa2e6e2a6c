"""SQL of stored constraints: a row for each, and one for each of its versions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.constraints.model import Constraint
from sheetport.kernel.json import dumps, loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.constraints import constraint_versions, constraints
from sheetport.storage.unit_of_work import Row, UnitOfWork

_OWN = ("account_id", "id", "app_id", "validator", "version", "created_at")
_VERSIONED = ("label", "description", "function", "options")
_INSERT = statement(insert(constraints).values({name: bindparam(name) for name in _OWN}).on_conflict_do_nothing())
_INSERT_VERSION = statement(
    insert(constraint_versions).values(
        {name: bindparam(name) for name in ("account_id", "constraint_id", "version", "made_at", *_VERSIONED)}
    )
)
_THIS = (constraints.c.account_id == bindparam("account"), constraints.c.id == bindparam("constraint"))
_RAISE = statement(update(constraints).where(*_THIS).values(version=bindparam("newest")))
_DELETE = statement(delete(constraints).where(*_THIS))
_DELETE_VERSIONS = statement(
    delete(constraint_versions).where(
        constraint_versions.c.account_id == bindparam("account"),
        constraint_versions.c.constraint_id == bindparam("constraint"),
    )
)
_EVERY = (
    select(
        *(constraints.c[name] for name in _OWN if name != "version"),
        constraint_versions.c.version,
        constraint_versions.c.made_at.label("updated_at"),
        *(constraint_versions.c[name] for name in _VERSIONED),
    )
    .join(
        constraint_versions,
        and_(
            constraint_versions.c.account_id == constraints.c.account_id,
            constraint_versions.c.constraint_id == constraints.c.id,
        ),
    )
    .where(constraints.c.account_id == bindparam("account"), constraints.c.app_id == bindparam("app"))
)
_NEWEST = constraint_versions.c.version == constraints.c.version
_ONE = _EVERY.where(constraints.c.id == bindparam("constraint"))
_LIST = statement(_EVERY.where(_NEWEST).order_by(constraints.c.created_at, constraints.c.id))
_FIND = statement(_ONE.where(_NEWEST))
#: Who changes a constraint waits for whoever does already; SQLite, with its one writer, needs no lock.
_LOCK = statement(select(constraints.c.version).where(*_THIS).with_for_update(of=constraints))
_VERSIONS = statement(_ONE.order_by(constraint_versions.c.version))
_VERSION = statement(_ONE.where(constraint_versions.c.version == bindparam("number")))


def _constraint(row: Row) -> Constraint:
    values: dict[str, Any] = {name: row[name] for name in (*_OWN, "updated_at", *_VERSIONED)}
    return Constraint(**values | {"options": loads(row["options"] or "null")})


async def insert_constraint(uow: UnitOfWork, made: Constraint) -> bool:
    """Write a new one with its first version; False, and nothing is written, when its app has one of that name."""
    if await uow.execute(_INSERT, {name: getattr(made, name) for name in _OWN}) == 0:
        return False
    await _insert_version(uow, made)
    return True


async def add_version(uow: UnitOfWork, made: Constraint) -> None:
    """Write a constraint's next version, its newest from now on."""
    await uow.execute(_RAISE, {"account": made.account_id, "constraint": made.id, "newest": made.version})
    await _insert_version(uow, made)


async def delete_constraint(uow: UnitOfWork, constraint: Constraint) -> None:
    named = {"account": constraint.account_id, "constraint": constraint.id}
    await uow.execute(_DELETE_VERSIONS, named)
    await uow.execute(_DELETE, named)


async def lock_constraint(uow: UnitOfWork, account_id: str, constraint_id: str) -> None:
    await uow.fetch_one(_LOCK, {"account": account_id, "constraint": constraint_id})


async def find_constraint(uow: UnitOfWork, account_id: str, app_id: str, constraint_id: str) -> Constraint | None:
    row = await uow.fetch_one(_FIND, {"account": account_id, "app": app_id, "constraint": constraint_id})
    return None if row is None else _constraint(row)


async def find_version(
    uow: UnitOfWork, account_id: str, app_id: str, constraint_id: str, version: int
) -> Constraint | None:
    named = {"account": account_id, "app": app_id, "constraint": constraint_id, "number": version}
    row = await uow.fetch_one(_VERSION, named)
    return None if row is None else _constraint(row)


async def list_constraints(uow: UnitOfWork, account_id: str, app_id: str) -> list[Constraint]:
    return [_constraint(row) for row in await uow.fetch_all(_LIST, {"account": account_id, "app": app_id})]


async def list_versions(uow: UnitOfWork, account_id: str, app_id: str, constraint_id: str) -> list[Constraint]:
    rows = await uow.fetch_all(_VERSIONS, {"account": account_id, "app": app_id, "constraint": constraint_id})
    return [_constraint(row) for row in rows]


async def _insert_version(uow: UnitOfWork, made: Constraint) -> None:
    said: dict[str, Any] = {name: getattr(made, name) for name in _VERSIONED}
    said["options"] = None if made.options is None else dumps(made.options)
    own = {"account_id": made.account_id, "constraint_id": made.id, "version": made.version}
    await uow.execute(_INSERT_VERSION, {**own, "made_at": made.updated_at, **said})
