"""SQL of alerts."""

from __future__ import annotations

from sqlalchemy import bindparam, select

from sheetport.storage.statements import statement
from sheetport.storage.tables.core import environments
from sheetport.storage.unit_of_work import UnitOfWork

_HOME = statement(
    select(environments.c.id)
    .where(environments.c.account_id == bindparam("account"), environments.c.deleted_at.is_(None))
    .order_by(environments.c.is_prod.desc(), environments.c.created_at, environments.c.id)
    .limit(1)
)


async def find_home(uow: UnitOfWork, account_id: str) -> str | None:
    """The environment whose log tells what concerns the account: the first production one, else the first."""
    row = await uow.fetch_one(_HOME, {"account": account_id})
    return None if row is None else str(row["id"])
