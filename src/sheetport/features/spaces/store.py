"""SQL of spaces."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, bindparam, func, insert, or_, select, update

from sheetport.features.spaces.model import SORT_FIELDS, Space, SpaceFilter
from sheetport.kernel.actor import Actor
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.paging import Page
from sheetport.storage.reach import reached
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import environments, places, users
from sheetport.storage.tables.spaces import spaces
from sheetport.storage.unit_of_work import Row, UnitOfWork

_COLUMNS = tuple(column.name for column in spaces.columns if column.name != "deleted_at")
_SELECTED = (*_COLUMNS, "inherited_authentication")
_JSON = ("metadata", "settings", "actions", "access", "labels", "guest_authentication")
_PARSED = (*_JSON, "inherited_authentication")
_FLAGS = ("auto_configure", "is_app_template", "is_collaborative")
_KEPT = {"environment_id", "id", "account_id", "created_at", "workbooks_count", "files_count", "token_generation"}
_KEPT |= {"expired_at", "sweep_at"}  # changed by the sweep alone
_KEPT |= {"actions"}  # changed by their own slice
_CHANGED = tuple(name for name in _COLUMNS if name not in _KEPT)
_THIS = (spaces.c.environment_id == bindparam("environment"), spaces.c.id == bindparam("space"))
_TIME = spaces.c.sweep_at.type
_INSERT = statement(insert(spaces).values({name: bindparam(name) for name in _COLUMNS}))
_UPDATE = statement(update(spaces).where(*_THIS).values({name: bindparam(f"new_{name}") for name in _CHANGED}))
_DELETE = statement(
    update(spaces).where(*_THIS).values(deleted_at=bindparam("at"), token_generation=spaces.c.token_generation + 1)
)
_EXPIRE = statement(
    update(spaces)
    .where(*_THIS)
    .values(
        expired_at=bindparam("at"),
        token_generation=spaces.c.token_generation + 1,
        sweep_at=bindparam("next", type_=_TIME),
    )
)
_END_TOKENS = statement(update(spaces).where(*_THIS).values(token_generation=spaces.c.token_generation + 1))
_KEEP = statement(update(spaces).where(*_THIS).values(sweep_at=None))
_COUNT_WORKBOOKS = statement(
    update(spaces)
    .where(*_THIS)
    .values(
        workbooks_count=spaces.c.workbooks_count + bindparam("more", type_=spaces.c.workbooks_count.type),
        last_activity_at=bindparam("at"),
    )
)
#: What lies in something deleted has a deleted place.
_LIVE = (
    select(
        *(spaces.c[name] for name in _COLUMNS),
        environments.c.guest_authentication.label("inherited_authentication"),
    )
    .join(places, and_(places.c.environment_id == spaces.c.environment_id, places.c.id == spaces.c.id))
    .join(environments, environments.c.id == spaces.c.environment_id)
    .where(places.c.deleted_at.is_(None))
)
_BY_ID = statement(_LIVE.where(*_THIS))
#: The place says which space it is: one look-up for a caller who knows only the id.
_BY_PLACE = statement(_LIVE.where(places.c.id == bindparam("space"), places.c.kind == "sp"))
#: Several processes sweep at once: each takes what no other holds.
_LOCK_DUE = statement(
    _LIVE.where(spaces.c.sweep_at <= bindparam("now", type_=_TIME))
    .order_by(spaces.c.sweep_at, spaces.c.id)
    .limit(bindparam("most"))
    .with_for_update(of=spaces, skip_locked=True)
)
_TEMPLATE = statement(
    _LIVE.where(
        spaces.c.account_id == bindparam("account"),
        spaces.c.app_id == bindparam("app"),
        spaces.c.is_app_template.is_(True),
    )
)
_USER_NAME = statement(select(users.c.name).where(users.c.id == bindparam("id")))
_USER_OF = statement(
    select(users.c.id).where(users.c.id == bindparam("id"), users.c.account_id == bindparam("account"))
)
_ENVIRONMENTS = statement(
    select(environments.c.id)
    .where(environments.c.account_id == bindparam("account"), environments.c.deleted_at.is_(None))
    .limit(2)
)


def _space(row: Row) -> Space:
    values = dict(zip(_SELECTED, row, strict=False))
    for name in _PARSED:
        if values[name] is not None:
            values[name] = loads(values[name])
    for name in _FLAGS:
        values[name] = bool(values[name])
    return Space(**values)


def _row(space: Space) -> dict[str, Any]:
    values = {name: getattr(space, name) for name in _COLUMNS}
    for name in _JSON:
        values[name] = None if values[name] is None else dumps(values[name])
    return values


async def insert_space(uow: UnitOfWork, space: Space) -> None:
    await uow.execute(_INSERT, _row(space))


async def insert_spaces(uow: UnitOfWork, made: list[Space]) -> None:
    await uow.execute_many(_INSERT, [_row(space) for space in made])


async def update_space(uow: UnitOfWork, space: Space) -> None:
    row = _row(space)
    changed = {f"new_{name}": row[name] for name in _CHANGED}
    await uow.execute(_UPDATE, {"environment": space.environment_id, "space": space.id, **changed})


async def delete_space(uow: UnitOfWork, environment_id: str, space_id: str) -> None:
    """Mark a space deleted and its tokens with it."""
    await uow.execute(_DELETE, {"environment": environment_id, "space": space_id, "at": uow.now})


async def expire_space(uow: UnitOfWork, space: Space, sweep_at: int) -> None:
    """Mark a space expired and its tokens with it; at ``sweep_at`` it is due again."""
    named = {"environment": space.environment_id, "space": space.id, "at": uow.now, "next": sweep_at}
    await uow.execute(_EXPIRE, named)


async def end_tokens(uow: UnitOfWork, environment_id: str, space_id: str) -> None:
    await uow.execute(_END_TOKENS, {"environment": environment_id, "space": space_id})


async def keep_space(uow: UnitOfWork, space: Space) -> None:
    """Let the sweep pass over a space from now on."""
    await uow.execute(_KEEP, {"environment": space.environment_id, "space": space.id})


async def lock_due(uow: UnitOfWork, most: int) -> list[Space]:
    """Spaces of every environment whose time to be swept has come, that no other process is about to sweep."""
    return [_space(row) for row in await uow.fetch_all(_LOCK_DUE, {"now": uow.now, "most": most})]


async def count_workbooks(uow: UnitOfWork, environment_id: str, space_id: str, more: int) -> None:
    await uow.execute(_COUNT_WORKBOOKS, {"environment": environment_id, "space": space_id, "more": more, "at": uow.now})


async def find_space(uow: UnitOfWork, environment_id: str, space_id: str) -> Space | None:
    row = await uow.fetch_one(_BY_ID, {"environment": environment_id, "space": space_id})
    return None if row is None else _space(row)


async def find_space_anywhere(uow: UnitOfWork, space_id: str) -> Space | None:
    """A live space of whichever account."""
    row = await uow.fetch_one(_BY_PLACE, {"space": space_id})
    return None if row is None else _space(row)


async def find_template(uow: UnitOfWork, account_id: str, app_id: str) -> Space | None:
    row = await uow.fetch_one(_TEMPLATE, {"account": account_id, "app": app_id})
    return None if row is None else _space(row)


async def find_user_name(uow: UnitOfWork, user_id: str) -> str | None:
    row = await uow.fetch_one(_USER_NAME, {"id": user_id})
    return None if row is None else row["name"]


async def is_user_of(uow: UnitOfWork, user_id: str, account_id: str) -> bool:
    return await uow.fetch_one(_USER_OF, {"id": user_id, "account": account_id}) is not None


async def list_environment_ids(uow: UnitOfWork, account_id: str) -> list[str]:
    """Ids of the account's live environments, two at most."""
    return [row["id"] for row in await uow.fetch_all(_ENVIRONMENTS, {"account": account_id})]


async def list_spaces(uow: UnitOfWork, actor: Actor, chosen: SpaceFilter, page: Page) -> tuple[list[Space], int]:
    """One page of the spaces that the caller reaches, or reaches something in, and how many there are."""
    query = _LIVE.where(*_conditions(actor, chosen))
    counted = await uow.fetch_one(select(func.count().label("total")).select_from(query.subquery()))
    rows = await uow.fetch_all(_sorted(query, chosen).limit(page.size).offset(page.offset))
    return [_space(row) for row in rows], int(counted["total"]) if counted else 0


def _conditions(actor: Actor, chosen: SpaceFilter) -> list[ColumnElement[bool]]:
    table = spaces.c
    found = [table.account_id == actor.account_id, reached(actor, table.environment_id, table.id, around=True)]
    for column, value in (
        (table.environment_id, chosen.environment_id),
        (table.id, actor.space_id),
        (table.app_id, chosen.app_id),
    ):
        if value is not None:
            found.append(column == value)
    for flag, wanted in (
        (table.is_collaborative, chosen.is_collaborative),
        (table.is_app_template, chosen.is_app_template),
    ):
        if wanted is not None:
            found.append(flag.is_(wanted))
    if chosen.namespace is not None:
        found.append(table.namespace == chosen.namespace if chosen.namespace else table.namespace.is_(None))
    if not chosen.archived:
        found.append(table.archived_at.is_(None))
    if chosen.search:
        found.append(_holds(chosen.search))
    return found


def _holds(search: str) -> ColumnElement[bool]:
    """The name holds the text, whatever the case of its ASCII letters, or the id is it."""
    plain = search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return or_(func.lower(spaces.c.name).like(func.lower(f"%{plain}%"), escape="\\"), spaces.c.id == search)


def _sorted(query: Select[Any], chosen: SpaceFilter) -> Select[Any]:
    column: ColumnElement[Any] = spaces.c[SORT_FIELDS[chosen.sort_field or "createdAt"]]
    if chosen.sort_field in {"name", "createdByUserName"}:
        column = func.lower(column)
    ordered = column.desc() if chosen.sort_direction == "desc" else column.asc()
    return query.order_by(ordered.nulls_last(), spaces.c.id)
