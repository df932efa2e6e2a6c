"""Receiving events and handling each in a task of its own, with an orderly end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from sheetport.listener.client import Api, Connection
from sheetport.listener.errors import ListenerConfigError
from sheetport.listener.stream import Backoff, Stream

logger = logging.getLogger("sheetport.listener")

# How long running handlers may go on after a stop, in seconds.
GRACE = 10.0

# Events handled at the same time; plain handlers have a thread each.
AT_ONCE = 256

Dispatch = Callable[[Mapping[str, Any], Api], Awaitable[Any]]


async def receive(
    dispatch: Dispatch,
    connection: Connection,
    stop: asyncio.Event,
    *,
    on_connected: Callable[[str], None] | None = None,
    backoff: Backoff | None = None,
    grace: float = GRACE,
    signals: bool = True,
) -> None:
    """Gives every event of the connection's scope to ``dispatch`` until ``stop`` is set or a signal comes.

    Without ``signals`` SIGINT and SIGTERM stay whose they were.
    """
    if not connection.scope:
        raise ListenerConfigError(
            "The environment to listen to is missing: set FLATFILE_ENVIRONMENT_ID, or pass environment_id= or scope=."
        )
    running: set[asyncio.Task[Any]] = set()
    slots = asyncio.Semaphore(AT_ONCE)
    async with Api(connection) as api:

        async def handle(event: dict[str, Any]) -> None:
            async with slots:
                await dispatch(event, api)

        def deliver(event: dict[str, Any]) -> None:
            task = asyncio.create_task(handle(event))
            running.add(task)
            task.add_done_callback(running.discard)
            task.add_done_callback(_report_bug)

        try:
            with _signals(stop) if signals else contextlib.nullcontext():
                await Stream(api, deliver, on_connected, backoff).run(stop)
                await _finish(running, grace)
        finally:
            await _finish(running, 0)


async def _finish(running: set[asyncio.Task[Any]], seconds: float) -> None:
    """Waits for the running handlers, then cancels what is left (which fails its job)."""
    if running and seconds:
        await asyncio.wait(set(running), timeout=seconds)
    left = set(running)
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)


def _report_bug(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        logger.error("Handling an event went wrong inside the listener.", exc_info=task.exception())


@contextlib.contextmanager
def _signals(stop: asyncio.Event) -> Iterator[None]:
    """SIGINT and SIGTERM stop in order; a second one stops at once."""
    loop = asyncio.get_running_loop()
    task = asyncio.current_task()

    def on_signal() -> None:
        if stop.is_set() and task is not None:
            task.cancel()
        stop.set()

    installed: list[signal.Signals] = []
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # a platform whose loop knows no signals
                loop.add_signal_handler(number, on_signal)
                installed.append(number)
    try:
        yield
    finally:
        for number in installed:
            loop.remove_signal_handler(number)
