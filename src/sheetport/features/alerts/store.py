"""SQL of alerts."""

from __future__ import annotations

from sqlalchemy import bindparam, case, select

from sheetport.storage.statements import statement
from sheetport.storage.tables.core import environments, users
from sheetport.storage.unit_of_work import Row, UnitOfWork

_HOME = statement(
    select(environments.c.id)
    .where(environments.c.account_id == bindparam("account"), environments.c.deleted_at.is_(None))
    .order_by(environments.c.is_prod.desc(), environments.c.created_at, environments.c.id)
    .limit(1)
)


#: The user it concerns, else the account's first; nobody who may not sign in.
_RECIPIENT = statement(
    select(users.c.id, users.c.email)
    .where(users.c.account_id == bindparam("account"), users.c.disabled_at.is_(None))
    .order_by(case((users.c.id == bindparam("user"), 0), else_=1), users.c.created_at, users.c.id)
    .limit(1)
)


async def find_recipient(uow: UnitOfWork, account_id: str, user_id: str) -> Row | None:
    """Id and address of whom to tell: the user, if there is such a one, else the account's first."""
    return await uow.fetch_one(_RECIPIENT, {"account": account_id, "user": user_id})


async def find_home(uow: UnitOfWork, account_id: str) -> str | None:
    """The environment whose log tells what concerns the account: the first production one, else the first."""
    row = await uow.fetch_one(_HOME, {"account": account_id})
    return None if row is None else str(row["id"])
