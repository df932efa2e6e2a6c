"""SQL of accounts."""

from __future__ import annotations

from sqlalchemy import bindparam, insert, select, update

from sheetport.features.accounts.model import Account
from sheetport.kernel.json import dumps, loads
from sheetport.storage.statements import statement
from sheetport.storage.tables.core import accounts
from sheetport.storage.unit_of_work import Row, UnitOfWork

_COLUMNS = tuple(column.name for column in accounts.columns)
_INSERT = statement(insert(accounts).values({name: bindparam(name) for name in _COLUMNS}))
_BY_ID = statement(select(accounts).where(accounts.c.id == bindparam("id")))
_ALL = statement(select(accounts).order_by(accounts.c.created_at, accounts.c.id))
_UPDATE = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("account"))
    .values(name=bindparam("new_name"), default_app_id=bindparam("new_app"), updated_at=bindparam("at"))
)
_SET_KEY_MAX_AGE = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("account"))
    .values(key_max_age_days=bindparam("days"), updated_at=bindparam("at"))
)
_SET_EMBEDDED_DOMAINS = statement(
    update(accounts)
    .where(accounts.c.id == bindparam("account"))
    .values(embedded_domains=bindparam("origins"), updated_at=bindparam("at"))
)
_BUMP = statement(
    update(accounts).where(accounts.c.id == bindparam("account")).values(auth_generation=accounts.c.auth_generation + 1)
)


async def insert_account(uow: UnitOfWork, account: Account) -> None:
    row = {name: getattr(account, name) for name in _COLUMNS}
    row |= {"embedded_domains": dumps(account.embedded_domains), "metadata": dumps(account.metadata)}
    await uow.execute(_INSERT, row)


async def find_account(uow: UnitOfWork, account_id: str) -> Account | None:
    row = await uow.fetch_one(_BY_ID, {"id": account_id})
    return None if row is None else _account(row)


async def list_accounts(uow: UnitOfWork) -> list[Account]:
    return [_account(row) for row in await uow.fetch_all(_ALL)]


def _account(row: Row) -> Account:
    values = {name: row[name] for name in _COLUMNS}
    values |= {
        name: loads(row[name] or "null") or empty for name, empty in (("embedded_domains", []), ("metadata", {}))
    }
    return Account(**values)


async def update_account(uow: UnitOfWork, account_id: str, name: str, default_app_id: str | None) -> None:
    await uow.execute(_UPDATE, {"account": account_id, "new_name": name, "new_app": default_app_id, "at": uow.now})


async def bump_generation(uow: UnitOfWork, account_id: str) -> None:
    await uow.execute(_BUMP, {"account": account_id})


async def set_key_max_age(uow: UnitOfWork, account_id: str, days: int | None) -> None:
    await uow.execute(_SET_KEY_MAX_AGE, {"account": account_id, "days": days, "at": uow.now})


async def set_embedded_domains(uow: UnitOfWork, account_id: str, origins: list[str]) -> None:
    await uow.execute(_SET_EMBEDDED_DOMAINS, {"account": account_id, "origins": dumps(origins), "at": uow.now})
