"""A bucket of calls: how many at once, how fast they come back, and how many keys it bears."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheetport.kernel.rates import Bucket, Meter, Rate, Verdict


def test_a_bucket_gives_all_its_calls_at_once_and_then_one_each_time_one_comes_back() -> None:
    meter = Meter(Rate(10, 60))
    assert [meter.take("a", 1, 0.0) >= 0 for _ in range(12)] == [True] * 10 + [False] * 2
    assert meter.take("a", 1, 5.9) == pytest.approx(-0.1)
    assert meter.take("a", 1, 6.0) == pytest.approx(0.0)
    assert meter.take("a", 1, 6.0) == pytest.approx(-6.0)
    assert meter.take("b", 1, 6.0) == pytest.approx(54.0)
    assert [meter.take("a", 1, 120.0) >= 0 for _ in range(11)] == [True] * 10 + [False]


def test_a_refusal_takes_nothing_and_a_call_may_cost_several() -> None:
    meter = Meter(Rate(10, 10))
    assert meter.take("a", 8, 0.0) == pytest.approx(2.0)
    assert meter.take("a", 3, 0.0) == pytest.approx(-1.0)
    assert meter.take("a", 2, 0.0) == pytest.approx(0.0)
    assert meter.take("a", 11, 100.0) < 0
    meter.give_back("a", 10)
    assert meter.take("a", 10, 0.0) == pytest.approx(0.0)
    meter.give_back("never", 1)
    assert meter.take("never", 10, 0.0) == pytest.approx(0.0)


def test_keys_beyond_the_most_push_out_those_whose_buckets_are_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Meter, "MOST", 10)
    meter = Meter(Rate(10, 10))
    meter.take("busy", 10, 0.0)
    for number in range(9):
        meter.take(f"idle {number}", 1, 0.0)
    meter.take("new", 1, 5.0)
    assert meter.take("busy", 6, 5.0) < 0
    for number in range(100):
        meter.take(f"flood {number}", 1, 5.0)
    assert meter.take("busy", 6, 5.0) < 0


def test_a_verdict_says_what_is_left_and_for_how_long_to_wait() -> None:
    rate = Rate(10, 60)
    assert [Verdict(Bucket.READS, rate, room)[2:] for room in (60.0, -0.5)] == [(60.0,), (-0.5,)]
    full, some, none = (Verdict(Bucket.READS, rate, room) for room in (60.0, 13.0, -0.5))
    assert [(v.allowed, v.remaining, v.full_in, v.retry_after) for v in (full, some, none)] == [
        (True, 10, 0, 0),
        (True, 2, 47, 0),
        (False, 0, 60, 1),
    ]


@given(
    st.integers(1, 50),
    st.integers(1, 100),
    st.lists(st.tuples(st.floats(0, 10), st.integers(1, 5)), max_size=60),
)
def test_no_order_of_calls_gets_more_than_the_rate(calls: int, seconds: int, attempts: list[tuple[float, int]]) -> None:
    meter, now, taken = Meter(Rate(calls, seconds)), 0.0, 0
    for pause, cost in attempts:
        now += pause
        if meter.take("a", cost, now) >= 0:
            taken += cost
        assert taken <= calls + now * calls / seconds + 1e-6
