"""A mail in the outbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sheetport.kernel.clock import DAY, HOUR, MINUTE, SECOND

#: A mail is tried for so long, then it is dead: the links in it have ended by then.
PATIENCE = 3 * DAY
#: The wait after the first failure; it doubles with each, up to the longest.
FIRST_WAIT, LONGEST_WAIT = 30 * SECOND, HOUR
#: One process has a mail to itself for so long, and gives one attempt less than that.
LEASE = 3 * MINUTE
#: So long a mail that was sent, or is dead, stays in the list.
KEPT = 7 * DAY


class MailStatus(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Mail:
    """``error`` is what the mail server, or the connection to it, said last. Times are milliseconds."""

    account_id: str
    id: str
    recipient: str
    template: str
    status: MailStatus
    attempts: int
    created_at: int
    due_at: int
    ended_at: int | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """A mail that this process may send now, with its opened values. ``lease`` proves it when that has ended."""

    mail: Mail
    lease: str
    values: dict[str, Any] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a template became. Its repr shows nothing of it."""

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)
