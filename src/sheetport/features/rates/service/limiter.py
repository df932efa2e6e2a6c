"""Whether a call may go on: one object a process, given to the layers before the routes and to services."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic

from sheetport.features.rates import store
from sheetport.features.rates.model import too_often
from sheetport.features.rates.service.shared import SharedMeter
from sheetport.kernel.errors import TooMany
from sheetport.kernel.rates import Bucket, Meter, Rate, Verdict
from sheetport.storage.unit_of_work import Database, UnitOfWork

Taker = Callable[[str, int, float], float | None]


class Limiter:
    """The buckets of one server. With ``on`` False every call is allowed, and nothing is counted."""

    def __init__(self, db: Database, rates: Mapping[Bucket, Rate], *, on: bool = True) -> None:
        self.on = on
        self._rates = dict(rates)
        made = (lambda name, rate: SharedMeter(db, name, rate)) if db.shared else (lambda _, rate: Meter(rate))
        self._meters: dict[Bucket, Meter | SharedMeter] = {name: made(name, rate) for name, rate in rates.items()}

    def taker(self, bucket: Bucket) -> Taker:
        """What takes from a bucket at once: of a key, so many calls, at a time of ``time.monotonic``; the room left,
        below zero to be refused, None when :meth:`allow` has to ask the database.

        For layers that see every call; only where the limiter is on.
        """
        return self._meters[bucket].take

    async def allow(self, bucket: Bucket, key: str, cost: int = 1) -> Verdict:
        """Take ``cost`` calls from the bucket of ``key`` (an id, an address, a keyed hash; never a secret)."""
        rate = self._rates[bucket]
        if not self.on:
            return Verdict(bucket, rate, float(rate.seconds))
        meter = self._meters[bucket]
        room = meter.take(key, cost, monotonic())
        if room is None and isinstance(meter, SharedMeter):
            room = await meter.wait(key, cost)
        return Verdict(bucket, rate, room if room is not None else float(rate.seconds))

    async def require(self, bucket: Bucket, key: str, cost: int = 1) -> Verdict:
        """As :meth:`allow`. Raises TooMany, with when to try again, where it is refused."""
        verdict = await self.allow(bucket, key, cost)
        if not verdict.allowed:
            raise too_often(verdict)
        return verdict

    def refusal(self, verdict: Verdict) -> TooMany:
        """What a caller is told whom the verdict refuses."""
        return too_often(verdict)

    def give_back(self, bucket: Bucket, key: str, cost: int = 1) -> None:
        """Undo a take, for what counts failures: take before the attempt, give back when it succeeds."""
        if self.on:
            self._meters[bucket].give_back(key, cost)

    def rate_of(self, bucket: Bucket) -> Rate:
        return self._rates[bucket]


async def sweep_marks(uow: UnitOfWork) -> int:
    """Delete what full buckets have left behind; how many."""
    return await store.sweep(uow)


async def sweep_shared_marks(db: Database) -> None:
    """Do so where processes share them; one process alone keeps none in its database."""
    if db.shared:
        await db.write(sweep_marks)
