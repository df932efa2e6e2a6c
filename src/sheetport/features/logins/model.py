"""What a sign-in gives, or still needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sheetport.features.auth.model import SignedIn
from sheetport.kernel.clock import DAY, MINUTE


class Needed(StrEnum):
    """What is missing after the first step."""

    CODE = "code"
    ENROLMENT = "enrolment"


#: How long a right password waits for the second step, a reset link and a passkey's challenge are good, and a device
#: is known.
STEP_LIFETIME = 10 * MINUTE
RESET_LIFETIME = 30 * MINUTE
CHALLENGE_LIFETIME = 5 * MINUTE
DEVICE_LIFETIME = 180 * DAY
#: How long a browser may stay with an identity provider.
SSO_LIFETIME = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class Pending:
    """A right first step that is not enough. The ticket stands for it."""

    needed: Needed
    ticket: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Login:
    """A finished sign-in, and what makes its device known next time."""

    signed_in: SignedIn
    device: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ListedSession:
    """A running sign-in of a user, times in milliseconds."""

    id: str
    created_at: int
    expires_at: int | None
    last_seen_at: int | None
    address: str | None
    agent: str | None
    way: str
    current: bool


@dataclass(frozen=True, slots=True)
class Departure:
    """Where a browser goes to sign in elsewhere, and the ticket that it keeps until it is back."""

    url: str = field(repr=False)
    ticket: str = field(repr=False)
