"""Time as whole milliseconds since the epoch, UTC. The wire form is ISO 8601 with milliseconds and ``Z``."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Protocol

SECOND = 1_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

#: A step back of the machine's clock by more than this is told.
TOLD_SECONDS = 2.0

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock(Protocol):
    """Where a unit of work reads the time."""

    def now(self) -> int:
        """Milliseconds since the epoch."""
        ...


class SystemClock:
    """The machine's clock, except that it never goes back.

    Set back, it would bring expired tokens to life again and date events before their causes. Until the machine's
    clock has caught up, this one goes on at nine tenths of its pace. ``on_back`` is told the seconds, once each time.
    """

    def __init__(
        self,
        on_back: Callable[[float], None] | None = None,
        wall: Callable[[], int] = time.time_ns,
        steady: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._on_back = on_back
        self._wall, self._steady = wall, steady
        #: The latest time of the machine's clock, and when that was read.
        self._latest = (wall(), steady())
        self._told = False

    def now(self) -> int:
        (latest, since), wall, steady = self._latest, self._wall(), self._steady()
        least = latest + (steady - since) * 9 // 10
        if wall >= least:
            self._latest = (wall, steady)
            self._told = False
            return wall // 1_000_000
        behind = (least - wall) / 1e9
        if behind > TOLD_SECONDS and not self._told and self._on_back is not None:
            self._told = True
            self._on_back(behind)
        return least // 1_000_000


class FakeClock:
    """A clock that tests move by hand."""

    def __init__(self, start: int = 1_800_000_000_000) -> None:
        self._now = start

    def now(self) -> int:
        return self._now

    def advance(self, milliseconds: int) -> None:
        self._now += milliseconds


def iso(at: int) -> str:
    """``1700000000123`` → ``2023-11-14T22:13:20.123Z``."""
    return f"{_second(at // 1000)}.{at % 1000:03d}Z"


@lru_cache(maxsize=4_096)
def _second(at: int) -> str:
    """Things that are read together were often made together."""
    return (_EPOCH + timedelta(seconds=at)).isoformat()[:19]


def iso_or_none(at: int | None) -> str | None:
    """:func:`iso` for a time that may be absent."""
    return None if at is None else iso(at)


def parse_iso(text: str) -> int:
    """Milliseconds of an ISO 8601 text; a time without a zone is UTC. Raises ValueError."""
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // timedelta(milliseconds=1)
