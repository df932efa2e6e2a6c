"""SQL of actions. Each target keeps the list of its actions beside itself, so that reading it needs no other table."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, delete, insert, select, update

from sheetport.features.actions.model import Action
from sheetport.features.places.model import Place
from sheetport.kernel.json import dumps, loads
from sheetport.storage.statements import Statement, statement
from sheetport.storage.tables.actions import actions
from sheetport.storage.tables.core import places
from sheetport.storage.tables.documents import documents
from sheetport.storage.tables.spaces import spaces
from sheetport.storage.tables.workbooks import sheets, workbooks
from sheetport.storage.unit_of_work import Row, UnitOfWork

_COLUMNS = tuple(Action.__dataclass_fields__)
_THIS = (actions.c.environment_id == bindparam("environment"), actions.c.id == bindparam("action"))
_INSERT = statement(insert(actions).values({name: bindparam(name) for name in (*_COLUMNS, "schedule")}))
_UPDATE = statement(
    update(actions)
    .where(*_THIS)
    .values(
        config=bindparam("new_config"),
        schedule=bindparam("new_schedule"),
        ordinal=bindparam("new_ordinal"),
        updated_at=bindparam("at"),
    )
)
_DELETE = statement(delete(actions).where(*_THIS))
_DELETE_OF_TARGET = statement(
    delete(actions).where(
        actions.c.environment_id == bindparam("environment"), actions.c.target_id == bindparam("target")
    )
)
#: What lies in something deleted has a deleted place.
_LIVE = (
    select(*(actions.c[name] for name in _COLUMNS))
    .join(places, and_(places.c.environment_id == actions.c.environment_id, places.c.id == actions.c.id))
    .where(places.c.deleted_at.is_(None), actions.c.environment_id == bindparam("environment"))
)
_BY_ID = statement(_LIVE.where(actions.c.id == bindparam("action")))
_OF_TARGET = statement(
    _LIVE.where(actions.c.target_id == bindparam("target")).order_by(actions.c.ordinal, actions.c.id)
)
_OF_SPACE = statement(
    _LIVE.where(actions.c.space_id == bindparam("space")).order_by(
        actions.c.created_at, actions.c.target_id, actions.c.ordinal, actions.c.id
    )
)

_TABLES = {"sp": spaces, "wb": workbooks, "sh": sheets, "dc": documents}
#: Two who change the same target's actions take turns; SQLite, with its one writer, needs no lock.
_LOCK = {
    kind: statement(
        select(table.c["config" if kind == "sh" else "actions"].label("told"))
        .where(table.c.environment_id == bindparam("environment"), table.c.id == bindparam("target"))
        .with_for_update(of=table)
    )
    for kind, table in _TABLES.items()
}
_TELL: dict[str, Statement] = {
    kind: statement(
        update(table)
        .where(table.c.environment_id == bindparam("environment"), table.c.id == bindparam("target"))
        .values({"config" if kind == "sh" else "actions": bindparam("told"), "updated_at": bindparam("at")})
    )
    for kind, table in _TABLES.items()
}


def _action(row: Row) -> Action:
    return Action(**{**{name: row[name] for name in _COLUMNS}, "config": loads(row["config"])})


def _row(action: Action) -> dict[str, Any]:
    told = {"config": dumps(action.config), "schedule": action.schedule}
    return {**{name: getattr(action, name) for name in _COLUMNS}, **told}


async def insert_action(uow: UnitOfWork, action: Action) -> None:
    await uow.execute(_INSERT, _row(action))


async def insert_actions(uow: UnitOfWork, made: list[Action]) -> None:
    await uow.execute_many(_INSERT, [_row(action) for action in made])


async def update_action(uow: UnitOfWork, action: Action) -> None:
    named = {"environment": action.environment_id, "action": action.id, "at": action.updated_at}
    config = {"new_config": dumps(action.config), "new_schedule": action.schedule}
    await uow.execute(_UPDATE, {**named, **config, "new_ordinal": action.ordinal})


async def delete_action(uow: UnitOfWork, action: Action) -> None:
    await uow.execute(_DELETE, {"environment": action.environment_id, "action": action.id})


async def delete_of_target(uow: UnitOfWork, target: Place) -> None:
    await uow.execute(_DELETE_OF_TARGET, {"environment": target.environment_id, "target": target.id})


async def find_action(uow: UnitOfWork, environment_id: str, action_id: str) -> Action | None:
    row = await uow.fetch_one(_BY_ID, {"environment": environment_id, "action": action_id})
    return None if row is None else _action(row)


async def list_of_target(uow: UnitOfWork, target: Place) -> list[Action]:
    """A target's actions, in order."""
    rows = await uow.fetch_all(_OF_TARGET, {"environment": target.environment_id, "target": target.id})
    return [_action(row) for row in rows]


async def list_of_space(uow: UnitOfWork, space: Place) -> list[Action]:
    """The actions of a space and of everything in it, oldest first, each target's in order."""
    rows = await uow.fetch_all(_OF_SPACE, {"environment": space.environment_id, "space": space.id})
    return [_action(row) for row in rows]


async def lock_target(uow: UnitOfWork, target: Place) -> None:
    """Have others who would change the target's actions wait until the commit."""
    await uow.fetch_one(_LOCK[target.kind], {"environment": target.environment_id, "target": target.id})


async def tell_target(uow: UnitOfWork, target: Place) -> None:
    """Write the list of a target's actions beside the target, where its readers find it."""
    where = {"environment": target.environment_id, "target": target.id}
    told: Any = [action.config for action in await list_of_target(uow, target)]
    if target.kind == "sh":
        row = await uow.fetch_one(_LOCK["sh"], where)
        told = {**loads(row["told"] if row else "{}"), "actions": told}
    await uow.execute(_TELL[target.kind], {**where, "told": dumps(told), "at": uow.now})
