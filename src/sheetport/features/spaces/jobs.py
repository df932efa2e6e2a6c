"""Ends embedded spaces that nobody submits. The runtime runs this every minute, in each process."""

from __future__ import annotations

from sheetport.features.jobs import service as jobs
from sheetport.features.spaces import service, store
from sheetport.kernel.actor import system_actor
from sheetport.storage.unit_of_work import UnitOfWork

#: Few, so that a turn stays short.
BATCH = 10


async def sweep_spaces(uow: UnitOfWork) -> int:
    """Expire, keep or delete up to BATCH spaces, of every environment, whose time has come; how many.

    Call it again at once while it answers BATCH. Several processes may call it at the same time.
    """
    due = await store.lock_due(uow, BATCH)
    for space in due:
        actor = system_actor(space.account_id, space.environment_id)
        if space.expired_at is not None:
            await service.delete_spaces(uow, actor, [space.id])
        elif await jobs.was_submitted(uow, space.environment_id, space.id):
            await store.keep_space(uow, space)
        else:
            await service.expire_space(uow, actor, space)
    return len(due)
