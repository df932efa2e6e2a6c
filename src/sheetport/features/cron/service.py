"""Tells ticks: each environment of its audience once, each scheduled action's job once, whoever else tells them.

A round is a tick of one topic. It is told in parts, each in a transaction of its own; whoever goes on with it after a
crash tells only those who have not been told. When it is over nobody goes on with it. Ticks that were missed are not
made up for, but for the newest one of each topic.
"""

from __future__ import annotations

from collections.abc import Iterable

from sheetport.features.cron import store
from sheetport.features.cron.model import Cadence, Tick, newest_tick
from sheetport.features.events import service as events
from sheetport.features.starts import service as starts
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import DAY
from sheetport.storage.unit_of_work import UnitOfWork

#: How many environments are told, and how many jobs are made, in one turn: a turn of the writer is short.
ENVIRONMENTS = 50
JOBS = 20
#: Who was followed within this time is told of ticks: whoever comes back finds what happened meanwhile.
FOLLOWED = DAY
CHORE = "cron.tell"


async def list_due(uow: UnitOfWork) -> list[Tick]:
    """The ticks of which not everybody has been told. A topic's first round begins with the next tick."""
    rounds = await store.list_rounds(uow)
    due = []
    for cadence in Cadence:
        tick = newest_tick(cadence, uow.now)
        if cadence not in rounds:
            await store.begin_round(uow, tick)
        elif rounds[cadence] < tick.due_at:
            due.append(tick)
    return due


async def tell_tick(uow: UnitOfWork, tick: Tick, environment_ids: list[str]) -> bool:
    """Tell these (at most ENVIRONMENTS) of a tick; False, and nothing is done, while or after another process does."""
    if not await _is_ours(uow, tick):
        return False
    for place in await store.list_environments(uow, environment_ids):
        if await store.claim_tick(uow, place.environment_id, place.id, tick):
            actor = system_actor(place.account_id, place.environment_id)
            await events.emit(uow, actor, tick.cadence.value, place)
    return True


async def start_scheduled(uow: UnitOfWork, tick: Tick) -> int | None:
    """Make some of the jobs of a tick; how many actions were looked at, or None while or after another process does."""
    if not await _is_ours(uow, tick):
        return None
    found = await store.list_scheduled(uow, tick, JOBS)
    for action in found:
        if await store.claim_tick(uow, action.environment_id, action.id, tick):
            await starts.start_scheduled(uow, action)
    return len(found)


async def end_round(uow: UnitOfWork, tick: Tick) -> None:
    """Note that everybody has been told."""
    await store.end_round(uow, tick)
    await store.forget_followed(uow, uow.now - FOLLOWED)


async def note_followed(uow: UnitOfWork, environment_ids: Iterable[str]) -> None:
    """Note that these environments are followed now."""
    for environment_id in sorted(environment_ids):
        await store.note_followed(uow, environment_id)


async def list_followed(uow: UnitOfWork, tick: Tick) -> list[str]:
    """An audience: the environments that somebody followed within a day, whatever the topic."""
    del tick
    return await store.list_followed(uow, uow.now - FOLLOWED)


async def _is_ours(uow: UnitOfWork, tick: Tick) -> bool:
    return await uow.claim(CHORE) and not await store.is_over(uow, tick)
