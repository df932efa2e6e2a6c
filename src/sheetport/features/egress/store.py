"""SQL of egress allowances."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.egress.model import Allowance
from sheetport.storage.statements import statement
from sheetport.storage.tables.egress import egress_allowances
from sheetport.storage.unit_of_work import Row, UnitOfWork

_columns = egress_allowances.c
#: The environment of an allowance that is every environment's.
_ALL = ""
_INSERT = statement(
    insert(egress_allowances)
    .values({column.name: bindparam(column.name) for column in _columns})
    .on_conflict_do_nothing()
)
_DELETE = statement(
    delete(egress_allowances).where(
        _columns.account_id == bindparam("account"),
        _columns.environment_id == bindparam("environment"),
        _columns.target == bindparam("wanted"),
    )
)
_LIST = statement(
    select(egress_allowances)
    .where(_columns.account_id == bindparam("account"))
    .order_by(_columns.environment_id, _columns.target)
)
_TARGETS = statement(
    select(_columns.target).where(
        _columns.account_id == bindparam("account"), _columns.environment_id.in_((_ALL, bindparam("environment")))
    )
)


async def insert_allowance(uow: UnitOfWork, account_id: str, environment_id: str | None, target: str) -> bool:
    """Whether it was not there before."""
    row = {"account_id": account_id, "environment_id": environment_id or _ALL, "target": target}
    return await uow.execute(_INSERT, {**row, "created_at": uow.now}) == 1


async def delete_allowance(uow: UnitOfWork, account_id: str, environment_id: str | None, target: str) -> bool:
    """Whether it was there."""
    params = {"account": account_id, "environment": environment_id or _ALL, "wanted": target}
    return await uow.execute(_DELETE, params) == 1


async def list_allowances(uow: UnitOfWork, account_id: str) -> list[Allowance]:
    return [_allowance(row) for row in await uow.fetch_all(_LIST, {"account": account_id})]


async def list_targets(uow: UnitOfWork, account_id: str, environment_id: str | None) -> list[str]:
    """Targets of the account and, when one is given, of the environment."""
    rows = await uow.fetch_all(_TARGETS, {"account": account_id, "environment": environment_id or _ALL})
    return [row["target"] for row in rows]


def _allowance(row: Row) -> Allowance:
    return Allowance(row["target"], row["environment_id"] or None, row["created_at"])
