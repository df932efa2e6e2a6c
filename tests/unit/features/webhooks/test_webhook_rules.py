"""When attempts are made again, which topics fit, and what may be kept of an answer."""

from __future__ import annotations

import pytest

from sheetport.features.egress.model import Answer
from sheetport.features.webhooks.model import MAX_ANSWER, SCHEDULE, next_attempt, topic_fits
from sheetport.features.webhooks.service.sending import retry_after, shown
from sheetport.kernel.clock import DAY, HOUR, MINUTE, SECOND
from sheetport.kernel.crypto import mint_token


def test_the_schedule_is_that_of_standard_webhooks() -> None:
    hours = [2, 5, 10, 14, 20, 24]
    assert (0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, *(each * HOUR for each in hours)) == SCHEDULE
    assert [next_attempt(count, 1_000, 0.0) for count in range(1, 10)] == [1_000 + wait for wait in SCHEDULE[1:]]
    assert next_attempt(10, 1_000, 0.0) is None
    assert next_attempt(3, 0, 1.0) == 33 * MINUTE, "a tenth later at most"


def test_retry_after_puts_off_and_never_hastens() -> None:
    assert next_attempt(1, 0, 0.0, 2 * HOUR) == 2 * HOUR
    assert next_attempt(4, 0, 0.0, SECOND) == 2 * HOUR
    assert next_attempt(1, 0, 0.0, 30 * DAY) == DAY


@pytest.mark.parametrize(
    ("pattern", "topic", "fits"),
    [
        ("**", "job:ready", True),
        ("*:*", "job:ready", True),
        ("*", "job:ready", False),
        ("job:*", "job:ready", True),
        ("job:*", "jobs:ready", False),
        ("job:ready", "job:ready", True),
        ("*:created", "records:created", True),
        ("job.ready", "job:ready", False),
    ],
)
def test_a_glob_fits_topics_as_a_listeners_does(pattern: str, topic: str, *, fits: bool) -> None:
    assert topic_fits(pattern, topic) is fits


def test_an_alert_goes_only_where_it_is_named() -> None:
    fitting = {each: topic_fits(each, "secret:rotated", is_alert=True) for each in ("**", "*:rotated", "secret:*")}
    assert fitting == {"**": False, "*:rotated": False, "secret:*": True}


@pytest.mark.parametrize(
    ("status", "header", "wait"),
    [
        (503, "120", 120 * SECOND),
        (429, "Thu, 01 Jan 1970 00:01:00 GMT", 50 * SECOND),
        (503, "Thu, 01 Jan 1970 00:00:00 GMT", 0),
        (200, "120", None),
        (503, "soon", None),
        (503, "", None),
        (503, "9" * 40, 999_999_999 * SECOND),
    ],
)
def test_retry_after_is_seconds_or_a_date(status: int, header: str, wait: int | None) -> None:
    assert retry_after(Answer(status, {"retry-after": header}, b""), 10 * SECOND) == wait


def test_what_is_kept_of_an_answer_is_short_printable_and_without_secrets() -> None:
    token = mint_token("sk_dev")
    kept = shown(f"no\x00\r\n  {token} key=0123456789abcdef0123456789abcdef".encode() + b"\xff")
    assert kept is not None
    assert kept.isprintable()
    assert token not in kept
    assert "0123456789" not in kept
    assert kept.startswith("no sk_d")
    assert len(shown(b"word " * 200) or "") == MAX_ANSWER
    assert shown(b" \r\n") is None
