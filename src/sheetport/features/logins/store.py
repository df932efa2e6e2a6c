"""SQL of signed tickets that were used."""

from __future__ import annotations

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects.postgresql import insert

from sheetport.storage.statements import statement
from sheetport.storage.tables.logins import spent_tickets
from sheetport.storage.unit_of_work import UnitOfWork

_SPEND = statement(
    insert(spent_tickets)
    .values(fingerprint=bindparam("fingerprint"), expires_at=bindparam("expires_at"))
    .on_conflict_do_nothing()
)
_SWEEP = statement(delete(spent_tickets).where(spent_tickets.c.expires_at <= bindparam("now")))


async def spend(uow: UnitOfWork, fingerprint: str, expires_at: int) -> bool:
    """Note that a ticket was used; False when it was before."""
    return await uow.execute(_SPEND, {"fingerprint": fingerprint, "expires_at": expires_at}) == 1


async def sweep(uow: UnitOfWork) -> int:
    return await uow.execute(_SWEEP, {"now": uow.now})
