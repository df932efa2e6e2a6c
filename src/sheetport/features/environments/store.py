"""SQL of environments."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select, update

from sheetport.features.environments.model import Environment
from sheetport.kernel.actor import Actor
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.paging import Page
from sheetport.storage.reach import reached
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import environments
from sheetport.storage.unit_of_work import Row, UnitOfWork

_JSON = ("guest_authentication", "features", "metadata", "namespaces")
_FIELDS = tuple(Environment.__dataclass_fields__)
_INSERT = statement(insert(environments).values({name: bindparam(name) for name in _FIELDS} | {"next_sheet_no": 1}))
_CHANGED = tuple(name for name in _FIELDS if name not in {"id", "account_id", "created_at"})
_UPDATE = statement(
    update(environments)
    .where(environments.c.id == bindparam("environment"))
    .values({name: bindparam(f"new_{name}") for name in _CHANGED})
)
_DELETE = statement(
    update(environments).where(environments.c.id == bindparam("environment")).values(deleted_at=bindparam("at"))
)
_LIVE = environments.c.deleted_at.is_(None)
_TAKEN = statement(select(environments.c.id).where(environments.c.id == bindparam("id")))
_BY_ID = statement(select(environments).where(environments.c.id == bindparam("id"), _LIVE))
_NAMED = statement(
    select(environments.c.id).where(
        environments.c.account_id == bindparam("account"), environments.c.name == bindparam("name"), _LIVE
    )
)
#: An environment that is being imported is a row without a name, marked deleted: nothing finds it.
_STAGE = statement(
    insert(environments).values(
        {name: bindparam(name) for name in _FIELDS}
        | {"next_sheet_no": bindparam("sheets") + 1, "deleted_at": bindparam("at")}
    )
)
_STAGED = (environments.c.name == "", environments.c.deleted_at.is_not(None))
_TOUCH_STAGED = statement(
    update(environments)
    .where(environments.c.id == bindparam("environment"), *_STAGED)
    .values(updated_at=bindparam("at"))
)
_PUBLISH = statement(
    update(environments)
    .where(environments.c.id == bindparam("environment"), *_STAGED)
    .values({name: bindparam(f"new_{name}") for name in _CHANGED} | {"deleted_at": None})
)
_DELETE_STAGED = statement(delete(environments).where(environments.c.id == bindparam("environment"), *_STAGED))
_STALE = statement(select(environments.c.id).where(environments.c.updated_at < bindparam("before"), *_STAGED))
_TAKE_SHEET_NUMBERS = statement(
    update(environments)
    .where(environments.c.id == bindparam("environment"))
    .values(next_sheet_no=environments.c.next_sheet_no + bindparam("taken", type_=environments.c.next_sheet_no.type))
    .returning(environments.c.next_sheet_no)
)


def _environment(row: Row) -> Environment:
    values = {name: row[name] for name in _FIELDS}
    for name in _JSON:
        values[name] = loads(row[name] or "null")
    values["is_prod"] = bool(row["is_prod"])
    return Environment(**values)


def _row(environment: Environment) -> dict[str, Any]:
    values = {name: getattr(environment, name) for name in _FIELDS}
    for name in _JSON:
        values[name] = None if values[name] is None else dumps(values[name])
    return values


async def insert_environment(uow: UnitOfWork, environment: Environment) -> None:
    await uow.execute(_INSERT, _row(environment))


async def update_environment(uow: UnitOfWork, environment: Environment) -> None:
    row = _row(environment)
    await uow.execute(_UPDATE, {"environment": environment.id, **{f"new_{name}": row[name] for name in _CHANGED}})


async def delete_environment(uow: UnitOfWork, environment_id: str) -> None:
    await uow.execute(_DELETE, {"environment": environment_id, "at": uow.now})


async def is_taken(uow: UnitOfWork, environment_id: str) -> bool:
    """Whether some environment of this server has or had this id."""
    return await uow.fetch_one(_TAKEN, {"id": environment_id}) is not None


async def find_environment(uow: UnitOfWork, environment_id: str) -> Environment | None:
    row = await uow.fetch_one(_BY_ID, {"id": environment_id})
    return None if row is None else _environment(row)


async def list_environments(uow: UnitOfWork, actor: Actor, page: Page) -> list[Environment]:
    query = select(environments).where(*_reached(actor)).order_by(environments.c.created_at, environments.c.id)
    return [_environment(row) for row in await uow.fetch_all(query.limit(page.size).offset(page.offset))]


async def count_environments(uow: UnitOfWork, actor: Actor) -> int:
    row = await uow.fetch_one(select(func.count().label("total")).select_from(environments).where(*_reached(actor)))
    return int(row["total"]) if row else 0


def _reached(actor: Actor) -> list[ColumnElement[bool]]:
    """The account's environments that the caller reaches, or reaches something in: a key its own."""
    found = [environments.c.account_id == actor.account_id, _LIVE, reached(actor, environments.c.id, around=True)]
    return found if actor.environment_id is None else [*found, environments.c.id == actor.environment_id]


async def list_ids_of_name(uow: UnitOfWork, account_id: str, name: str) -> list[str]:
    """Ids of the account's environments with a name."""
    return [row["id"] for row in await uow.fetch_all(_NAMED, {"account": account_id, "name": name})]


async def take_sheet_numbers(uow: UnitOfWork, environment_id: str, count: int) -> int | None:
    row = await uow.fetch_one(_TAKE_SHEET_NUMBERS, {"environment": environment_id, "taken": count})
    return None if row is None else int(row["next_sheet_no"]) - count


async def stage_environment(uow: UnitOfWork, environment: Environment, sheets: int) -> None:
    """Insert a nameless environment that nothing finds, its first ``sheets`` sheet numbers taken."""
    await uow.execute(_STAGE, _row(environment) | {"sheets": sheets, "at": uow.now})


async def touch_staged(uow: UnitOfWork, environment_id: str) -> bool:
    """Say that a staged environment is being worked on; False when it is none."""
    return await uow.execute(_TOUCH_STAGED, {"environment": environment_id, "at": uow.now}) == 1


async def publish_environment(uow: UnitOfWork, environment: Environment) -> bool:
    """Make a staged environment one that is found; False when it is none."""
    row = _row(environment)
    named = {f"new_{name}": row[name] for name in _CHANGED}
    return await uow.execute(_PUBLISH, {"environment": environment.id, **named}) == 1


async def delete_staged(uow: UnitOfWork, environment_id: str) -> None:
    await uow.execute(_DELETE_STAGED, {"environment": environment_id})


async def list_stale(uow: UnitOfWork, before: int) -> list[str]:
    """Ids of staged environments that nobody has worked on since ``before``."""
    return [row["id"] for row in await uow.fetch_all(_STALE, {"before": before})]
