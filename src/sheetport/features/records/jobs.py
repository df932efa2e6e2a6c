"""Removes records of sheets that are gone, every minute, and those that were staged when a server ended."""

from __future__ import annotations

from sheetport.features.quotas import service as quotas
from sheetport.features.records import store
from sheetport.storage.unit_of_work import UnitOfWork

#: Records of one turn, so that it stays short.
BATCH = 2_000


async def clear_staged(uow: UnitOfWork) -> bool:
    """Delete up to BATCH records that were staged and never published; False when there are none.

    For a server that starts on a database that only it writes to.
    """
    return await store.clear_staged(uow, BATCH)


async def sweep_records(uow: UnitOfWork) -> bool:
    """Delete up to BATCH records of one deleted sheet; False when no other is left to be swept.

    Their bytes were given back when the sheet was deleted. Several processes may call it at the same time.
    """
    gone = await quotas.lock_gone_sheet(uow)
    if gone is None:
        return False
    environment_id, sheet_no = gone
    if await store.sweep_rows(uow, environment_id, sheet_no, BATCH) < BATCH:
        await quotas.forget_gone_sheet(uow, environment_id, sheet_no)
    return True
