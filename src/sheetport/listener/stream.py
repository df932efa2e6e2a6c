"""The event stream: a subscription token, then long polls that neither lose nor repeat an event.

The position (time token) only moves after the messages up to it have been handed over, so a broken
connection goes on where it was, and an event that arrives twice is recognised by its id.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import httpx

from sheetport.listener.client import Api
from sheetport.listener.errors import ListenerHTTPError

logger = logging.getLogger("sheetport.listener")

# The server holds a poll for at most 280 seconds; a longer silence is a dead connection.
LONGEST_POLL = 310.0
# An empty answer sooner than this is no long poll: wait a little instead of asking in a circle.
QUICK = 0.2


@dataclass(frozen=True)
class Grant:
    """Leave to subscribe for a while."""

    subscribe_key: str
    account_id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Backoff:
    """Seconds between attempts: they double from ``first`` up to ``longest``."""

    first: float = 0.5
    longest: float = 30.0

    def wait(self, attempt: int) -> float:
        """Seconds before attempt number ``attempt`` (1 or more), spread so that listeners do not come all at once."""
        return float(min(self.longest, self.first * 2 ** min(attempt - 1, 16)) * random.uniform(0.75, 1.0))  # noqa: S311 - a pause, no secret  # nosec B311


class SeenIds:
    """The ids of the last ``limit`` events."""

    def __init__(self, limit: int = 10_000) -> None:
        self._limit = limit
        self._ids: OrderedDict[str, None] = OrderedDict()

    def add(self, event_id: str) -> bool:
        """Remembers an id; False when it was known already."""
        if event_id in self._ids:
            return False
        self._ids[event_id] = None
        if len(self._ids) > self._limit:
            self._ids.popitem(last=False)
        return True


class Stream:
    """Receives the events of one scope and gives each, once, to ``deliver``, which must not block."""

    def __init__(
        self,
        api: Api,
        deliver: Callable[[dict[str, Any]], None],
        on_connected: Callable[[str], None] | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._api = api
        self._deliver = deliver
        self._on_connected = on_connected
        self._backoff = backoff or Backoff()
        self._grant: Grant | None = None
        self._position: str | None = None
        self._region: Any = 1
        self._failures = 0
        self._seen = SeenIds()

    async def run(self, stop: asyncio.Event) -> None:
        """Receives until ``stop`` is set. Raises ListenerHTTPError when the server does not accept the key."""
        stopping = asyncio.create_task(stop.wait())
        step: asyncio.Task[None] | None = None
        try:
            while not stop.is_set():
                step = asyncio.create_task(self._step())
                await asyncio.wait({step, stopping}, return_when=asyncio.FIRST_COMPLETED)
                if step.done():
                    step.result()
        finally:
            stopping.cancel()
            if step is not None and not step.done():
                step.cancel()
                await asyncio.gather(step, return_exceptions=True)
            await self._leave()

    async def _step(self) -> None:
        try:
            if self._grant is None:
                self._grant = await self._subscribe()
            answer = await self._poll(self._grant)
            position, region, messages = _parts(answer)
        except ListenerHTTPError as error:
            await self._refused(error)
        except (httpx.RequestError, ValueError) as error:
            await self._pause(str(error) or type(error).__name__)
        else:
            self._accept(position, region, messages)

    async def _subscribe(self) -> Grant:
        try:
            data = await self._api.fetch("v1/subscription", params={"scope": self._api.connection.scope})
        except ListenerHTTPError as error:
            if error.status < 500 and error.status not in (408, 429):
                raise _KeyRefusedError(error.method, error.path, error.status, error.message) from None
            raise
        try:
            return Grant(data["subscribeKey"], data["accountId"], data["token"])
        except (KeyError, TypeError):
            raise ValueError(
                "the answer of /v1/subscription holds no subscription; is this a Sheetport server?"
            ) from None

    async def _poll(self, grant: Grant) -> Any:
        params: dict[str, Any] = {"heartbeat": 300, "uuid": grant.account_id, "auth": grant.token}
        if self._position is not None:
            params |= {"tt": self._position, "tr": self._region}
        channel = quote(self._api.connection.channel, safe="")
        started = asyncio.get_running_loop().time()
        answer = await self._api.stream(
            f"/v2/subscribe/{quote(grant.subscribe_key, safe='')}/{channel}/0", params, LONGEST_POLL
        )
        empty = isinstance(answer, dict) and not answer.get("m")
        if empty and self._position is not None and asyncio.get_running_loop().time() - started < QUICK:
            await asyncio.sleep(QUICK)
        return answer

    async def _refused(self, error: ListenerHTTPError) -> None:
        """403 on a poll: the subscription token has run out. Anything else may pass by itself."""
        if isinstance(error, _KeyRefusedError):
            raise error
        if error.status in (401, 403):
            self._grant = None
            self._failures += 1
            if self._failures == 1:
                return
        await self._pause(str(error), counted=error.status in (401, 403))

    async def _pause(self, reason: str, counted: bool = False) -> None:
        self._failures += 0 if counted else 1
        seconds = self._backoff.wait(self._failures)
        logger.warning("The event stream is interrupted (%s). Trying again in %.1f s.", reason, seconds)
        await asyncio.sleep(seconds)

    def _accept(self, position: str, region: Any, messages: list[Any]) -> None:
        if self._failures:
            logger.info("The event stream is back.")
        self._failures = 0
        for message in messages:
            event = self._event(message)
            if event is not None:
                self._deliver(event)
        first, self._position, self._region = self._position is None, position, region
        if first and self._on_connected is not None:
            self._on_connected(self._api.connection.scope)

    def _event(self, message: Any) -> dict[str, Any] | None:
        """The event in a message, or None for one that is not ours, was seen before or cannot be read."""
        if not isinstance(message, dict) or message.get("c") != self._api.connection.channel:
            return None
        event = message.get("d")
        if isinstance(event, str):
            try:
                event = json.loads(event)
            except ValueError:
                event = None
        if not isinstance(event, dict):
            logger.error("A message of the event stream is no event and was left out.")
            return None
        return event if not event.get("id") or self._seen.add(str(event["id"])) else None

    async def _leave(self) -> None:
        """Tells the server that this listener is gone. Only a courtesy, so nothing depends on it."""
        grant, self._grant = self._grant, None
        if grant is None or self._position is None:
            return
        channel = quote(self._api.connection.channel, safe="")
        path = f"/v2/presence/sub-key/{quote(grant.subscribe_key, safe='')}/channel/{channel}/leave"
        try:
            await self._api.stream(path, {"uuid": grant.account_id, "auth": grant.token}, read_timeout=2.0)
        except (httpx.RequestError, ListenerHTTPError, ValueError) as error:
            logger.debug("Leaving the event stream failed: %s", error)


class _KeyRefusedError(ListenerHTTPError):
    """The key itself is not accepted: waiting does not help."""


def _parts(answer: Any) -> tuple[str, Any, list[Any]]:
    """Position, region and messages of a poll's answer; ValueError when it is none."""
    try:
        position, region, messages = str(answer["t"]["t"]), answer["t"].get("r", 1), answer["m"]
    except (KeyError, TypeError, AttributeError):
        raise ValueError("the server's answer is no event stream") from None
    if not isinstance(messages, list):
        raise ValueError("the server's answer is no event stream")
    return position, region, messages
