"""What the standards call things, and what is wanted and told of tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from sheetport.features.auth.model import Minted
from sheetport.kernel.clock import DAY
from sheetport.kernel.errors import Invalid

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant type
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a token type
#: Seconds that an exchanged token lives: by default, and at least and most that can be asked for.
DEFAULT_LIFETIME, MIN_LIFETIME, MAX_LIFETIME = 3_600, 1, 30 * 86_400


DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
#: How long a program may wait for a person, and how often it may ask meanwhile: seconds, more by as many each time
#: that it asks too soon.
DEVICE_LIFETIME, POLL_SECONDS = 600, 5
#: How long what it is given lives, unless the account or the server lets keys live less.
DEVICE_TOKEN_LIFETIME = 90 * DAY
MAX_CLIENT_ID = 100
#: The letters of user codes: none is a vowel, and none looks like another (RFC 8628, section 6.1).
CODE_LETTERS, CODE_LENGTH = "BCDFGHJKLMNPQRSTVWXZ", 8


class State(StrEnum):
    """What has become of a device login."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    USED = "used"


class OAuthError(Invalid):
    """A refusal with the standards' word for it."""

    def __init__(self, code: str, message: str, key: str) -> None:
        super().__init__(message, key)
        self.code = code


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a narrower token shall be: on the thing of this id, with these permissions, for so many seconds at most.

    Without ``target`` it reaches what its subject reaches; without ``permissions`` it may what its subject may.
    """

    target: str | None = None
    permissions: tuple[str, ...] = ()
    lifetime: int = DEFAULT_LIFETIME


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A narrowed token, when it expires (milliseconds) and all that it may do."""

    minted: Minted
    expires_at: int
    permissions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What introspection tells of a token that is active; ``expires_at`` None is never."""

    subject: str
    token_id: str
    issued_at: int | None
    expires_at: int | None
    permissions: tuple[str, ...]
    target: str | None = None
    bound_to: str | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """The codes of a new device login, which are shown once and kept nowhere."""

    device_code: str = field(repr=False)
    user_code: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class DeviceLogin:
    """A program that asks to act as somebody. ``fingerprint`` names it; times are milliseconds.

    ``client_id`` and ``agent`` are what the program says of itself, ``address`` is where it asked from. Without
    ``permissions`` it asks for all that the person may do. ``session_id`` is the sign-in in which somebody decided.
    """

    fingerprint: str
    client_id: str
    permissions: tuple[str, ...]
    address: str | None
    agent: str | None
    state: State
    created_at: int
    expires_at: int
    polled_at: int | None
    poll_seconds: int
    account_id: str | None = None
    user_id: str | None = None
    session_id: str | None = None
