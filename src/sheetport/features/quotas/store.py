"""SQL of quotas."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    and_,
    bindparam,
    case,
    delete,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from sheetport.features.quotas.model import Drift, Quota
from sheetport.storage.statements import Statement, statement
from sheetport.storage.tables.quotas import gone_sheets, quotas
from sheetport.storage.tables.records import records, sheet_counters
from sheetport.storage.tables.workbooks import sheets, workbooks
from sheetport.storage.unit_of_work import Row, UnitOfWork

LIMITS = {
    Quota.ROWS: "rows_limit",
    Quota.BYTES: "bytes_limit",
    Quota.SPACES: "spaces_limit",
    Quota.STREAMS: "streams_limit",
}
_HERE = quotas.c.environment_id == bindparam("environment")
_BEGIN = statement(
    insert(quotas).values(environment_id=bindparam("environment_id"), rows=0, bytes=0, day=0, spaces_made=0)
)
_FIND = statement(select(quotas).where(_HERE))
_ADD = statement(
    update(quotas)
    .where(_HERE)
    .values(
        rows=quotas.c.rows + bindparam("more_rows", type_=BigInteger),
        bytes=quotas.c.bytes + bindparam("more_bytes", type_=BigInteger),
    )
    .returning(quotas.c.rows, quotas.c.bytes, quotas.c.rows_limit, quotas.c.bytes_limit)
)
_COUNT_SPACE = statement(
    update(quotas)
    .where(_HERE)
    .values(
        day=bindparam("today", type_=BigInteger),
        spaces_made=case((quotas.c.day == bindparam("today", type_=BigInteger), quotas.c.spaces_made), else_=0) + 1,
    )
    .returning(quotas.c.spaces_made, quotas.c.spaces_limit)
)
_STREAM_LIMITS = statement(
    select(quotas.c.environment_id, quotas.c.streams_limit).where(quotas.c.streams_limit.is_not(None))
)
_SET = {
    quota: statement(update(quotas).where(_HERE).values({column: bindparam("new_limit", type_=BigInteger)}))
    for quota, column in LIMITS.items()
}


async def open_counts(uow: UnitOfWork, environment_id: str) -> None:
    await uow.execute(_BEGIN, {"environment_id": environment_id})


async def find(uow: UnitOfWork, environment_id: str) -> Row:
    return _there(await uow.fetch_one(_FIND, {"environment": environment_id}), environment_id)


async def add(uow: UnitOfWork, environment_id: str, rows: int, size: int) -> Row:
    """Add to what is stored, and lock it; the counts and limits after it."""
    params = {"environment": environment_id, "more_rows": rows, "more_bytes": size}
    return _there(await uow.fetch_one(_ADD, params), environment_id)


async def count_space(uow: UnitOfWork, environment_id: str, today: int) -> Row:
    return _there(await uow.fetch_one(_COUNT_SPACE, {"environment": environment_id, "today": today}), environment_id)


async def list_stream_limits(uow: UnitOfWork) -> dict[str, int]:
    return {row["environment_id"]: int(row["streams_limit"]) for row in await uow.fetch_all(_STREAM_LIMITS)}


async def set_limit(uow: UnitOfWork, environment_id: str, quota: Quota, limit: int | None) -> None:
    await uow.execute(_SET[quota], {"environment": environment_id, "new_limit": limit})


def _there(row: Row | None, environment_id: str) -> Row:
    if row is None:
        raise LookupError(f"environment {environment_id} has no quotas")
    return row


# ---- sheets that go ------------------------------------------------------------------------------

_OF_ENVIRONMENT = sheet_counters.c.environment_id == bindparam("environment")


def _in(column: ColumnElement[str]) -> ColumnElement[bool]:
    """The counters of the sheets that lie in the thing ``owner``."""
    chosen = select(sheets.c.sheet_no).where(sheets.c.environment_id == bindparam("environment"))
    if column.table is workbooks:
        inside = select(workbooks.c.id).where(workbooks.c.environment_id == bindparam("environment"))
        chosen = chosen.where(sheets.c.workbook_id.in_(inside.where(column == bindparam("owner"))))
    else:
        chosen = chosen.where(column == bindparam("owner"))
    return and_(_OF_ENVIRONMENT, sheet_counters.c.sheet_no.in_(chosen))


_SCOPES = {
    "sh": _in(sheets.c.id),
    "wb": _in(sheets.c.workbook_id),
    "sp": _in(workbooks.c.space_id),
    "env": _OF_ENVIRONMENT,
}
#: Locked in the order in which every writer of several sheets locks them.
_LOCK = {
    kind: statement(
        select(sheet_counters.c.sheet_no, sheet_counters.c.total, sheet_counters.c.bytes)
        .where(scope)
        .order_by(sheet_counters.c.sheet_no)
        .with_for_update()
    )
    for kind, scope in _SCOPES.items()
}
_DROP = {kind: statement(delete(sheet_counters).where(scope)) for kind, scope in _SCOPES.items()}
_GONE = statement(insert(gone_sheets).values({column.name: bindparam(column.name) for column in gone_sheets.columns}))


async def drop_sheets(uow: UnitOfWork, environment_id: str, kind: str, owner: str) -> tuple[int, int]:
    """Drop the counters of every sheet in a thing, so that nobody writes there any more; its (rows, bytes)."""
    params = {"environment": environment_id, "owner": owner}
    found = await uow.fetch_all(_LOCK[kind], params)
    if not found:
        return 0, 0
    gone = [{"environment_id": environment_id, "sheet_no": row["sheet_no"], "gone_at": uow.now} for row in found]
    await uow.execute_many(_GONE, gone)
    await uow.execute(_DROP[kind], params)
    return sum(row["total"] for row in found), sum(row["bytes"] for row in found)


_LOCK_GONE = statement(
    select(gone_sheets.c.environment_id, gone_sheets.c.sheet_no)
    .order_by(gone_sheets.c.environment_id, gone_sheets.c.sheet_no)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_FORGET_GONE = statement(
    delete(gone_sheets).where(
        gone_sheets.c.environment_id == bindparam("environment"), gone_sheets.c.sheet_no == bindparam("sheet")
    )
)


async def lock_gone_sheet(uow: UnitOfWork) -> tuple[str, int] | None:
    row = await uow.fetch_one(_LOCK_GONE)
    return None if row is None else (row["environment_id"], int(row["sheet_no"]))


async def forget_gone_sheet(uow: UnitOfWork, environment_id: str, sheet_no: int) -> None:
    await uow.execute(_FORGET_GONE, {"environment": environment_id, "sheet": sheet_no})


# ---- counting anew -------------------------------------------------------------------------------

_STORED: dict[str, ColumnElement[Any]] = {
    "total": func.count(records.c.seq),
    "invalid": func.sum(case((records.c.valid == false(), 1), else_=0)),
    "bytes": func.coalesce(func.sum(records.c.size), 0),
}
#: The published records of a sheet: those that are staged are not counted yet.
_COUNTED = and_(
    records.c.environment_id == sheet_counters.c.environment_id,
    records.c.sheet_no == sheet_counters.c.sheet_no,
    records.c.seq < sheet_counters.c.next_seq,
)
_JOINED = sheet_counters.outerjoin(
    records,
    _COUNTED,
)


def _drifted(counted: Any, stored: dict[str, ColumnElement[Any]], name: ColumnElement[str], joined: Any) -> Statement:
    """One statement, hence one moment: what is counted beside what is stored, where they differ."""
    query: Select[Any] = select(name.label("place"), *(counted.c[each] for each in stored))
    query = query.add_columns(*(expression.label(f"stored_{each}") for each, expression in stored.items()))
    query = query.select_from(joined).group_by(
        *counted.primary_key.columns, name, *(counted.c[each] for each in stored)
    )
    differs = or_(*(counted.c[each] != expression for each, expression in stored.items()))
    return statement(query.having(differs).order_by(name))


_DRIFTED_SHEETS = _drifted(sheet_counters, _STORED, sheet_counters.c.sheet_id, _JOINED)
_SUMS: dict[str, ColumnElement[Any]] = {
    "rows": func.coalesce(func.sum(sheet_counters.c.total), 0),
    "bytes": func.coalesce(func.sum(sheet_counters.c.bytes), 0),
}
_DRIFTED_ENVIRONMENTS = _drifted(
    quotas,
    _SUMS,
    quotas.c.environment_id,
    quotas.outerjoin(sheet_counters, sheet_counters.c.environment_id == quotas.c.environment_id),
)
_LOCK_SHEETS = statement(
    select(sheet_counters.c.sheet_no)
    .order_by(sheet_counters.c.environment_id, sheet_counters.c.sheet_no)
    .with_for_update()
)
_LOCK_QUOTAS = statement(select(quotas.c.environment_id).order_by(quotas.c.environment_id).with_for_update())


def _truth(expression: ColumnElement[Any]) -> Any:
    stored = select(func.coalesce(expression, 0)).select_from(records)
    return stored.where(_COUNTED).scalar_subquery()


_MEND_SHEETS = statement(
    update(sheet_counters).values({name: _truth(expression) for name, expression in _STORED.items()})
)
_MEND_ENVIRONMENTS = statement(
    update(quotas).values(
        {
            name: select(expression).where(sheet_counters.c.environment_id == quotas.c.environment_id).scalar_subquery()
            for name, expression in _SUMS.items()
        }
    )
)


async def find_drift(uow: UnitOfWork) -> list[Drift]:
    """Every count of a sheet or an environment that is not what is stored. Reads every record's size."""
    found = [_drifts(row, _STORED) for row in await uow.fetch_all(_DRIFTED_SHEETS)]
    found += [_drifts(row, _SUMS) for row in await uow.fetch_all(_DRIFTED_ENVIRONMENTS)]
    return [drift for drifts in found for drift in drifts]


async def mend(uow: UnitOfWork) -> None:
    """Count everything anew, while nobody writes records."""
    await uow.fetch_all(_LOCK_SHEETS)
    await uow.fetch_all(_LOCK_QUOTAS)
    await uow.execute(_MEND_SHEETS)
    await uow.execute(_MEND_ENVIRONMENTS)


def _drifts(row: Row, names: dict[str, Any]) -> list[Drift]:
    pairs = [(name, int(row[name]), int(row[f"stored_{name}"])) for name in names]
    return [Drift(row["place"], name, counted, stored) for name, counted, stored in pairs if counted != stored]
