"""How often who may call: buckets, their rates, and what is left in one.

A bucket holds so many calls and fills again evenly in so many seconds (the generic cell rate algorithm). All that is
kept of it is its *mark*: the time at which it is full again.
"""

from __future__ import annotations

from enum import StrEnum
from math import ceil
from typing import NamedTuple


class Bucket(StrEnum):
    """What calls count against, by the names of settings and answers."""

    #: All calls from one address, whoever makes them.
    ADDRESS = "address"
    #: All calls with tokens of one account.
    ACCOUNT = "account"
    #: Of one token.
    READS = "reads"
    WRITES = "writes"
    STREAMS = "streams"
    #: Of one address: what takes no token, or makes one.
    SIGN_INS = "sign-ins"
    EXCHANGES = "exchanges"
    REVOCATIONS = "revocations"
    EMBEDDED_SPACES = "embedded-spaces"


class Rate(NamedTuple):
    """How many calls there may be at once, and in how many seconds as many again."""

    calls: int
    seconds: int

    @property
    def each(self) -> float:
        """Seconds in which one call comes back."""
        return self.seconds / self.calls


class Verdict(NamedTuple):
    """Whether a call may go on. ``room`` is the part of the bucket that is not full, in seconds; below zero, for how
    long the caller has to wait."""

    bucket: Bucket
    rate: Rate
    room: float

    @property
    def allowed(self) -> bool:
        return self.room >= 0

    @property
    def remaining(self) -> int:
        """Calls that are left."""
        return max(0, int(self.room / self.rate.each))

    @property
    def full_in(self) -> int:
        """Seconds until all calls are there again."""
        return ceil(self.rate.seconds - max(0.0, self.room))

    @property
    def retry_after(self) -> int:
        """Seconds to wait, 0 when allowed."""
        return ceil(-self.room) if self.room < 0 else 0


class Meter:
    """The bucket of one kind, of many keys, in this process."""

    #: More marks than this, and those of full buckets are forgotten; if that is too few, the fullest half.
    MOST = 100_000

    __slots__ = ("_each", "_marks", "_span", "rate")

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self._each, self._span = rate.each, float(rate.seconds)
        self._marks: dict[str, float] = {}

    def take(self, key: str, cost: int, now: float) -> float:
        """Take ``cost`` calls at ``now`` (seconds); the room left, or the wait as a negative number: nothing is taken
        then."""
        mark = self._marks.get(key, now)
        room = self._span - (mark if mark > now else now) + now - cost * self._each
        if room < -1e-9:
            return room
        if len(self._marks) >= self.MOST and key not in self._marks:
            self._forget(now)
        self._marks[key] = now + self._span - room
        return max(room, 0.0)

    def give_back(self, key: str, cost: int) -> None:
        """Undo a take."""
        if key in self._marks:
            self._marks[key] -= cost * self._each

    def _forget(self, now: float) -> None:
        kept = {key: mark for key, mark in self._marks.items() if mark > now}
        if len(kept) >= self.MOST:
            kept = dict(sorted(kept.items(), key=lambda pair: pair[1])[self.MOST // 2 :])
        self._marks = kept
