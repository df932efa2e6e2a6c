"""A listener under test: it receives events as in production, and its test waits for what it did with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from sheetport.listener import Listener, ListenerError
from sheetport.listener.client import Api
from sheetport.listener.dispatch import Failure
from sheetport.listener.matching import matches
from sheetport.listener.receive import receive
from sheetport.testing.server import TestServer

#: Seconds until the stream is open, and until a test gives up waiting for an event.
CONNECT_SECONDS = 30.0
WAIT_SECONDS = 10.0


class HandlerFailed(AssertionError):
    """A handler of the event that was waited for raised; the message says which, where and with what."""


@dataclass(frozen=True, slots=True)
class Handled:
    """An event, as JSON, whose handlers have ended. ``handlers`` is how many it reached."""

    event: Mapping[str, Any]
    handlers: int
    failures: tuple[Failure, ...]


class TestListener:
    """Runs a Listener against a TestServer while the context lasts: ``async with TestListener(listener, server)``.

    ``scope`` is the id of a space to listen to, by default the whole environment.
    """

    __test__ = False  # no class of tests, whatever its name

    def __init__(self, listener: Listener, server: TestServer, scope: str | None = None) -> None:
        self._listener = listener
        self._connection = server.connection(scope)
        self._ending = asyncio.Event()
        self._news = asyncio.Condition()
        self._unseen: list[Handled] = []
        self._receiving: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        connected = asyncio.Event()
        self._receiving = asyncio.create_task(
            receive(
                self._dispatch,
                self._connection,
                self._ending,
                on_connected=lambda _: connected.set(),
                signals=False,
            )
        )
        waiting = asyncio.create_task(connected.wait())
        await asyncio.wait({waiting, self._receiving}, timeout=CONNECT_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not connected.is_set():
            await self._end()
            raise ListenerError(f"The listener did not connect to {self._connection.base_url}.")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._end()

    async def wait_for(
        self,
        topic: str,
        timeout: float = WAIT_SECONDS,  # noqa: ASYNC109 - what users expect it to be called
        *,
        failures: bool = False,
        **filters: Any,
    ) -> Handled:
        """The next event of the topic, once its handlers have ended, that no earlier call has returned.

        ``topic`` is a glob and filters are those of ``Listener.on``; ``timeout`` is in seconds. Raises
        HandlerFailed when a handler raised (with ``failures=True`` the result holds that instead), and
        TimeoutError, which names the events that came.
        """
        found: Handled | None = None
        try:
            async with asyncio.timeout(timeout), self._news:
                while (found := self._take(topic, filters)) is None:
                    await self._news.wait()
        except TimeoutError:
            came = ", ".join(str(one.event.get("topic")) for one in self._unseen) or "none"
            wanted = f"{topic} {filters}" if filters else topic
            raise TimeoutError(f"No event {wanted} was handled within {timeout:g} seconds. Others: {came}.") from None
        if found.failures and not failures:
            raise HandlerFailed("; ".join(f"{one.handler} at {one.place}: {one.message}" for one in found.failures))
        return found

    async def _dispatch(self, event: Mapping[str, Any], api: Api) -> None:
        handlers = len(self._listener.handlers_for(event))
        failed = await self._listener.dispatch(event, api)
        async with self._news:
            self._unseen.append(Handled(event, handlers, tuple(failed)))
            self._news.notify_all()

    def _take(self, topic: str, filters: Mapping[str, Any]) -> Handled | None:
        for index, one in enumerate(self._unseen):
            if matches(one.event, topic, filters):
                return self._unseen.pop(index)
        return None

    async def _end(self) -> None:
        self._ending.set()
        if self._receiving is not None:
            await self._receiving
