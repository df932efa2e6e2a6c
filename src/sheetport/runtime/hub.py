"""The long polls of this process: who waits for which channel, woken by commits.

A waiting subscriber is a future in memory: no query, and one timer for the whole poll. A commit with events
has each channel that somebody waits for looked at once, however many wait, from the position of the one
furthest behind; every event is encoded once. A poll begins with the same look, so that there is one way by
which events get out: each look reads whether the channel is open and every issuing token still lives, before
it reads events.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field

from sheetport.features.events import service as events
from sheetport.features.events.model import Channel, Event, Grant
from sheetport.features.events.schemas import FIRST_TIME, stream_message, stream_reply
from sheetport.kernel.errors import Forbidden, Invalid
from sheetport.kernel.killpoints import kill_point
from sheetport.runtime.presence import Presence
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: Whether the token that a subscription was given for still lives, by the token's id.
IsLive = Callable[[UnitOfWork, str], Awaitable[bool]]
#: As many messages as a reply holds.
MESSAGES = 100
EVERYTHING = "*"
_TIME_DIGITS = 17


@dataclass(slots=True, eq=False)
class _Waiter:
    grant: Grant
    cursor: int
    reply: asyncio.Future[bytes]


@dataclass(slots=True, eq=False)
class _Feed:
    """A channel that somebody waits for. ``stale`` asks for a look; ``cut`` counts revocations."""

    channel: Channel
    waiters: set[_Waiter] = field(default_factory=set)
    looking: asyncio.Task[None] | None = None
    stale: bool = False
    cut: int = 0


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at a channel saw, for those who waited when it began; ``live`` holds the issuers that may read.

    Who comes while it lasts may be further behind than it reads, or have an issuer it did not ask about.
    """

    waiters: frozenset[_Waiter]
    live: frozenset[str]
    newest: int
    events: list[Event]


class Hub:
    """Answers the polls of one process."""

    def __init__(self, db: Database, is_live: IsLive, hold_seconds: float) -> None:
        self._db = db
        self._is_live = is_live
        self._hold = hold_seconds
        self._feeds: dict[str, dict[str, _Feed]] = {}
        self._stopping = False
        self.presence = Presence(db)
        db.on_events(self._on_events)
        db.on_bump(self._on_bump)

    def check(self, token: str, channel: str) -> Grant:
        """The grant of a token for this very channel. Raises Forbidden."""
        grant = events.read_subscription_token(self._db.keys, token)
        if grant is None or grant.expires_at <= self._db.clock.now():
            raise Forbidden("The subscription token is not valid or has expired; ask /v1/subscription for another.")
        if grant.channel.name != channel:
            raise Forbidden("The subscription token is for another channel.")
        return grant

    async def subscribe(self, token: str, channel: str, time_token: str, name: str) -> bytes:
        """The body of a poll's answer: at once with what is new, else after the hold without anything."""
        grant = self.check(token, channel)
        after = _position(time_token)
        self.presence.seen(grant, name)
        try:
            if after is None:
                return stream_reply(await self._handshake(grant))
            return await self._poll(grant, after)
        finally:
            self.presence.idle(grant)

    def leave(self, token: str, channel: str) -> None:
        """Note that a listener is gone. Raises Forbidden."""
        self.presence.left(self.check(token, channel))

    def stop_waiting(self) -> None:
        """Answer every open poll, and from now on every new one, empty and at once."""
        self._stopping = True
        for feed in self._every_feed():
            for waiter in feed.waiters:
                _answer(waiter, stream_reply(waiter.cursor))

    async def _handshake(self, grant: Grant) -> int:
        async def read(uow: UnitOfWork) -> int:
            if not await events.is_open(uow, grant.channel) or not await self._is_live(uow, grant.issuer):
                raise _ended()
            return await events.find_newest_position(uow, grant.channel.environment_id)

        return await self._db.read(read)

    async def _poll(self, grant: Grant, after: int) -> bytes:
        waiter = _Waiter(grant, after, asyncio.get_running_loop().create_future())
        feed = self._join(waiter)
        self._look_at(feed)
        hold = min(self._hold, (grant.expires_at - self._db.clock.now()) / 1_000)
        try:
            if not self._stopping:
                await asyncio.wait({waiter.reply}, timeout=hold)
            if not waiter.reply.done():
                return stream_reply(waiter.cursor)
            kill_point("events.before-reply")
            return waiter.reply.result()
        finally:
            self._part(feed, waiter)

    def _join(self, waiter: _Waiter) -> _Feed:
        channel = waiter.grant.channel
        feeds = self._feeds.setdefault(channel.environment_id, {})
        feed = feeds.get(channel.name)
        if feed is None:
            feed = feeds[channel.name] = _Feed(channel)
        feed.waiters.add(waiter)
        return feed

    def _part(self, feed: _Feed, waiter: _Waiter) -> None:
        waiter.reply.cancel()
        feed.waiters.discard(waiter)
        feeds = self._feeds.get(feed.channel.environment_id)
        if feed.waiters or feeds is None or feeds.get(feed.channel.name) is not feed:
            return
        del feeds[feed.channel.name]
        if not feeds:
            del self._feeds[feed.channel.environment_id]

    def _every_feed(self) -> Iterator[_Feed]:
        return (feed for feeds in self._feeds.values() for feed in feeds.values())

    def _on_events(self, environments: frozenset[str]) -> None:
        if EVERYTHING in environments:
            environments = frozenset(self._feeds)
        for environment in environments:
            for feed in self._feeds.get(environment, {}).values():
                self._look_at(feed)

    def _on_bump(self, accounts: frozenset[str]) -> None:
        """A right has ended: no open poll of the account gets anything before its token is looked at again."""
        for feed in self._every_feed():
            if any(waiter.grant.account_id in accounts for waiter in feed.waiters):
                feed.cut += 1
                self._look_at(feed)

    def _look_at(self, feed: _Feed) -> None:
        feed.stale = True
        if feed.looking is None:
            feed.looking = asyncio.create_task(self._look_while_stale(feed))

    async def _look_while_stale(self, feed: _Feed) -> None:
        try:
            while feed.stale and feed.waiters:
                feed.stale = False
                cut = feed.cut
                look = await self._look(feed)
                if feed.cut == cut:
                    _deliver(feed, look)
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            for waiter in feed.waiters:
                _refuse(waiter, error)
        finally:
            feed.looking = None

    async def _look(self, feed: _Feed) -> _Look:
        waiters = frozenset(feed.waiters)
        issuers = {waiter.grant.issuer for waiter in waiters}
        lowest = min(waiter.cursor for waiter in waiters)

        async def read(uow: UnitOfWork) -> _Look:
            if not await events.is_open(uow, feed.channel):
                return _Look(waiters, frozenset(), 0, [])
            live = frozenset([issuer for issuer in issuers if await self._is_live(uow, issuer)])
            newest = await events.find_newest_position(uow, feed.channel.environment_id)
            found = await events.read_channel(uow, feed.channel, min(lowest, newest), MESSAGES) if live else []
            return _Look(waiters, live, newest, found)

        return await self._db.read(read)


def _deliver(feed: _Feed, look: _Look) -> None:
    """Answer everybody for whom the look found something, or who may not read any more."""
    messages = [stream_message(event, feed.channel.name) for event in look.events]
    positions = [event.position or 0 for event in look.events]
    replies: dict[int, bytes] = {}
    for waiter in look.waiters & feed.waiters:
        if waiter.grant.issuer not in look.live:
            _refuse(waiter, _ended())
            continue
        # A position of a log that is no more, such as one from before a backup was restored: go on from now.
        waiter.cursor = min(waiter.cursor, max(look.newest, positions[-1] if positions else 0))
        first = bisect_right(positions, waiter.cursor)
        if first == len(messages):
            continue
        if first not in replies:
            replies[first] = stream_reply(positions[-1], messages[first:])
        _answer(waiter, replies[first])
    if len(messages) == MESSAGES:
        feed.waiters = {waiter for waiter in feed.waiters if not waiter.reply.done()}
        feed.stale = True


def _position(time_token: str) -> int | None:
    """The position that a time token stands for, None for 'now'. Raises Invalid."""
    if time_token in {"", "0"}:
        return None
    if not (time_token.isascii() and time_token.isdigit() and len(time_token) == _TIME_DIGITS):
        raise Invalid("tt must be a time token of this server, or 0.", "tt")
    position = int(time_token) - FIRST_TIME
    if position < 0:
        raise Invalid("tt is a time token of another server; begin with 0.", "tt")
    return position


def _ended() -> Forbidden:
    return Forbidden("The subscription has ended: its token was revoked, or what it follows is gone.")


def _answer(waiter: _Waiter, body: bytes) -> None:
    if not waiter.reply.done():
        waiter.reply.set_result(body)


def _refuse(waiter: _Waiter, error: Exception) -> None:
    if not waiter.reply.done():
        waiter.reply.set_exception(error)
