"""How long the log is kept: whole days, swept from its beginning.

What is left is always the end of the log, without a hole: a reader who comes from before its beginning can be told
what is lost. Positions go on; none is given twice.
"""

from __future__ import annotations

from sheetport.features.events import store
from sheetport.kernel.clock import DAY
from sheetport.storage.unit_of_work import UnitOfWork

#: As many events go in one turn: a turn of the writer is short.
BATCH = 200
CHORE = "events.sweep"


def oldest_day(now: int, days: int) -> int:
    """The moment from which events are kept: the beginning of a day (UTC), ``days`` full days before ``now``."""
    return now - now % DAY - days * DAY


async def list_outdated(uow: UnitOfWork, days: int) -> list[str]:
    """Environments whose log holds days that are not kept."""
    return await store.list_environments_before(uow, oldest_day(uow.now, days))


async def sweep_batch(uow: UnitOfWork, environment_id: str, days: int) -> bool:
    """Delete the first events of a log as far as they are from days not kept; whether there may be more.

    Nothing is done while another process sweeps. An event without a position is not in the log, so it stays.
    """
    if not await uow.claim(CHORE):
        return False
    before = oldest_day(uow.now, days)
    first = await store.list_first(uow, environment_id, BATCH)
    last = 0
    for position, created_at in first:
        if created_at >= before:
            break
        last = position
    if last:
        await store.delete_up_to(uow, environment_id, last)
    return len(first) == BATCH and last == first[-1][0]
