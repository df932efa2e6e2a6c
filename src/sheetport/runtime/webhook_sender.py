"""Sends events to webhooks, at least once each, from the log.

A commit with events, and the clock once a second, has every enabled webhook looked at. One with something to do is
served by a task of its own until there is nothing left: turns with the database hand out deliveries and settle a batch
of outcomes in one transaction, while attempts are under way. Which process serves a webhook is leased with each turn.

The events of one space are sent one after another. A delivery that failed before holds nobody up, and while its
receiver is failing nothing else waits its turn either: then order is lost already.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from functools import partial

import structlog

from sheetport.features.egress.service import KeptCalls
from sheetport.features.webhooks import service as webhooks
from sheetport.features.webhooks.model import Outcome, Webhook, Work
from sheetport.features.webhooks.schemas import message_of
from sheetport.kernel.ids import random_text
from sheetport.kernel.killpoints import kill_point
from sheetport.kernel.standard_webhooks import SigningKey
from sheetport.storage.unit_of_work import Database

#: How often webhooks are looked at without being woken.
LOOK_SECONDS = 1.0
#: Attempts that are under way at once: of this process, of one webhook, and of one whose receiver is failing.
MOST_CALLS, MOST_OF_WEBHOOK, MOST_OF_FAILING = 128, 8, 2
#: Deliveries that one webhook has handed out at once.
HANDED_OUT = 128
#: Outcomes are gathered for so long, or until so many are there.
GATHER_SECONDS, GATHERED = 0.05, 64
#: A turn is taken this often at least while attempts are under way: it renews the lease.
TURN_SECONDS = 5.0
#: After a failed turn, and after one that another process had: for how long a webhook is left alone.
LEFT_SECONDS = 2.0
#: Events that fit nothing are not worth a write before there are so many of them.
UNWRITTEN = 1_000
_EVERYTHING = "*"
_log = structlog.get_logger()


class WebhookSender:
    """Delivers for the webhooks that this process has leased."""

    def __init__(self, db: Database, calls: KeptCalls, base_url: str) -> None:
        self.db = db
        self.calls = calls
        self.base_url = base_url
        self.name = random_text(16)
        self.slots = asyncio.Semaphore(MOST_CALLS)
        #: How far the log was read for a webhook without anything that fits; the position in its row may be older.
        self.passed: dict[str, int] = {}
        self._serving: dict[str, asyncio.Task[None]] = {}
        self._left: dict[str, float] = {}
        self._watched: set[str] = set()
        self._awake = asyncio.Event()
        db.on_events(self._on_events)

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Send until the context ends; what is being sent then is sent again later."""
        if not self.db.shared:  # whoever was sending has ended, in order or not
            await self.db.write(webhooks.release_webhooks)
        task = asyncio.create_task(self._run())
        try:
            yield
        finally:
            tasks = [task, *self._serving.values()]
            for each in tasks:
                each.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self.calls.close()
            with suppress(Exception):  # the leases end by themselves
                await self.db.write(partial(webhooks.release_webhooks, holder=self.name))

    def wake(self) -> None:
        """Look at every webhook now."""
        self._awake.set()

    def leave(self, webhook_id: str) -> None:
        """Do nothing for a webhook for a while."""
        self._left[webhook_id] = asyncio.get_running_loop().time() + LEFT_SECONDS

    def _on_events(self, environments: frozenset[str]) -> None:
        if _EVERYTHING in environments or not self._watched.isdisjoint(environments):
            self._awake.set()

    async def _run(self) -> None:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._awake.wait()
            self._awake.clear()
            try:
                await self._look()
            except Exception as error:  # noqa: BLE001 - one failed look must not end the looking
                _log.warning("webhooks.look-failed", error=type(error).__name__)
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self) -> None:
        found = await self.db.read(webhooks.list_work)
        self._watched = {each.webhook.environment_id for each in found}
        known = {each.webhook.id for each in found}
        self.passed = {name: position for name, position in self.passed.items() if name in known}
        now, moment = self.db.clock.now(), asyncio.get_running_loop().time()
        self._left = {name: until for name, until in self._left.items() if until > moment}
        for work in found:
            name = work.webhook.id
            if name not in self._serving and name not in self._left and work.is_due(now, self._position(work.webhook)):
                self._serving[name] = asyncio.create_task(self._serve(work))

    def _position(self, webhook: Webhook) -> int:
        return max(webhook.position, self.passed.get(webhook.id, 0))

    async def _serve(self, work: Work) -> None:
        name = work.webhook.id
        try:
            has_due = work.due is not None and work.due <= self.db.clock.now()
            await _Service(self, work.webhook, self._position(work.webhook), has_due=has_due).run()
        except Exception as error:  # noqa: BLE001 - one webhook's failure must not end the others'
            _log.warning("webhooks.turn-failed", webhook=name, error=type(error).__name__)
            self.leave(name)
        finally:
            del self._serving[name]
            self._awake.set()  # something may have come between the last turn and now


class _Service:
    """One webhook being served: what is handed out, in lanes of which each sends one at a time."""

    def __init__(self, sender: WebhookSender, webhook: Webhook, position: int, *, has_due: bool) -> None:
        self._sender = sender
        self._has_due = has_due
        self._webhook = webhook
        self._position = position
        self._keys: list[SigningKey] = []
        self._slots = asyncio.Semaphore(MOST_OF_WEBHOOK)
        self._few = asyncio.Semaphore(MOST_OF_FAILING)
        self._out: set[str] = set()
        self._lanes: dict[str, deque[webhooks.Parcel]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._outcomes: list[Outcome] = []
        self._told = asyncio.Event()

    async def run(self) -> None:
        """Until there is nothing to do, or another process does it."""
        try:
            while await self._turn():
                await self._gather()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _turn(self) -> bool:
        """One transaction: settle what is known, get more; whether anything is under way."""
        db, fresh = self._sender.db, webhooks.Fresh(self._position)
        if len(self._out) < HANDED_OUT:
            fresh = await db.read(partial(webhooks.look_ahead, webhook=self._webhook, after=self._position))
        if self._is_passed(fresh):
            return fresh.more
        settled, self._outcomes = self._outcomes, []
        ended = {each.event_id for each in settled}
        sending = self._out - ended
        turn = await db.write(
            partial(
                webhooks.take_turn,
                webhook=self._webhook,
                holder=self._sender.name,
                outcomes=settled,
                fresh=fresh,
                sending=sending,
                most=HANDED_OUT - len(sending),
            ),
            lane=self._webhook.environment_id,
        )
        if turn is None:
            self._sender.leave(self._webhook.id)
            return False
        kill_point("webhooks.after-turn")
        self._out -= ended
        self._has_due = False
        self._webhook, self._keys = turn.webhook, turn.keys or self._keys
        if not turn.delivers:
            self._drop()
            return bool(self._out)
        self._position = max(self._position, fresh.position)
        self._sender.passed[self._webhook.id] = self._position
        if not any(map(_asks_for_peace, self._outcomes)):  # else the next turn will say when to go on
            for parcel in turn.parcels:
                self._hand_out(parcel)
        return bool(self._out) or fresh.more

    def _is_passed(self, fresh: webhooks.Fresh) -> bool:
        """Whether there is nothing to do but to note how far the log was read, which needs no turn yet."""
        if self._has_due or self._out or fresh.events:
            return False
        if fresh.position - self._webhook.position > UNWRITTEN:
            return False
        self._position = self._sender.passed[self._webhook.id] = fresh.position
        return True

    async def _gather(self) -> None:
        """Wait for outcomes, and a little for more of them."""
        if not self._out:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(TURN_SECONDS):
                await self._told.wait()
            async with asyncio.timeout(GATHER_SECONDS):
                while len(self._outcomes) < min(GATHERED, len(self._out)):
                    self._told.clear()
                    await self._told.wait()
        self._told.clear()

    def _hand_out(self, parcel: webhooks.Parcel) -> None:
        event, delivery = parcel.event, parcel.delivery
        self._out.add(event.id)
        is_alone = delivery.attempts > 0 or self._webhook.failing_since is not None
        lane = event.id if is_alone else event.space_id or ""
        waiting = self._lanes.get(lane)
        if waiting is not None:
            waiting.append(parcel)
            return
        self._lanes[lane] = deque([parcel])
        task = asyncio.create_task(self._send_lane(lane))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _drop(self) -> None:
        """Take back what is handed out and not being sent."""
        for waiting in self._lanes.values():
            self._out -= {parcel.event.id for parcel in waiting}
            waiting.clear()

    async def _send_lane(self, lane: str) -> None:
        waiting = self._lanes[lane]
        try:
            while waiting:
                is_failing = self._webhook.failing_since is not None
                async with self._few if is_failing else self._slots, self._sender.slots:
                    if not waiting:
                        break
                    outcome = await self._send(waiting.popleft())
                kill_point("webhooks.after-answer")
                self._outcomes.append(outcome)
                self._told.set()
                if _asks_for_peace(outcome):
                    self._drop()
        finally:
            del self._lanes[lane]

    async def _send(self, parcel: webhooks.Parcel) -> Outcome:
        sender, event, attempts = self._sender, parcel.event, parcel.delivery.attempts
        clock = sender.db.clock
        try:
            body = message_of(event, sender.base_url)
            return await webhooks.send_message(sender.calls, clock, self._webhook, self._keys, event.id, body, attempts)
        except Exception as error:  # noqa: BLE001 - whatever it is, this one is tried again and others go on
            _log.warning("webhooks.not-sent", webhook=self._webhook.id, error=type(error).__name__)
            return Outcome(event.id, attempts, clock.now(), 0, error=f"It could not be sent: {type(error).__name__}.")


def _asks_for_peace(outcome: Outcome) -> bool:
    """Whether the receiver wants nothing more, for a while or for ever."""
    return outcome.gone or bool(outcome.retry_after)
