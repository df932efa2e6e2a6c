"""The first page's marks: how each step of the guide last went, kept when that changes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from time import monotonic

import structlog

from sheetport.http.observe import Observation
from sheetport.kernel.actor import Actor, ActorKind
from sheetport.storage.unit_of_work import Database, UnitOfWork
from sheetport.web import store, verdicts
from sheetport.web.store import Mark

#: In the order of the guide.
STEPS = (
    verdicts.ENV_FILE,
    verdicts.TWO_ENVIRONMENTS,
    verdicts.SECRET_KEY_LIST,
    verdicts.PASSWORD_TOKEN,
    verdicts.TOKEN_LIST,
    verdicts.CLIENT_CREDENTIALS,
    verdicts.SECRETS,
    verdicts.SCOPED_SECRETS,
)
#: A call of the same kind is judged again after this long, so that another process's red turns green too.
AGAIN_SECONDS = 5.0
#: Calls of which each may have found something else are judged together, by the last, this long after the first.
TOGETHER_SECONDS = 0.2
MAX_REMEMBERED = 10_000
#: Calls waiting to be judged; more are passed over, as a flood says nothing new.
MAX_WAITING = 100
_log = structlog.get_logger()
Kind = tuple[str, str | None, str, int, str]


class Marks:
    """Judges observed calls one after another, beside the requests."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._waiting: asyncio.Queue[Observation] = asyncio.Queue(MAX_WAITING)
        self._judged: dict[Kind, float] = {}
        self._soon: dict[Hashable, tuple[Observation, asyncio.TimerHandle]] = {}

    def asks(self, actor: Actor) -> bool:
        """Whether a call on a path that is not watched would be judged: :meth:`note` without its making."""
        return actor.kind is ActorKind.SECRET_KEY and not self._was_judged(_kind(actor, 0, ""))

    def note(self, seen: Observation) -> None:
        """Take a call in, unless one like it has just been judged. Costs a look-up."""
        if seen.path == verdicts.SIGN_IN_PATH:
            self._later(seen.path, seen)  # a judgement looks at all of the last seconds
        elif seen.actor is not None and seen.path == verdicts.SECRETS_PATH:
            self._later((_kind(seen.actor, seen.status, seen.method), seen.query), seen)
        elif seen.actor is None or self._is_news(seen):
            self._take(seen)

    def _later(self, alike: Hashable, seen: Observation) -> None:
        """Judge calls that are alike together."""
        found = self._soon.get(alike)
        if found is not None:
            self._soon[alike] = (seen, found[1])
            return
        if len(self._soon) < MAX_WAITING:
            timer = asyncio.get_running_loop().call_later(TOGETHER_SECONDS, self._take_soon, alike)
            self._soon[alike] = (seen, timer)

    def _take_soon(self, alike: Hashable) -> None:
        seen, timer = self._soon.pop(alike)
        timer.cancel()
        self._take(seen)

    def _take(self, seen: Observation) -> None:
        try:
            self._waiting.put_nowait(seen)
        except asyncio.QueueFull:
            self._judged.clear()  # a call that was passed over must be looked at when it comes again

    def _is_news(self, seen: Observation) -> bool:
        actor = seen.actor
        watched = seen.path in verdicts.WATCHED
        if actor is None or (not watched and actor.kind is not ActorKind.SECRET_KEY):
            return False
        kind = _kind(actor, seen.status, seen.path if watched else "")
        if self._was_judged(kind):
            return False
        if len(self._judged) >= MAX_REMEMBERED:
            self._judged.clear()
        self._judged[kind] = monotonic()
        return True

    def _was_judged(self, kind: Kind) -> bool:
        return monotonic() - self._judged.get(kind, -AGAIN_SECONDS) < AGAIN_SECONDS

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        """Judge until the context ends, and then what is still waiting."""
        task = asyncio.create_task(self._work())
        try:
            yield
        finally:
            await self.settle()
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def settle(self) -> None:
        """Return once every call noted so far is judged."""
        for alike in list(self._soon):
            self._take_soon(alike)
        await self._waiting.join()

    async def _work(self) -> None:
        while True:
            seen = await self._waiting.get()
            try:
                await self._judge(seen)
            except Exception as error:  # noqa: BLE001 - a mark that cannot be set must end no other
                _log.warning("first-page.not-marked", error=type(error).__name__)
            finally:
                self._waiting.task_done()

    async def _judge(self, seen: Observation) -> None:
        news = await self._db.read(lambda uow: _news(uow, seen))
        if news:
            await self._db.write(lambda uow: _put(uow, news))
        for account in {mark.account_id for mark in news if mark.state == "failed"}:
            self._judged = {kind: at for kind, at in self._judged.items() if kind[0] != account}


def _kind(actor: Actor, status: int, path: str) -> Kind:
    return actor.account_id, actor.environment_id, actor.kind, status, path


async def list_marks(uow: UnitOfWork, account_id: str) -> list[Mark | None]:
    """The marks of the guide's steps in order, None for a step that was not taken yet."""
    known = {mark.step: mark for mark in await store.list_marks(uow, account_id)}
    return [known.get(step) for step in STEPS]


async def _news(uow: UnitOfWork, seen: Observation) -> list[Mark]:
    found = []
    for verdict in await verdicts.judge(uow, seen):
        state = "seen" if verdict.fault is None else "failed"
        known = {mark.step: mark for mark in await store.list_marks(uow, verdict.account_id)}.get(verdict.step)
        if known is None or (known.state, known.reason) != (state, verdict.fault):
            found.append(Mark(verdict.account_id, verdict.step, state, verdict.fault, uow.now))
    return found


async def _put(uow: UnitOfWork, marks: list[Mark]) -> None:
    for mark in marks:
        await store.put_mark(uow, mark)
