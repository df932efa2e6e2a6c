"""One server process: accepts requests until it is told to stop, then ends them in order."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, contextmanager
from typing import Any, Protocol

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.embed import Server

from sheetport.config import HttpSettings, Settings
from sheetport.kernel.crypto import KeyRing
from sheetport.runtime.set_up import open_for_serving
from sheetport.storage.unit_of_work import Database

#: Requests still running this long after a stop are cut.
STOP_SECONDS = 8.0
Ready = Callable[[Database], Awaitable[None]]


class Served(Protocol):
    """An ASGI application with work beside its requests."""

    def running(self) -> AbstractAsyncContextManager[None]: ...

    def stop_waiting(self) -> None:
        """Answer every open long poll."""
        ...

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


Build = Callable[[Settings, Database], Served]


class PortInUseError(Exception):
    """Another program listens on the address."""


def check_port_free(http: HttpSettings) -> None:
    """Raise PortInUseError when somebody listens already; the server's own sockets would share the port."""
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((http.host, http.port))
        except OSError as error:
            raise PortInUseError(
                f"{http.host}:{http.port} cannot be used ({error.strerror}). Stop what listens there or choose --port."
            ) from None


@contextmanager
def held_port(http: HttpSettings) -> Iterator[None]:
    """Hold the address from before the set-up to the end. Raises PortInUseError.

    Until a server listens its port looks free, and two that start at once would share it. A socket in the kernel's
    own name space can be bound once, and is gone with its process.
    """
    check_port_free(http)
    with socket.socket(socket.AF_UNIX) as guard:
        try:
            guard.bind(f"\0sheetport {http.host} {http.port}")
        except OSError:
            raise PortInUseError(
                f"{http.host}:{http.port} is taken by another server that is starting. Choose another --port."
            ) from None
        yield


async def serve(settings: Settings, keys: KeyRing, build: Build, ready: Ready) -> None:
    """Serve until SIGTERM or SIGINT. ``ready`` is awaited once requests are accepted."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        db = await open_for_serving(settings, keys)
        stack.push_async_callback(db.close)
        app = build(settings, db)
        await stack.enter_async_context(app.running())
        server = _server(app, settings.http)
        serving = asyncio.create_task(server.serve())
        await _accepting(settings.http, serving)
        await ready(db)
        waiting = asyncio.create_task(stop.wait())
        await asyncio.wait({waiting, serving}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        app.stop_waiting()
        server.stop()  # type: ignore[no-untyped-call]  # the library has no annotation here
        await asyncio.wait({serving}, timeout=STOP_SECONDS)


def _server(app: Served, http: HttpSettings) -> Server:
    logging.getLogger("_granian").setLevel(logging.ERROR)
    return Server(
        app,
        address=http.host,
        port=http.port,
        interface=Interfaces.ASGINL,
        http=HTTPModes.http1,
        websockets=False,
        backlog=2_048,
        backpressure=20_000,
        http1_settings=HTTP1Settings(header_read_timeout=30_000),
        log_enabled=False,
    )


async def _accepting(http: HttpSettings, serving: asyncio.Task[None]) -> None:
    """Return once a connection is accepted; raise what the server raised if it ended instead."""
    while True:
        if serving.done():
            serving.result()
            raise RuntimeError("the HTTP server ended before it accepted requests")
        try:
            _, writer = await asyncio.open_connection(http.host, http.port)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.close()
        return
