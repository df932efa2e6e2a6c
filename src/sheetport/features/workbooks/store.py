"""SQL of workbooks."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, insert, select, update

from sheetport.features.workbooks.model import Workbook, WorkbookFilter
from sheetport.kernel.actor import Actor
from sheetport.kernel.json import dumps, loads
from sheetport.storage.reach import reached
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import places
from sheetport.storage.tables.workbooks import workbooks
from sheetport.storage.unit_of_work import Row, UnitOfWork

_COLUMNS = tuple(column.name for column in workbooks.columns if column.name != "deleted_at")
_JSON = ("labels", "actions", "settings", "metadata", "treatments")
#: Not ``actions``: their own slice changes them.
_CHANGED = ("name", "namespace", "folder", "labels", "settings", "metadata", "treatments", "updated_at")
_THIS = (workbooks.c.environment_id == bindparam("environment"), workbooks.c.id == bindparam("workbook"))
_INSERT = statement(insert(workbooks).values({name: bindparam(name) for name in _COLUMNS}))
_UPDATE = statement(update(workbooks).where(*_THIS).values({name: bindparam(f"new_{name}") for name in _CHANGED}))
_DELETE = statement(update(workbooks).where(*_THIS).values(deleted_at=bindparam("at")))
#: What lies in something deleted has a deleted place.
_LIVE = (
    select(*(workbooks.c[name] for name in _COLUMNS))
    .join(places, and_(places.c.environment_id == workbooks.c.environment_id, places.c.id == workbooks.c.id))
    .where(places.c.deleted_at.is_(None))
)
_BY_ID = statement(_LIVE.where(*_THIS))


def _workbook(row: Row) -> Workbook:
    values = {name: row[name] for name in _COLUMNS}
    for name in _JSON:
        values[name] = loads(row[name] or "null")
    return Workbook(**values)


def _row(workbook: Workbook) -> dict[str, Any]:
    values = {name: getattr(workbook, name) for name in _COLUMNS}
    for name in _JSON:
        values[name] = None if values[name] is None else dumps(values[name])
    return values


async def insert_workbook(uow: UnitOfWork, workbook: Workbook) -> None:
    await uow.execute(_INSERT, _row(workbook))


async def insert_workbooks(uow: UnitOfWork, made: list[Workbook]) -> None:
    await uow.execute_many(_INSERT, [_row(workbook) for workbook in made])


async def update_workbook(uow: UnitOfWork, workbook: Workbook) -> None:
    row = _row(workbook)
    changed = {f"new_{name}": row[name] for name in _CHANGED}
    await uow.execute(_UPDATE, {"environment": workbook.environment_id, "workbook": workbook.id, **changed})


async def delete_workbook(uow: UnitOfWork, environment_id: str, workbook_id: str) -> None:
    await uow.execute(_DELETE, {"environment": environment_id, "workbook": workbook_id, "at": uow.now})


async def find_workbook(uow: UnitOfWork, environment_id: str, workbook_id: str) -> Workbook | None:
    row = await uow.fetch_one(_BY_ID, {"environment": environment_id, "workbook": workbook_id})
    return None if row is None else _workbook(row)


async def list_workbooks(uow: UnitOfWork, actor: Actor, chosen: WorkbookFilter) -> list[Workbook]:
    """The workbooks that the caller reaches, or reaches a sheet of, oldest first."""
    where = reached(actor, workbooks.c.environment_id, workbooks.c.space_id, workbooks.c.id, around=True)
    query = _LIVE.where(workbooks.c.account_id == actor.account_id, where)
    for column, value in (
        (workbooks.c.environment_id, actor.environment_id),
        (workbooks.c.space_id, actor.space_id),
        (workbooks.c.space_id, chosen.space_id),
    ):
        if value is not None:
            query = query.where(column == value)
    rows = await uow.fetch_all(query.order_by(workbooks.c.created_at, workbooks.c.id))
    return [found for found in map(_workbook, rows) if _fits(found, chosen)]


def _fits(workbook: Workbook, chosen: WorkbookFilter) -> bool:
    return (
        _has([workbook.name or ""], chosen.name)
        and _has([workbook.namespace or ""], chosen.namespace)
        and _has(workbook.labels, chosen.label)
        and _has(workbook.treatments, chosen.treatment)
    )


def _has(words: list[str] | None, wanted: str | None) -> bool:
    if not wanted:
        return True
    excluded = wanted.startswith("-")
    return (wanted.removeprefix("-") in (words or ())) is not excluded
