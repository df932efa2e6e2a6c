"""What runs beside requests: the delivery log is kept as long as the log of events."""

from __future__ import annotations

from sheetport.features.events.service import oldest_day
from sheetport.features.webhooks import service
from sheetport.storage.unit_of_work import UnitOfWork


async def sweep_deliveries(uow: UnitOfWork, days: int) -> bool:
    """Delete some of the deliveries of days that are not kept; whether there may be more."""
    return await service.sweep_deliveries(uow, oldest_day(uow.now, days))
