"""Who is listening, for messages that name them."""

from __future__ import annotations

from collections.abc import Iterable

from sheetport.features.events import store
from sheetport.features.events.model import ListenerRow
from sheetport.storage.unit_of_work import UnitOfWork


async def record_listeners(uow: UnitOfWork, come: Iterable[ListenerRow], gone: Iterable[ListenerRow]) -> None:
    """Note listeners that have come and listeners that are gone.

    One that another process has seen since stays: its row is that process's.
    """
    for listener in gone:
        await store.delete_listener(uow, listener.environment_id, listener.id, listener.process)
    for listener in come:
        await store.replace_listener(uow, listener)


async def list_processes(uow: UnitOfWork) -> list[str]:
    """The server processes that listeners are noted for."""
    return await store.list_processes(uow)


async def forget_process(uow: UnitOfWork, process: str) -> None:
    """Forget the listeners of a server process that has ended."""
    await store.delete_process(uow, process)
