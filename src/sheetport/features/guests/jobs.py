"""Forgets anonymous guests who are gone. The runtime runs this every few minutes, in each process."""

from __future__ import annotations

from sheetport.features.guests import service
from sheetport.features.guests.service.anonymous import BATCH
from sheetport.storage.unit_of_work import UnitOfWork


async def sweep_guests(uow: UnitOfWork) -> bool:
    """Forget some; whether there may be more. Several processes may call it at the same time."""
    return await service.forget_guests(uow) == BATCH
