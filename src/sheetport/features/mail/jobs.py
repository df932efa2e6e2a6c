"""Forgets mails that have ended. The runtime runs this every few minutes, in each process."""

from __future__ import annotations

from sheetport.features.mail import store
from sheetport.features.mail.model import KEPT, PATIENCE
from sheetport.storage.unit_of_work import UnitOfWork


async def sweep_mails(uow: UnitOfWork) -> int:
    """Delete mails that ended a while ago, and those that nobody sends; how many."""
    return await store.delete_ended(uow, uow.now - KEPT, uow.now - KEPT - PATIENCE)
