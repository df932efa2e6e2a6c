"""Has every tick of the clock told: to environments that have an audience, and to actions that have a schedule."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from sheetport.features.cron import service as cron
from sheetport.features.cron.model import SMALLEST, Cadence, Tick, newest_tick
from sheetport.kernel.clock import HOUR
from sheetport.storage.unit_of_work import Database, UnitOfWork

#: Environments in which something hears of a tick, such as those that have an agent for its topic.
Audience = Callable[[UnitOfWork, Tick], Awaitable[Iterable[str]]]


class Cron:
    """Tells the ticks that are due, whenever it is asked to.

    ``follows`` answers with the environments that somebody follows through this process; ``audiences`` are asked for
    the others. An environment that nobody would hear is told nothing, so that thousands of idle ones cost nothing.
    """

    def __init__(self, db: Database, follows: Callable[[], Iterable[str]], audiences: Iterable[Audience] = ()) -> None:
        self._db = db
        self._follows = follows
        self._audiences = (cron.list_followed, *audiences)
        self._next = 0
        self._noted: dict[str, int] = {}

    async def run(self) -> None:
        """Tell what is due; at once without looking when nothing can be. Raises if a database does, to be run again."""
        await self._note_followed()
        now = self._db.clock.now()
        if now < self._next:
            return
        for tick in await self._db.write(cron.list_due):
            if not await self._tell(tick):
                return  # another process does, or has done; the next run sees which
        self._next = newest_tick(Cadence.FIVE_MINUTES, now).due_at + SMALLEST

    async def _tell(self, tick: Tick) -> bool:
        audience = await self._audience(tick)
        for start in range(0, len(audience), cron.ENVIRONMENTS):
            some = audience[start : start + cron.ENVIRONMENTS]
            if not await self._db.write(partial(cron.tell_tick, tick=tick, environment_ids=some), bulk=True):
                return False
        made: int | None = cron.JOBS
        while made == cron.JOBS:
            made = await self._db.write(partial(cron.start_scheduled, tick=tick), bulk=True)
        if made is not None:
            await self._db.write(partial(cron.end_round, tick=tick))
        return made is not None

    async def _audience(self, tick: Tick) -> list[str]:
        found: set[str] = set()
        for audience in self._audiences:
            found |= set(await self._db.read(partial(_ask, audience, tick), heavy=True))
        return sorted(found)

    async def _note_followed(self) -> None:
        """Write down who is followed, an environment at most once an hour: it is asked by the day."""
        now = self._db.clock.now()
        self._noted = {each: at for each, at in self._noted.items() if at > now - HOUR}
        fresh = set(self._follows()) - self._noted.keys()
        if fresh:
            await self._db.write(partial(cron.note_followed, environment_ids=fresh))
            self._noted |= dict.fromkeys(fresh, now)


async def _ask(audience: Audience, tick: Tick, uow: UnitOfWork) -> Iterable[str]:
    return await audience(uow, tick)
