"""A bucket that several processes share, on one database.

Asking the database for each call would cost more than most calls. So a process takes a few per cent of a bucket at
once, hands these out without a query, and asks for more before they have gone. What it has taken is taken from
everyone, so together the processes never hand out more than the bucket holds; what it does not use in time is lost to
the bucket until that fills again.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import monotonic

from sheetport.features.rates import store
from sheetport.kernel.errors import Unavailable
from sheetport.kernel.rates import Bucket, Meter, Rate
from sheetport.storage.unit_of_work import Database

#: The part of a bucket that is taken at once, and for how long it may be handed out.
PORTION = 20
KEPT_SECONDS = 10.0
#: A bucket that is empty is not asked for again sooner than this.
ASKED_AGAIN = 0.05
#: More keys than this, and those with nothing to hand out are forgotten.
MOST = 100_000


@dataclass(slots=True)
class _Lease:
    """``left`` calls to hand out until ``until``; ``room`` is what the bucket had beside them. Before ``wait`` there
    are none."""

    left: int = 0
    until: float = 0.0
    room: float = 0.0
    wait: float = 0.0
    asking: asyncio.Task[bool] | None = None


class SharedMeter:
    """The bucket of one kind, of many keys, of all processes."""

    def __init__(self, db: Database, bucket: Bucket, rate: Rate) -> None:
        self.rate = rate
        self._db = db
        self._bucket = bucket
        self._chunk = max(1, rate.calls // PORTION)
        self._each, self._span = max(1, rate.seconds * 1_000_000 // rate.calls), rate.seconds * 1_000_000
        self._leases: dict[str, _Lease] = {}
        #: Used while the database does not answer: its callers will hear of that from what they call.
        self._alone = Meter(rate)

    def take(self, key: str, cost: int, now: float) -> float | None:
        """As ``Meter.take``; None when the database has to be asked."""
        lease = self._leases.get(key)
        if lease is None:
            return None
        if lease.wait > now:
            return now - lease.wait
        if lease.left < cost or lease.until < now:
            return None
        lease.left -= cost
        if lease.left * 2 < self._chunk and self._chunk > 1 and lease.asking is None:
            lease.asking = asyncio.ensure_future(self._ask(key, lease, 1))
        return min(lease.room + lease.left * self._each / 1_000_000, float(self.rate.seconds))

    async def wait(self, key: str, cost: int) -> float:
        """As ``Meter.take``, asking the database where needed."""
        while (room := self.take(key, cost, monotonic())) is None:
            lease = self._leases.get(key)
            if lease is None:
                if len(self._leases) >= MOST:
                    self._forget()
                lease = self._leases[key] = _Lease()
            if lease.asking is None:
                lease.asking = asyncio.ensure_future(self._ask(key, lease, cost))
            if not await asyncio.shield(lease.asking):
                return self._alone.take(key, cost, monotonic())
        return room

    def give_back(self, key: str, cost: int) -> None:
        """Undo a take."""
        lease = self._leases.get(key)
        if lease is not None:
            lease.left += cost

    async def _ask(self, key: str, lease: _Lease, cost: int) -> bool:
        """Take more from the database; False when that is away."""
        chunk = max(cost, self._chunk)
        try:
            granted, ahead = await self._db.write(
                lambda uow: store.take(uow, self._bucket, key, each=self._each, span=self._span, cost=cost, chunk=chunk)
            )
        except Unavailable:
            return False
        finally:
            lease.asking = None
        now = monotonic()
        lease.room = (self._span - ahead) / 1_000_000
        if granted:
            lease.left = granted + (lease.left if lease.until >= now else 0)
            lease.until = now + KEPT_SECONDS
        elif lease.left < cost or lease.until < now:
            lease.wait = now + max(ASKED_AGAIN, cost * self._each / 1_000_000 - lease.room)
        return True

    def _forget(self) -> None:
        now = monotonic()
        self._leases = {
            key: lease
            for key, lease in self._leases.items()
            if lease.asking is not None or lease.wait > now or (lease.left and lease.until > now)
        }
