"""What is forgotten in time."""

from __future__ import annotations

from sheetport.features.attempts import service as attempts
from sheetport.features.logins import store
from sheetport.features.sessions import service as sessions
from sheetport.features.sso import service as sso
from sheetport.storage.unit_of_work import UnitOfWork


async def sweep(uow: UnitOfWork) -> int:
    """Delete failures whose window is over, places of long ago, used tickets that are out of date and who deleted users
    were elsewhere; how many."""
    return await attempts.sweep(uow) + await sessions.sweep(uow) + await store.sweep(uow) + await sso.sweep(uow)
