"""SQL of executions."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, bindparam, delete, func, insert, select

from sheetport.features.agents.model import Execution, ExecutionFilter
from sheetport.kernel.json import dumps, loads
from sheetport.kernel.paging import Page
from sheetport.storage.statements import statement
from sheetport.storage.tables.agents import agent_executions
from sheetport.storage.unit_of_work import Row, UnitOfWork

_C = agent_executions.c
_FIELDS = tuple(Execution.__dataclass_fields__)
_COLUMNS = [_C[name] for name in _FIELDS]
_JSON = ("context", "namespaces")
_FLAGS = ("success", "is_dead", "is_cold")
_INSERT = statement(insert(agent_executions).values({name: bindparam(name) for name in _FIELDS}))
_OLD = select(_C.environment_id, _C.id).where(_C.created_at < bindparam("before")).limit(bindparam("most"))
_FIND_OLD = statement(_OLD)
_DELETE = statement(
    delete(agent_executions).where(_C.environment_id == bindparam("environment"), _C.id == bindparam("execution"))
)


async def insert_execution(uow: UnitOfWork, execution: Execution) -> None:
    row: dict[str, Any] = {name: getattr(execution, name) for name in _FIELDS}
    await uow.execute(_INSERT, row | {name: dumps(row[name]) for name in _JSON})


async def list_executions(uow: UnitOfWork, wanted: ExecutionFilter, page: Page) -> tuple[list[Execution], int]:
    """A page of executions, newest first, and how many there are."""
    where: list[ColumnElement[bool]] = [_C.environment_id == wanted.environment_id]
    for name in ("agent_id", "space_id", "event_id", "success"):
        value = getattr(wanted, name)
        if value is not None:
            where.append(_C[name] == value)
    query = select(*_COLUMNS).where(*where).order_by(_C.created_at.desc(), _C.id.desc())
    rows = await uow.fetch_all(query.limit(page.size).offset(page.offset))
    total = await uow.fetch_one(select(func.count().label("total")).select_from(agent_executions).where(*where))
    return [_execution(row) for row in rows], int(total["total"]) if total else 0


async def delete_before(uow: UnitOfWork, moment: int, most: int) -> int:
    """Delete up to ``most`` executions that began before a moment; how many."""
    rows = await uow.fetch_all(_FIND_OLD, {"before": moment, "most": most})
    await uow.execute_many(_DELETE, [{"environment": each["environment_id"], "execution": each["id"]} for each in rows])
    return len(rows)


def _execution(row: Row) -> Execution:
    values = {name: row[name] for name in _FIELDS}
    values |= {name: loads(row[name]) for name in _JSON} | {name: bool(row[name]) for name in _FLAGS}
    return Execution(**values)
