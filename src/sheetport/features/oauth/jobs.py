"""What is forgotten in time."""

from __future__ import annotations

from sheetport.features.auth import service as auth
from sheetport.features.oauth import store
from sheetport.kernel.clock import HOUR
from sheetport.storage.unit_of_work import UnitOfWork

#: So long a device login that is over is told to be that, and not to be unknown.
KEPT = HOUR


async def sweep(uow: UnitOfWork) -> int:
    """Delete device logins that are long over and used proofs that are too old; how many."""
    return await store.sweep(uow, uow.now - KEPT) + await auth.sweep_proofs(uow)
