"""Credentials: everything a caller can prove who it is with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sheetport.features.users.model import User
from sheetport.kernel.clock import DAY, HOUR, MINUTE


class CredentialKind(StrEnum):
    SECRET_KEY = "secret_key"  # noqa: S105 - a kind, not a secret
    PUBLISHABLE_KEY = "publishable_key"
    PERSONAL = "personal"
    ACCESS = "access"
    CLIENT = "client"
    NARROWED = "narrowed"
    #: Of an agent that this server runs, whose id is its ``user_id``.
    AGENT = "agent_token"


#: How long a sign-in's access token lives.
ACCESS_LIFETIME = 24 * HOUR
#: How long the old one of a rotated pair may stay good, and for how long the answer is given again with its token.
MAX_OVERLAP, DEFAULT_OVERLAP = 30 * DAY, DAY
REPLAY = 10 * MINUTE
#: The origins of what commands on the server's machine hold while they run, and of what came from elsewhere.
LOCAL, IMPORTED = "local socket", "imported"
#: After so long without a use a credential is told to be idle, and by then an imported one should be rotated.
IDLE, IMPORT_LIFE = 90 * DAY, 30 * DAY
ID_WORDS = {
    CredentialKind.SECRET_KEY: "key",
    CredentialKind.PUBLISHABLE_KEY: "key",
    CredentialKind.PERSONAL: "pat",
    CredentialKind.ACCESS: "tok",
    CredentialKind.CLIENT: "cli",
    CredentialKind.NARROWED: "ntk",
    CredentialKind.AGENT: "agt",
}


class Ending(StrEnum):
    """Why a credential has ended before its time."""

    REVOKED = "revoked"
    ROTATED = "rotated"
    REUSED = "reused"
    EXPOSED = "exposed"


@dataclass(frozen=True, slots=True)
class Narrowing:
    """What a credential is narrowed to; a new one that narrows nothing lets it do all that its kind may.

    ``networks`` are the addresses and networks (CIDR) from which it may be used, any when there are none, and
    ``permissions`` all that it may do, whatever its kind may when there are none. ``bound_to`` is the thumbprint of the
    key whose holder alone may use it.
    """

    environment_id: str | None = None
    space_id: str | None = None
    workbook_id: str | None = None
    read_only: bool = False
    networks: tuple[str, ...] = ()
    sheet_id: str | None = None
    permissions: tuple[str, ...] = ()
    bound_to: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new credential shall be, or what one shall be from now on. ``operations`` are pairs of method and path."""

    name: str | None = None
    expires_at: int | None = None
    environment_id: str | None = None
    space_id: str | None = None
    workbook_id: str | None = None
    read_only: bool = False
    networks: list[str] = field(default_factory=list)
    operations: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Credential:
    """A stored credential; its token is not in it.

    ``user_id`` is whose it is: a user's, or an agent's.
    ``ended_by`` is who revoked or rotated it. ``replaced_by`` is what it was rotated to, at ``rotated_at``; until
    ``expires_at`` both are good. ``rotate_by`` is there for imported ones, which somebody else knows.
    """

    id: str
    kind: CredentialKind
    account_id: str
    name: str
    masked: str
    created_at: int
    updated_at: int
    environment_id: str | None = None
    user_id: str | None = None
    origin: str | None = None
    parent_id: str | None = None
    readable: str | None = None
    operations: list[dict[str, Any]] = field(default_factory=list)
    expires_at: int | None = None
    last_used_at: int | None = None
    deleted_at: int | None = None
    #: Of a publishable key: the origins of the pages that may use it, any when there are none.
    origins: list[str] = field(default_factory=list)
    created_by: str | None = None
    scope: Narrowing = field(default_factory=Narrowing)
    rotate_by: int | None = None
    rotated_at: int | None = None
    replaced_by: str | None = None
    ended_by: str | None = None
    ended_as: str | None = None


@dataclass(frozen=True, slots=True)
class CredentialFilter:
    """Which credentials of those that a caller reaches; None leaves a thing open.

    ``state`` is live, ended or all. ``made_before`` (milliseconds) asks for those to rotate: older ones, and imported
    ones whose time is over.
    """

    state: str = "live"
    kind: str | None = None
    environment_id: str | None = None
    idle_days: int | None = None
    expiring_days: int | None = None
    made_before: int | None = None


@dataclass(frozen=True, slots=True)
class Minted:
    """A new credential with its token, which is shown once and kept nowhere."""

    credential: Credential
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rotated:
    """What a rotation made. ``token`` is None when the rotation is repeated too late to be shown it again."""

    credential: Credential
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user with a new access token."""

    user: User
    access: Minted


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a known token is not accepted: ``why`` is what happened to it ("was revoked"), ``at`` when."""

    credential: Credential
    why: str
    at: int
