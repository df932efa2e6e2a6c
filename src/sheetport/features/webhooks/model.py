"""A webhook, its keys and its deliveries; which events fit it, and when a failed attempt is made again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache

from sheetport.features.events.model import ALERT, Event
from sheetport.kernel.clock import DAY, HOUR, MINUTE, SECOND
from sheetport.kernel.crypto import Sealed

MAX_URL = 2_000
MAX_DESCRIPTION = 500
MAX_REASON = 300
MAX_FILTERS = 50
MAX_FILTER = 100
#: So many webhooks an environment has at most.
MAX_WEBHOOKS = 100
#: For how long the key before signs beside the new one: by default, and at most.
DEFAULT_OVERLAP, MAX_OVERLAP = DAY, 30 * DAY
#: How long after the attempt before the next one is made: the schedule of Standard Webhooks.
SCHEDULE = (0, 5 * SECOND, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR)
#: No receiver puts its deliveries off for longer than this.
MAX_RETRY_AFTER = DAY
#: Whoever has taken nothing for so long is sent nothing more.
FAILING_LIMIT = 5 * DAY
#: For how long a process delivers alone without saying so again.
LEASE = 15 * SECOND
#: How much is kept of what a receiver answered, characters.
MAX_ANSWER = 300


class State(StrEnum):
    """Whether a webhook delivers. A paused one keeps its place in the log, a disabled one loses it."""

    ENABLED = "enabled"
    PAUSED = "paused"
    DISABLED = "disabled"


class DeliveryState(StrEnum):
    """Pending: to be sent, or sent again. Dead: given up, until it is replayed."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Webhook:
    """``position`` is that of the last event that was looked at.

    ``topics`` are globs, ``namespaces`` too, none of which is any. ``held_until`` is what the receiver asked for.
    """

    environment_id: str
    id: str
    account_id: str
    space_id: str | None
    url: str = field(repr=False)
    description: str | None
    topics: tuple[str, ...]
    namespaces: tuple[str, ...]
    state: State
    reason: str | None
    position: int
    failing_since: int | None
    held_until: int | None
    created_by: str
    created_at: int
    updated_at: int

    def fits(self, event: Event) -> bool:
        """Whether it is told of this event."""
        if self.space_id not in {None, event.space_id}:
            return False
        if not any(topic_fits(each, event.topic, is_alert=event.domain == ALERT) for each in self.topics):
            return False
        return not self.namespaces or any(
            _glob(one).fullmatch(name) for one in self.namespaces for name in event.namespaces
        )


@dataclass(frozen=True, slots=True)
class Draft:
    """What is asked of a webhook. In a change, what is None stays as it is and "" takes a text away."""

    url: str | None = field(default=None, repr=False)
    topics: tuple[str, ...] | None = None
    namespaces: tuple[str, ...] | None = None
    description: str | None = None
    state: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """Whose a webhook is: an environment, or one space of it."""

    account_id: str
    environment_id: str
    space_id: str | None = None


@dataclass(frozen=True, slots=True)
class WebhookKey:
    """A sealed signing key. It signs until ``ends_at``; the current one has no end."""

    environment_id: str
    webhook_id: str
    id: str
    sealed: Sealed = field(repr=False)
    public_key: str
    created_at: int
    ends_at: int | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One event for one webhook, and what became of the last attempt. ``duration`` is in milliseconds."""

    environment_id: str
    webhook_id: str
    event_id: str
    position: int
    topic: str
    space_id: str | None
    state: DeliveryState
    attempts: int
    next_attempt_at: int | None
    created_at: int
    status: int | None = None
    error: str | None = None
    response: str | None = None
    duration: int | None = None
    attempted_at: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What an attempt came to. ``retry_after`` is how long the receiver asks to be left alone, milliseconds."""

    event_id: str
    attempts: int
    at: int
    duration: int
    status: int | None = None
    error: str | None = None
    response: str | None = None
    retry_after: int | None = None

    @property
    def ok(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver says that it will never take anything again."""
        return self.status == 410


@dataclass(frozen=True, slots=True)
class Work:
    """A webhook with something to do: events behind its position up to ``head``, or attempts due at ``due``."""

    webhook: Webhook
    head: int
    due: int | None

    def is_due(self, now: int, position: int) -> bool:
        if (self.webhook.held_until or 0) > now:
            return False
        return self.head > position or (self.due is not None and self.due <= now)


def next_attempt(attempts: int, now: int, jitter: float, retry_after: int | None = None) -> int | None:
    """When to try again after so many attempts; None when that was the last. ``jitter`` is from 0 to 1."""
    if attempts >= len(SCHEDULE):
        return None
    wait = SCHEDULE[attempts]
    return now + max(wait + int(wait * jitter / 10), min(retry_after or 0, MAX_RETRY_AFTER))


def topic_fits(pattern: str, topic: str, *, is_alert: bool = False) -> bool:
    """Whether a glob is for a topic. Alerts are for those that name them: ``**`` alone does not."""
    if is_alert and pattern.startswith("*"):
        return False
    return _glob(pattern).fullmatch(topic) is not None


def is_known(pattern: str, topics: Iterable[str]) -> bool:
    """Whether a glob is for any of these topics."""
    return any(topic_fits(pattern, topic) for topic in topics)


@lru_cache(maxsize=4_096)
def _glob(pattern: str) -> re.Pattern[str]:
    """``*`` is any text without ``:``, ``**`` any text at all; as listeners write them."""
    parts = re.split(r"(\*+)", pattern)
    wild = {"*": "[^:]*"}
    return re.compile("".join(wild.get(part, ".*") if part.startswith("*") else re.escape(part) for part in parts))
