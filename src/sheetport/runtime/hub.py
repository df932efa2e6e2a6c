"""All who follow the log through this process, woken by commits: long polls and open streams.

A follower is a future in memory: no query and no task. A commit with events has each channel that somebody follows
looked at once, however many follow it, from the position of the one furthest behind; every event is encoded once.
Whoever begins to follow begins with the same look, so that there is one way by which events get out: each look reads
whether the channel is open and every issuing token still lives, after it has read events and before anybody gets
them. Who has lost no right is not looked up again: the account's generation says so.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field

from sheetport.features.events import service as events
from sheetport.features.events.model import Channel, Grant, Issuer, Wanted
from sheetport.features.events.schemas import FIRST_TIME, stream_reply
from sheetport.kernel.errors import Forbidden, Invalid
from sheetport.kernel.killpoints import kill_point
from sheetport.runtime.followers import MESSAGES, Batch, Poll, Tail
from sheetport.runtime.presence import Presence
from sheetport.runtime.stream_limits import StreamLimits
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: The token that a subscription was given for, by the token's id.
FindIssuer = Callable[[UnitOfWork, str], Awaitable[Issuer]]
Follower = Poll | Tail
EVERYTHING = "*"
_TIME_DIGITS = 17


@dataclass(slots=True, eq=False)
class _Feed:
    """A channel that somebody follows.

    ``fresh`` holds who needs a look of his own; ``stale`` asks for one for all; ``cut`` counts revocations.
    ``issuers`` holds the issuing tokens by their ids, as far as they are known under the ``generation`` of the
    account's rights.
    """

    channel: Channel
    account_id: str
    followers: set[Follower] = field(default_factory=set)
    fresh: set[Follower] = field(default_factory=set)
    looking: asyncio.Task[None] | None = None
    stale: bool = False
    cut: int = 0
    generation: int = -1
    issuers: dict[str, Issuer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at a channel saw, for those it was for; None for ``generation`` says that the channel is gone."""

    followers: frozenset[Follower]
    batch: Batch
    at: int = 0
    generation: int | None = None
    issuers: dict[str, Issuer] = field(default_factory=dict)


class Hub:
    """Serves the followers of one process."""

    def __init__(
        self, db: Database, find_issuer: FindIssuer, hold_seconds: float, limits: StreamLimits | None = None
    ) -> None:
        self._db = db
        self._limits = limits
        self._find_issuer = find_issuer
        self._hold = hold_seconds
        self._feeds: dict[str, dict[str, _Feed]] = {}
        self._open: Counter[str] = Counter()
        self._stopping = False
        self.presence = Presence(db)
        db.on_events(self._on_events)
        db.on_bump(self._on_bump)

    def count_waiting(self) -> int:
        """How many polls and streams this process holds open."""
        return self._open.total()

    def open_streams(self, environment_id: str) -> int:
        """How many of them are an environment's."""
        return self._open[environment_id]

    def followed(self) -> list[str]:
        """The environments that somebody follows as a whole, not a space of them only."""
        return [name for name, feeds in self._feeds.items() if any(f.channel.space_id is None for f in feeds.values())]

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

    def follow(self, grant: Grant, after: int, wanted: Wanted) -> Tail:
        """Begin a stream of the wanted events behind position ``after``; whoever begins it closes it."""
        tail = Tail(grant, after, wanted, self._db.clock, self._catch_up, self._part)
        self._join(tail)
        if self._stopping:
            tail.end()
        return tail

    def stop_waiting(self) -> None:
        """End every open poll and stream, and from now on every new one at once."""
        self._stopping = True
        for feed in self._every_feed():
            for follower in feed.followers:
                follower.end()

    async def _handshake(self, grant: Grant) -> int:
        async def read(uow: UnitOfWork) -> int:
            if await events.find_generation(uow, grant.channel) is None:
                raise _ended()
            if (await self._find_issuer(uow, grant.issuer)).ends_at <= uow.now:
                raise _ended()
            return await events.find_newest_position(uow, grant.channel.environment_id)

        return await self._db.read(read)

    async def _poll(self, grant: Grant, after: int) -> bytes:
        poll = Poll(grant, after, min(self._hold, (grant.expires_at - self._db.clock.now()) / 1_000))
        try:
            if self._stopping:
                poll.end()
            else:
                self._join(poll)
            body = await poll.reply
            kill_point("events.before-reply")
            return body
        finally:
            poll.close()
            self._part(poll)

    def _join(self, follower: Follower) -> None:
        channel = follower.grant.channel
        if self._limits is not None:
            self._limits.require_room(channel.environment_id, self._open[channel.environment_id])
        feeds = self._feeds.setdefault(channel.environment_id, {})
        feed = feeds.get(channel.name)
        if feed is None:
            feed = feeds[channel.name] = _Feed(channel, follower.grant.account_id)
        feed.followers.add(follower)
        self._open[channel.environment_id] += 1
        self._look_for(feed, (follower,))

    def _part(self, follower: Follower) -> None:
        channel = follower.grant.channel
        feeds = self._feeds.get(channel.environment_id, {})
        feed = feeds.get(channel.name)
        if feed is None or follower not in feed.followers:
            return
        feed.followers.discard(follower)
        feed.fresh.discard(follower)
        self._open[channel.environment_id] -= 1
        if not feed.followers:
            del feeds[channel.name]
        if not feeds:
            del self._feeds[channel.environment_id], self._open[channel.environment_id]

    def _catch_up(self, tail: Tail) -> None:
        feed = self._feeds.get(tail.grant.channel.environment_id, {}).get(tail.grant.channel.name)
        if feed is not None and tail in feed.followers:
            self._look_for(feed, (tail,))

    def _every_feed(self) -> Iterator[_Feed]:
        return (feed for feeds in self._feeds.values() for feed in feeds.values())

    def _on_events(self, environments: frozenset[str]) -> None:
        if EVERYTHING in environments:
            environments = frozenset(self._feeds)
        for environment in environments:
            for feed in self._feeds.get(environment, {}).values():
                self._look_at(feed)

    def _on_bump(self, accounts: frozenset[str]) -> None:
        """A right has ended: no follower of the account gets anything before its token is looked at again."""
        for feed in self._every_feed():
            if feed.account_id in accounts:
                feed.cut += 1
                self._look_at(feed)

    def _look_for(self, feed: _Feed, followers: Iterable[Follower]) -> None:
        feed.fresh.update(followers)
        if feed.looking is None:
            feed.looking = asyncio.create_task(self._look_while_needed(feed))

    def _look_at(self, feed: _Feed) -> None:
        feed.stale = True
        self._look_for(feed, ())

    async def _look_while_needed(self, feed: _Feed) -> None:
        try:
            while feed.followers and (feed.stale or feed.fresh):
                chosen = frozenset(feed.followers if feed.stale else feed.fresh)
                feed.stale = False
                feed.fresh.clear()
                cut = feed.cut
                look = await self._look(feed, chosen)
                if feed.cut == cut:
                    _deliver(feed, look)
        except Exception as error:  # noqa: BLE001 - whoever waits is told, whatever it is
            for follower in feed.followers:
                follower.refuse(error)
        finally:
            feed.looking = None

    async def _look(self, feed: _Feed, followers: frozenset[Follower]) -> _Look:
        channel, environment = feed.channel, feed.channel.environment_id
        lowest = min(follower.cursor for follower in followers)
        tokens = {follower.grant.issuer for follower in followers}

        async def read(uow: UnitOfWork) -> _Look:
            newest = await events.find_newest_position(uow, environment)
            if lowest < newest:
                oldest = await events.find_oldest_position(uow, environment, newest)
                found = await events.read_channel(uow, channel, lowest, MESSAGES)
            else:
                oldest, found = 0, []
            passed = (found[-1].position or 0) if found else 0
            batch = Batch(channel.name, found, newest, oldest, len(found) < MESSAGES, passed)
            generation = await events.find_generation(uow, channel)
            if generation is None:
                return _Look(followers, batch)
            known = feed.issuers if generation == feed.generation else {}
            issuers = {each: known.get(each) or await self._find_issuer(uow, each) for each in tokens}
            return _Look(followers, batch, uow.now, generation, issuers)

        return await self._db.read(read)


def _deliver(feed: _Feed, look: _Look) -> None:
    """Hand what a look found to those it was for, unless they may not read any more."""
    if look.generation is not None:
        kept = feed.issuers if look.generation == feed.generation else {}
        feed.issuers, feed.generation = {**kept, **look.issuers}, look.generation
    for follower in look.followers & feed.followers:
        issuer = look.issuers.get(follower.grant.issuer)
        if issuer is None or issuer.ends_at <= look.at:
            follower.refuse(_ended())
        elif follower.take(look.batch.for_(issuer.actor)):
            feed.fresh.add(follower)


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
