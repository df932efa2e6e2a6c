"""SQL of sessions."""

from __future__ import annotations

from sqlalchemy import bindparam, delete, select, update
from sqlalchemy.dialects.postgresql import insert

from sheetport.features.sessions.model import Session
from sheetport.storage.statements import statement
from sheetport.storage.tables.logins import sessions
from sheetport.storage.unit_of_work import Row, UnitOfWork

_FIELDS = tuple(Session.__dataclass_fields__)
_INSERT = statement(insert(sessions).values({name: bindparam(name) for name in _FIELDS}))
_BY_ID = statement(select(sessions).where(sessions.c.credential_id == bindparam("id")))
_BY_USER = statement(select(sessions).where(sessions.c.user_id == bindparam("user")))
_BY_WAY = statement(
    select(sessions.c.credential_id).where(
        sessions.c.account_id == bindparam("account"), sessions.c.way.startswith(bindparam("first"), autoescape=False)
    )
)
_ADDRESSES = statement(select(sessions.c.address).distinct().where(sessions.c.user_id == bindparam("user")))
_CONFIRM = statement(
    update(sessions)
    .where(sessions.c.credential_id == bindparam("session"))
    .values(authenticated_at=bindparam("at"), way=bindparam("new_way"))
)
_SWEEP = statement(delete(sessions).where(sessions.c.authenticated_at <= bindparam("before")))


async def insert_session(uow: UnitOfWork, session: Session) -> None:
    await uow.execute(_INSERT, {name: getattr(session, name) for name in _FIELDS})


async def find_session(uow: UnitOfWork, credential_id: str) -> Session | None:
    row = await uow.fetch_one(_BY_ID, {"id": credential_id})
    return None if row is None else _session(row)


async def list_by_user(uow: UnitOfWork, user_id: str) -> list[Session]:
    return [_session(row) for row in await uow.fetch_all(_BY_USER, {"user": user_id})]


async def list_by_way(uow: UnitOfWork, account_id: str, first: str) -> list[str]:
    rows = await uow.fetch_all(_BY_WAY, {"account": account_id, "first": first})
    return [row["credential_id"] for row in rows]


async def list_addresses(uow: UnitOfWork, user_id: str) -> list[str | None]:
    return [row["address"] for row in await uow.fetch_all(_ADDRESSES, {"user": user_id})]


async def confirm(uow: UnitOfWork, credential_id: str, way: str) -> int:
    return await uow.execute(_CONFIRM, {"session": credential_id, "new_way": way, "at": uow.now})


async def sweep(uow: UnitOfWork, before: int) -> int:
    return await uow.execute(_SWEEP, {"before": before})


def _session(row: Row) -> Session:
    return Session(**{name: row[name] for name in _FIELDS})
