"""One server process: accepts requests until it is told to stop or to make room, then ends them in order."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.net import SocketHolder  # type: ignore[attr-defined]  # re-exported without saying so
from granian.server.embed import Server

from sheetport.config import HttpSettings, Settings
from sheetport.http.redirect import Redirect
from sheetport.kernel.crypto import KeyRing
from sheetport.runtime.notify import notify
from sheetport.runtime.set_up import open_for_serving
from sheetport.runtime.sockets import Sockets
from sheetport.storage.unit_of_work import Database

#: New objects after which the collector looks for garbage among them.
COLLECT_EVERY = 10_000
#: Requests still running this long after a stop are cut.
STOP_SECONDS = 8.0
#: So long a process that makes room for another goes on answering, asking its clients to connect anew.
LEAVE_SECONDS = 1.0
BACKLOG = 2_048
Ready = Callable[[Database], Awaitable[None]]


class Served(Protocol):
    """An ASGI application with work beside its requests."""

    def running(self) -> AbstractAsyncContextManager[None]: ...

    def take_leave(self) -> None:
        """Ask clients to connect anew."""
        ...

    def stop_waiting(self) -> None:
        """Answer every open long poll."""
        ...

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None: ...


Build = Callable[[Settings, Database], Served]


@dataclass(frozen=True, slots=True)
class Leave:
    """By which signal this process is asked to make room for its successor, and whether it shall."""

    number: int
    allowed: Callable[[], bool]


async def serve(settings: Settings, keys: KeyRing, build: Build, ready: Ready, sockets: Sockets, leave: Leave) -> bool:
    """Serve until SIGTERM or SIGINT, or until asked to leave: then True, and the sockets are still open.

    ``ready`` is awaited once requests are accepted.
    """
    stopping, leaving = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    loop.add_signal_handler(leave.number, lambda: leaving.set() if leave.allowed() else None)
    async with AsyncExitStack() as stack:
        db = await open_for_serving(settings, keys)
        stack.push_async_callback(db.close)
        app = build(settings, db)
        await stack.enter_async_context(app.running())
        serving = await stack.enter_async_context(accepting(app, settings.http, sockets))
        await ready(db)
        _calm_collector()
        await _first_of(stopping.wait(), leaving.wait(), *serving)
        makes_room = leaving.is_set() and not stopping.is_set()
        notify("RELOADING" if makes_room else "STOPPING")
        if makes_room:
            app.take_leave()
            await _first_of(stopping.wait(), asyncio.sleep(LEAVE_SECONDS))
        else:
            sockets.close()
        return makes_room


@asynccontextmanager
async def accepting(
    app: Served, http: HttpSettings, sockets: Sockets
) -> AsyncGenerator[list[asyncio.Task[None]], None]:
    """Answer requests for as long as the context lasts; its end answers the open ones. The servers' tasks."""
    servers = _servers(app, http, sockets)
    serving = [asyncio.create_task(server.serve()) for server in servers]
    await _answering(http, serving)
    try:
        yield serving
    finally:
        app.stop_waiting()
        for server in servers:
            server.stop()  # type: ignore[no-untyped-call]  # the library has no annotation here
        await asyncio.wait(serving, timeout=STOP_SECONDS)


def _calm_collector() -> None:
    """Have garbage looked for less often, and not among what was there at the start and stays to the end."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECT_EVERY, 20, 50)


async def _first_of(*waiting: Any) -> None:
    """Return when one of them is done; those that are not tasks of somebody else are cancelled."""
    tasks = {each if isinstance(each, asyncio.Task) else asyncio.ensure_future(each) for each in waiting}
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks - {each for each in waiting if isinstance(each, asyncio.Task)}:
        task.cancel()


class _Server(Server):
    """Granian's, on a socket that was handed to it."""

    def __init__(self, app: Any, own: socket.socket, **options: Any) -> None:
        self._own = own
        super().__init__(
            app,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            backpressure=20_000,
            http1_settings=HTTP1Settings(header_read_timeout=30_000),
            log_enabled=False,
            **options,
        )

    def _init_shared_socket(self) -> None:
        own = os.dup(self._own.fileno())  # what it is given it closes
        self._shd: Any = SocketHolder(own, False, BACKLOG)  # type: ignore[call-arg]  # the stub lags behind


def _servers(app: Served, http: HttpSettings, sockets: Sockets) -> list[Server]:
    logging.getLogger("_granian").setLevel(logging.ERROR)
    if http.tls is None:
        return [_Server(app, sockets.main)]
    tls = {"ssl_cert": http.tls.certificate, "ssl_key": http.tls.key, "ssl_protocol_min": SSLProtocols.tls12}
    made: list[Server] = [_Server(app, sockets.main, **tls)]
    if sockets.redirect is not None:
        made.append(_Server(Redirect(http), sockets.redirect))
    return made


async def _answering(http: HttpSettings, serving: list[asyncio.Task[None]]) -> None:
    """Return once a request is answered; raise what a server raised if it ended instead."""
    context = None
    if http.tls is not None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is this very process
    while True:
        for task in serving:
            if task.done():
                task.result()
                raise RuntimeError("the HTTP server ended before it accepted requests")
        try:
            reader, writer = await asyncio.open_connection(http.host, http.port, ssl=context)
        except OSError:
            await asyncio.sleep(0.01)
            continue
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.readline()
        writer.close()
        if answer:
            return
