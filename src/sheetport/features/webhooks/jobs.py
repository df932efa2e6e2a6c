"""What runs beside requests: the delivery log is kept as long as the log of events, and no key beyond its overlap."""

from __future__ import annotations

from sheetport.features.events.service import oldest_day
from sheetport.features.webhooks import service
from sheetport.storage.unit_of_work import UnitOfWork


async def sweep_webhooks(uow: UnitOfWork, days: int) -> bool:
    """Delete keys that sign no more, and some of the deliveries of days not kept; whether there may be more."""
    await service.sweep_keys(uow)
    return await service.sweep_deliveries(uow, oldest_day(uow.now, days))
