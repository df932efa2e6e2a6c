"""SQL of sheets."""

from __future__ import annotations

from typing import Any

from sqlalchemy import and_, bindparam, insert, select, update

from sheetport.features.places.model import Place
from sheetport.features.sheets.model import Sheet
from sheetport.kernel.json import dumps, loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import places
from sheetport.storage.tables.records import sheet_counters
from sheetport.storage.tables.workbooks import sheets
from sheetport.storage.unit_of_work import Row, UnitOfWork

#: How many ids one IN list holds.
_CHUNK = 500
_COLUMNS = tuple(column.name for column in sheets.columns if column.name != "deleted_at")
_COUNTED = ("total", "invalid", "next_seq")
_JSON = ("config", "slots", "metadata")
_INSERT = statement(insert(sheets).values({name: bindparam(name) for name in _COLUMNS}))
_INSERT_COUNTER = statement(
    insert(sheet_counters).values(
        environment_id=bindparam("environment_id"),
        sheet_no=bindparam("sheet_no"),
        sheet_id=bindparam("id"),
        next_seq=1,
        total=0,
        invalid=0,
    )
)
_CHANGED = ("name", "slug", "namespace", "config", "slots", "next_slot", "metadata", "updated_at")
_THIS = (sheets.c.environment_id == bindparam("environment"), sheets.c.id == bindparam("sheet"))
_UPDATE = statement(update(sheets).where(*_THIS).values({name: bindparam(f"new_{name}") for name in _CHANGED}))
_DELETE = statement(update(sheets).where(*_THIS).values(deleted_at=bindparam("at")))
#: What lies in something deleted has a deleted place.
_LIVE = (
    select(*(sheets.c[name] for name in _COLUMNS), *(sheet_counters.c[name] for name in _COUNTED))
    .join(places, and_(places.c.environment_id == sheets.c.environment_id, places.c.id == sheets.c.id))
    .join(
        sheet_counters,
        and_(
            sheet_counters.c.environment_id == sheets.c.environment_id, sheet_counters.c.sheet_no == sheets.c.sheet_no
        ),
    )
    .where(places.c.deleted_at.is_(None))
)
_BY_ID = statement(_LIVE.where(*_THIS))
_BY_WORKBOOK = statement(
    _LIVE.where(
        sheets.c.environment_id == bindparam("environment"), sheets.c.workbook_id == bindparam("workbook")
    ).order_by(sheets.c.ordinal, sheets.c.id)
)


def _sheet(row: Row) -> Sheet:
    values = {name: row[name] for name in (*_COLUMNS, *_COUNTED)}
    for name in _JSON:
        values[name] = loads(row[name] or "null")
    return Sheet(**values)


def _row(sheet: Sheet) -> dict[str, Any]:
    values = {name: getattr(sheet, name) for name in _COLUMNS}
    for name in _JSON:
        values[name] = None if values[name] is None else dumps(values[name])
    return values


async def insert_sheets(uow: UnitOfWork, made: list[Sheet]) -> None:
    """Insert sheets with their counters."""
    rows = [_row(sheet) for sheet in made]
    await uow.execute_many(_INSERT, rows)
    await uow.execute_many(_INSERT_COUNTER, rows)


async def update_sheet(uow: UnitOfWork, sheet: Sheet) -> None:
    row = _row(sheet)
    changed = {f"new_{name}": row[name] for name in _CHANGED}
    await uow.execute(_UPDATE, {"environment": sheet.environment_id, "sheet": sheet.id, **changed})


async def delete_sheet(uow: UnitOfWork, sheet: Sheet) -> None:
    await uow.execute(_DELETE, {"environment": sheet.environment_id, "sheet": sheet.id, "at": uow.now})


async def find_sheet(uow: UnitOfWork, environment_id: str, sheet_id: str) -> Sheet | None:
    row = await uow.fetch_one(_BY_ID, {"environment": environment_id, "sheet": sheet_id})
    return None if row is None else _sheet(row)


async def list_of_workbook(uow: UnitOfWork, environment_id: str, workbook_id: str) -> list[Sheet]:
    rows = await uow.fetch_all(_BY_WORKBOOK, {"environment": environment_id, "workbook": workbook_id})
    return [_sheet(row) for row in rows]


async def list_of_workbooks(uow: UnitOfWork, workbooks: list[Place]) -> list[Sheet]:
    """The sheets of many workbooks, each workbook's in order."""
    found: list[Sheet] = []
    environments = sorted({workbook.environment_id for workbook in workbooks})
    for start in range(0, len(workbooks), _CHUNK):
        chunk = [workbook.id for workbook in workbooks[start : start + _CHUNK]]
        query = _LIVE.where(sheets.c.environment_id.in_(environments), sheets.c.workbook_id.in_(chunk))
        rows = await uow.fetch_all(query.order_by(sheets.c.ordinal, sheets.c.id))
        found.extend(_sheet(row) for row in rows)
    return found
