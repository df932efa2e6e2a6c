"""Those who follow a channel: a poll takes what is new once, a tail for as long as it is open.

Neither has a task of its own, and what a look found is encoded once, however many take it.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import structlog

from sheetport.features.events.model import Event, Grant, Wanted
from sheetport.features.events.schemas import (
    stream_message,
    stream_reply,
    tail_begin,
    tail_end,
    tail_event,
    tail_gap,
    tail_place,
)
from sheetport.kernel.clock import Clock
from sheetport.kernel.errors import SheetportError, Unauthenticated

#: As many events as a look reads, and as a poll's reply holds.
MESSAGES = 100
#: A tail that is quiet for this long says so: proxies cut connections that seem dead, most of them after a minute.
HEARTBEAT_SECONDS = 50.0
#: What a tail holds for a reader who is slow: then it waits until that is sent, and reads the log from there.
HELD_BYTES = 256 * 1024
_log = structlog.get_logger()


@dataclass(frozen=True)
class Batch:
    """What a look at a channel found behind the follower furthest behind.

    ``newest`` and ``oldest`` are where the environment's log ends and begins. ``complete`` says that nothing of the
    channel lies between the last of ``events`` and ``newest``.
    """

    channel: str
    events: list[Event]
    newest: int
    oldest: int
    complete: bool
    _replies: dict[int, bytes] = field(default_factory=dict)

    @cached_property
    def positions(self) -> list[int]:
        return [event.position or 0 for event in self.events]

    @cached_property
    def messages(self) -> list[bytes]:
        """Each event as polls get it."""
        return [stream_message(event, self.channel) for event in self.events]

    @cached_property
    def chunks(self) -> list[bytes]:
        """Each event as tails get it."""
        return [tail_event(event) for event in self.events]

    @cached_property
    def end(self) -> int:
        return max(self.newest, self.positions[-1] if self.events else 0)

    def behind(self, cursor: int) -> int:
        """The index of the first event behind a position."""
        return bisect_right(self.positions, cursor)

    def reply(self, first: int) -> bytes:
        """A poll's reply with the events from ``first`` on."""
        found = self._replies.get(first)
        if found is None:
            found = self._replies[first] = stream_reply(self.positions[-1], self.messages[first:])
        return found


class Poll:
    """A long poll: ``reply`` is the body of its answer."""

    __slots__ = ("_timer", "cursor", "grant", "reply")

    def __init__(self, grant: Grant, after: int, hold: float) -> None:
        loop = asyncio.get_running_loop()
        self.grant = grant
        self.cursor = after
        self.reply: asyncio.Future[bytes] = loop.create_future()
        self._timer = loop.call_later(hold, self.end)

    def take(self, batch: Batch) -> bool:
        """Answer with what is new; whether another look is needed for that."""
        if self.reply.done():
            return False
        if self.cursor > batch.end:  # of a log that is no more, such as one from before a backup was restored
            self.cursor = batch.end
        elif self.cursor < batch.oldest - 1:  # a poll's answer has no way to say so: what there is, is delivered
            _log.warning("events.gap", channel=batch.channel, after=self.cursor, resumed_at=batch.oldest - 1)
            self.cursor = batch.oldest - 1
        first = batch.behind(self.cursor)
        if first < len(batch.events):
            self.reply.set_result(batch.reply(first))
            return False
        return not batch.complete

    def end(self) -> None:
        """Answer without news."""
        if not self.reply.done():
            self.reply.set_result(stream_reply(self.cursor))

    def refuse(self, error: Exception) -> None:
        if not self.reply.done():
            self.reply.set_exception(error)

    def close(self) -> None:
        self._timer.cancel()


class Tail:
    """An open stream of server-sent events.

    What is to be sent lies in ``_chunks`` until the connection takes it: never more than HELD_BYTES and one event.
    ``behind`` is called when there is room again for a reader that has missed something, ``closed`` when it is over.
    """

    def __init__(
        self,
        grant: Grant,
        after: int,
        wanted: Wanted,
        clock: Clock,
        behind: Callable[[Tail], None],
        closed: Callable[[Tail], None],
    ) -> None:
        self.grant = grant
        self.cursor = after
        self._wanted = wanted
        self._clock = clock
        self._behind = behind
        self._closed = closed
        self._chunks: list[bytes] = [tail_begin(after)]
        self._held = 0
        self._missed = self._ended = False
        self._wake: asyncio.Future[None] | None = None
        self._beat_in(HEARTBEAT_SECONDS)

    async def next(self) -> bytes | None:
        """The next bytes to send; None once the stream has ended."""
        while not self._chunks:
            if self._ended:
                return None
            self._wake = asyncio.get_running_loop().create_future()
            await self._wake
        chunk = b"".join(self._chunks)
        self._chunks.clear()
        self._held = 0
        if self._missed:
            self._missed = False
            self._behind(self)
        return chunk

    def take(self, batch: Batch) -> bool:
        """Hold what is wanted of it until it is sent; whether another look is needed at once."""
        if self._ended or self._missed:
            return False
        if self.cursor > batch.end or self.cursor < batch.oldest - 1:
            resumed = batch.end if self.cursor > batch.end else batch.oldest - 1
            self._put(tail_gap(self.cursor, resumed))
            self.cursor = resumed
        for index in range(batch.behind(self.cursor), len(batch.events)):
            if self._held >= HELD_BYTES:
                self._missed = True
                return False
            self.cursor = batch.positions[index]
            if self._wanted.fits(batch.events[index]):
                self._put(batch.chunks[index])
        if batch.complete:
            self.cursor = max(self.cursor, batch.newest)
        return not batch.complete

    def end(self) -> None:
        """End once what is held has been sent."""
        self._ended = True
        self._rouse()

    def refuse(self, error: Exception) -> None:
        """End at once: what has not been sent is not sent any more."""
        self._chunks = [
            tail_end(error.message if isinstance(error, SheetportError) else "The server failed; try again.")
        ]
        self.end()

    def close(self) -> None:
        """Forget the stream."""
        self._timer.cancel()
        self._closed(self)

    def _put(self, chunk: bytes) -> None:
        self._chunks.append(chunk)
        self._held += len(chunk)
        self._rouse()

    def _rouse(self) -> None:
        if self._wake is not None and not self._wake.done():
            self._wake.set_result(None)

    def _beat_in(self, seconds: float) -> None:
        left = (self.grant.expires_at - self._clock.now()) / 1_000
        self._timer = asyncio.get_running_loop().call_later(min(seconds, left), self._beat)

    def _beat(self) -> None:
        if self.grant.expires_at <= self._clock.now():
            self.refuse(Unauthenticated("The token has expired."))
            return
        if not self._chunks:
            self._put(tail_place(self.cursor))
        self._beat_in(HEARTBEAT_SECONDS)
