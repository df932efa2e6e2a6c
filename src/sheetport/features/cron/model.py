"""The topics of the clock, and when each of them is due. Every boundary is one of UTC."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from sheetport.kernel.clock import DAY, HOUR, MINUTE

#: Every tick is a whole number of these since the epoch.
SMALLEST = 5 * MINUTE
#: The first Monday after the epoch, which was a Thursday.
_MONDAY = 4 * DAY


class Cadence(StrEnum):
    """How often a topic is told, by the topic's name."""

    FIVE_MINUTES = "cron:5-minutes"
    HOURLY = "cron:hourly"
    DAILY = "cron:daily"
    WEEKLY = "cron:weekly"

    @property
    def schedule(self) -> str:
        """What an action with this cadence calls it; no action has one of five minutes."""
        return self.value.removeprefix("cron:")


_LENGTHS = {
    Cadence.FIVE_MINUTES: (SMALLEST, 0),
    Cadence.HOURLY: (HOUR, 0),
    Cadence.DAILY: (DAY, 0),
    Cadence.WEEKLY: (7 * DAY, _MONDAY),
}


@dataclass(frozen=True, slots=True)
class Tick:
    """One moment (milliseconds) at which a topic is due."""

    cadence: Cadence
    due_at: int


def newest_tick(cadence: Cadence, now: int) -> Tick:
    """The newest tick up to ``now``: weeks begin on Monday, days at midnight."""
    length, offset = _LENGTHS[cadence]
    return Tick(cadence, now - (now - offset) % length)
