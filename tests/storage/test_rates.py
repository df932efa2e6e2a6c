"""Limits that several processes share: each test has two limiters on one database, as two processes would have."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import func, select

from sheetport.config import DEFAULT_RATES
from sheetport.features.rates import service as rates
from sheetport.features.rates.service import Limiter
from sheetport.features.rates.service.shared import PORTION, SharedMeter
from sheetport.kernel.errors import TooMany, Unavailable
from sheetport.kernel.rates import Bucket, Rate
from sheetport.storage.tables.rates import rate_marks
from sheetport.storage.unit_of_work import Database

RATE = Rate(100, 1_000)


class Counted:
    """A database that counts its writes, and can be away."""

    shared = True

    def __init__(self, db: Database) -> None:
        self._db = db
        self.writes = 0
        self.away = False

    async def write(self, work: Any) -> Any:
        self.writes += 1
        if self.away:
            raise Unavailable("away")
        return await self._db.write(work)


async def take(meter: SharedMeter, times: int, key: str = "k", cost: int = 1) -> int:
    """How many of so many calls are allowed."""
    return sum([await meter.wait(key, cost) >= 0 for _ in range(times)])


async def test_two_processes_hand_out_no_more_than_the_bucket_holds(db: Database) -> None:
    counted = Counted(db)
    one, two = (SharedMeter(counted, Bucket.READS, RATE) for _ in range(2))  # type: ignore[arg-type]
    allowed = await asyncio.gather(*(take(each, 40) for each in (one, two, one, two)))
    assert sum(allowed) == RATE.calls
    assert counted.writes <= 2 * PORTION + 8
    assert await take(one, 3) == 0
    assert await take(one, 1, "another key") == 1


async def test_calls_are_handed_out_without_a_query_and_more_is_asked_for_ahead(db: Database) -> None:
    counted = Counted(db)
    meter = SharedMeter(counted, Bucket.READS, Rate(10_000, 60))  # type: ignore[arg-type]
    assert await meter.wait("k", 1) > 0
    assert counted.writes == 1
    assert [meter.take("k", 1, 0.0) is not None for _ in range(200)] == [True] * 200
    assert counted.writes == 1
    assert all(meter.take("k", 1, 0.0) is not None for _ in range(100))  # below half: asks beside
    assert counted.writes == 1
    asking = meter._leases["k"].asking
    assert asking is not None
    assert await asking
    assert counted.writes == 2
    assert all(meter.take("k", 1, 0.0) is not None for _ in range(400))


async def test_a_refusal_says_for_how_long_and_asks_the_database_no_more_meanwhile(db: Database) -> None:
    counted = Counted(db)
    meter = SharedMeter(counted, Bucket.SIGN_INS, Rate(5, 500))  # type: ignore[arg-type]
    assert await take(meter, 5) == 5
    assert await meter.wait("k", 1) == pytest.approx(-100, abs=1)
    asked = counted.writes
    assert await take(meter, 50) == 0
    assert counted.writes == asked


async def test_a_bucket_fills_again_by_the_databases_time(db: Database) -> None:
    one, two = (SharedMeter(db, Bucket.SIGN_INS, Rate(5, 500)) for _ in range(2))
    assert await take(one, 6) == 5
    db.clock.advance(200_000)  # type: ignore[attr-defined]
    assert await take(two, 6) == 2


async def test_several_at_once_are_given_or_refused_together(db: Database) -> None:
    meter = SharedMeter(db, Bucket.EXCHANGES, Rate(10, 3_600))
    assert [await meter.wait("k", 8) >= 0, await meter.wait("j", 11) >= 0] == [True, False]
    other = SharedMeter(db, Bucket.EXCHANGES, Rate(10, 3_600))
    assert await take(other, 1, cost=3) == 0
    other = SharedMeter(db, Bucket.EXCHANGES, Rate(10, 3_600))
    assert await take(other, 1, cost=2) == 1
    other.give_back("k", 2)
    assert await take(other, 1, cost=2) == 1


async def test_while_the_database_is_away_each_process_counts_alone(db: Database) -> None:
    counted = Counted(db)
    meter = SharedMeter(counted, Bucket.SIGN_INS, Rate(5, 500))  # type: ignore[arg-type]
    counted.away = True
    assert await take(meter, 7) == 5
    counted.away = False
    assert await take(meter, 7) == 5


async def test_the_limiter_allows_requires_and_can_be_off(db: Database) -> None:
    small = {**DEFAULT_RATES, Bucket.REVOCATIONS: Rate(2, 900)}
    limiter = Limiter(db, small)
    assert [(await limiter.allow(Bucket.REVOCATIONS, "a")).remaining for _ in range(2)] == [1, 0]
    with pytest.raises(TooMany, match="2 calls in 900 seconds") as refused:
        await limiter.require(Bucket.REVOCATIONS, "a")
    assert (refused.value.key, refused.value.retry_after) == ("revocations", pytest.approx(450, abs=1))
    limiter.give_back(Bucket.REVOCATIONS, "b")  # of nobody: nothing happens
    off = Limiter(db, small, on=False)
    assert [(await off.require(Bucket.REVOCATIONS, "a")).allowed for _ in range(5)] == [True] * 5


async def test_marks_of_full_buckets_are_swept(db: Database) -> None:
    meter = SharedMeter(db, Bucket.SIGN_INS, Rate(5, 500))
    await take(meter, 1, "early")
    db.clock.advance(400_000)  # type: ignore[attr-defined]
    await take(meter, 1, "late")
    assert await db.write(rates.sweep_marks) == 1
    count = select(func.count().label("number")).select_from(rate_marks)
    row = await db.read(lambda uow: uow.fetch_one(count))
    assert row is not None
    assert row["number"] == 1
