"""Times and their wire form."""

from __future__ import annotations

import pytest

from sheetport.kernel.clock import FakeClock, SystemClock, iso, iso_or_none, parse_iso


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
        (4_102_444_800_000, "2100-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_and_its_text_are_one(at: int, text: str) -> None:
    assert iso(at) == text
    assert parse_iso(text) == at


def test_other_spellings_are_read_and_a_missing_zone_is_utc() -> None:
    assert parse_iso("2023-11-14T23:13:20.123+01:00") == 1_700_000_000_123
    assert parse_iso("2023-11-14T22:13:20") == 1_700_000_000_000
    with pytest.raises(ValueError, match="yesterday"):
        parse_iso("yesterday")


def test_an_absent_time_stays_absent() -> None:
    assert iso_or_none(None) is None
    assert iso_or_none(0) == "1970-01-01T00:00:00.000Z"


def test_the_system_clock_counts_milliseconds_of_this_century() -> None:
    assert 1_700_000_000_000 < SystemClock().now() < 4_102_444_800_000


class Machine:
    """A machine whose clock can be set, beside one that only counts on. Nanoseconds."""

    def __init__(self) -> None:
        self.wall, self.steady = 10**18, 5 * 10**9
        self.told: list[float] = []
        self.clock = SystemClock(self.told.append, lambda: self.wall, lambda: self.steady)

    def pass_time(self, seconds: float) -> int:
        """Milliseconds by which the clock goes on meanwhile."""
        before = self.clock.now()
        self.wall += int(seconds * 1e9)
        self.steady += int(seconds * 1e9)
        return self.clock.now() - before


def test_the_system_clock_follows_the_machines() -> None:
    machine = Machine()
    assert machine.pass_time(60) == 60_000
    machine.wall += 3_600 * 10**9
    assert machine.pass_time(60) == 60_000
    assert machine.clock.now() == machine.wall // 10**6
    assert machine.told == []


def test_the_system_clock_never_goes_back_and_lets_the_machines_catch_up() -> None:
    machine = Machine()
    before = machine.clock.now()
    machine.wall -= 3_600 * 10**9
    assert machine.clock.now() == before
    assert machine.pass_time(60) == 54_000
    assert machine.told == [3_600]
    assert machine.pass_time(36_000) > 0
    assert machine.clock.now() == machine.wall // 10**6
    machine.wall -= 10 * 10**9
    machine.clock.now()
    assert machine.told == [3_600, 10]


def test_a_small_step_back_is_not_told() -> None:
    machine = Machine()
    machine.wall -= 10**9
    assert machine.pass_time(1) >= 0
    assert machine.told == []


def test_a_fake_clock_moves_by_hand() -> None:
    clock = FakeClock(10)
    clock.advance(5)
    assert clock.now() == 15
