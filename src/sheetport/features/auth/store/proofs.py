"""SQL of proofs of possession that were used."""

from __future__ import annotations

from sqlalchemy import bindparam, delete
from sqlalchemy.dialects.postgresql import insert

from sheetport.storage.statements import statement
from sheetport.storage.tables.auth import spent_proofs
from sheetport.storage.unit_of_work import UnitOfWork

_SPEND = statement(
    insert(spent_proofs)
    .values(fingerprint=bindparam("fingerprint"), expires_at=bindparam("expires_at"))
    .on_conflict_do_nothing()
)
_SWEEP = statement(delete(spent_proofs).where(spent_proofs.c.expires_at <= bindparam("before")))


async def spend(uow: UnitOfWork, fingerprint: str, expires_at: int) -> bool:
    """Note that a proof was used; False when it was before."""
    return await uow.execute(_SPEND, {"fingerprint": fingerprint, "expires_at": expires_at}) == 1


async def sweep(uow: UnitOfWork, before: int) -> int:
    return await uow.execute(_SWEEP, {"before": before})
