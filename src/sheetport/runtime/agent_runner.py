"""One agent: what it is to be told waits in a row for each space, and a few rows move at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

import msgspec
import structlog

from sheetport.features.agents.model import Agent, Waiting
from sheetport.features.agents.service import running
from sheetport.features.agents.service.running import Ended
from sheetport.features.events.model import Event
from sheetport.features.events.schemas import to_shape
from sheetport.kernel.errors import SheetportError
from sheetport.runtime.agent_host import AgentHost, Program
from sheetport.storage.unit_of_work import Database

#: Events of one agent handled at once, each of another space.
PARALLEL = 4
#: Beyond so many events that wait in memory, the log is not read on until half of them are done.
HELD = 1_000
#: Positions of the log that were passed without anything for the agent before that is written down.
PASSED = 1_000
#: The log is looked at so often at least.
LOOK_SECONDS = 5.0
_log = structlog.get_logger()


@dataclass(slots=True)
class _Item:
    """``event`` is None for one that was written down before this process ran the agent."""

    waiting: Waiting
    event: Event | None = None


class Runner:
    """Runs one version of an agent that this process has leased, until it is stopped."""

    def __init__(
        self, db: Database, host: AgentHost, process: str, agent: Agent, slots: asyncio.Semaphore, longest: int
    ) -> None:
        self.agent = agent
        #: The token it runs with, None before it has handled anything.
        self.token_id: str | None = None
        #: Whether it found that it runs the agent no more.
        self.ended = False
        self._db = db
        self._host = host
        self._process = process
        self._shared_slots = slots
        self._own_slots = asyncio.Semaphore(PARALLEL)
        self._longest = longest
        self._rows: dict[str | None, deque[_Item]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._held = 0
        self._woken = asyncio.Event()
        self._leaving = self._cut = False
        self._loading = asyncio.Lock()
        self._loaded: tuple[bytes, str] | None = None

    def start(self, on_end: Callable[[], None]) -> None:
        """Begin; ``on_end`` is called when it ends by itself."""

        def ended(_: asyncio.Task[None]) -> None:
            self.ended = True
            on_end()

        task = asyncio.create_task(self._run())
        self._tasks.add(task)
        task.add_done_callback(ended)

    def wake(self) -> None:
        """There may be something new in the log."""
        self._woken.set()

    def take_leave(self) -> None:
        """Begin nothing new."""
        self._leaving = True
        self._woken.set()

    def cut(self) -> None:
        """What is being handled from here on counts as not handled."""
        self._cut = True
        self.take_leave()

    async def stop(self) -> None:
        """End; what was being handled counts as not handled."""
        self.cut()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _run(self) -> None:
        position = await self._db.read(partial(running.find_position, agent=self.agent, process=self._process))
        if position is None:
            return
        for waiting in await self._db.read(partial(running.list_waiting, agent=self.agent)):
            self._add(_Item(waiting))
        written = position
        while not self._leaving:
            self._woken.clear()
            if self._held < HELD:
                news = await self._db.read(partial(running.read_news, agent=self.agent, after=position))
                position = news.position
                if news.wanted or position - written >= PASSED:
                    if not await self._take(news):
                        return
                    written = position
                if news.more:
                    continue
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), LOOK_SECONDS)

    async def _take(self, news: running.News) -> bool:
        """Write down what is to be told, and have it told; False when another process runs the agent."""
        work = partial(running.take_news, agent=self.agent, process=self._process, news=news, longest=self._longest)
        waiting = await self._db.write(work, lane=self.agent.environment_id)
        if waiting is None:
            return False
        found = {event.id: event for event in news.wanted}
        for each in waiting:
            self._add(_Item(each, found[each.event_id]))
        return True

    def _add(self, item: _Item) -> None:
        space = item.waiting.space_id
        self._held += 1
        row = self._rows.get(space)
        if row is not None:
            row.append(item)
            return
        self._rows[space] = deque([item])
        task = asyncio.create_task(self._move(space))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _move(self, space: str | None) -> None:
        """Tell the events of a space, one after another, until none waits."""
        row = self._rows[space]
        while row and not self._leaving:
            item = row[0]
            try:
                kept = await self._tell(item)
            except Exception as error:  # noqa: BLE001 - the row goes on, whatever it is
                reason = error.message if isinstance(error, SheetportError) else type(error).__name__
                _log.warning("agents.not-told", agent=self.agent.id, reason=reason)
                await asyncio.sleep(1.0)
                continue
            if kept is not None:
                item.waiting = kept
                continue
            row.popleft()
            self._held -= 1
            if self._held == HELD // 2:
                self._woken.set()
        if not row:
            del self._rows[space]

    async def _tell(self, item: _Item) -> Waiting | None:
        """Tell one event once it is due. The event as it waits for the next attempt, None when it is done with."""
        pause = item.waiting.due_at - self._db.clock.now()
        if pause > 0:
            await asyncio.sleep(pause / 1_000)
        async with self._own_slots, self._shared_slots:
            if self._leaving:
                return item.waiting
            event = item.event or await self._find(item.waiting)
            if event is None:
                return None
            item.event = event
            ended = await self._attempt(event)
            if ended is None:
                return item.waiting
        work = partial(running.record, agent=self.agent, waiting=item.waiting, event=event, ended=ended)
        return await self._db.write(work, lane=self.agent.environment_id)

    async def _find(self, waiting: Waiting) -> Event | None:
        event = await self._db.read(partial(running.find_event, agent=self.agent, event_id=waiting.event_id))
        if event is None:
            await self._db.write(partial(running.drop_event, agent=self.agent, event_id=waiting.event_id))
        return event

    async def _attempt(self, event: Event) -> Ended | None:
        """Have the host run it; None when the agent is not this version any more, or was cut meanwhile."""
        program = await self._program(event.space_id)
        if program is None:
            self._leaving = True
            return None
        began = self._db.clock.now()
        outcome = await self._host.run(program, msgspec.json.encode(to_shape(event)))
        if self._cut:
            return None
        return Ended(
            outcome.state,
            outcome.log,
            outcome.error,
            outcome.duration_ms,
            outcome.memory_bytes,
            outcome.cold,
            began,
        )

    async def _program(self, space_id: str | None) -> Program | None:
        """The program with its token, which is made when it is first needed and never written down."""
        async with self._loading:
            if self._loaded is None:
                source = await self._db.read(partial(running.find_source, agent=self.agent), heavy=True)
                minted = None if source is None else await self._db.write(partial(running.mint_token, agent=self.agent))
                if source is None or minted is None:
                    return None
                self.token_id = minted.credential.id
                self._loaded = (source, minted.token)
        source, token = self._loaded
        agent = self.agent
        return Program(
            agent_id=agent.id,
            version=agent.version,
            space_id=space_id,
            environment_id=agent.environment_id,
            source=source,
            compiler=agent.compiler,
            token=token,
            allowed_hosts=tuple(agent.allowed_hosts),
        )
