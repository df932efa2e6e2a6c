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


def test_a_fake_clock_moves_by_hand() -> None:
    clock = FakeClock(10)
    clock.advance(5)
    assert clock.now() == 15
