"""Wire shapes of credentials of every kind: what they are, may do and were, and what they shall be."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from sheetport.features.auth.model import Credential, CredentialKind, Wanted
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none, parse_iso
from sheetport.kernel.errors import Invalid

_KINDS = {"SECRET": CredentialKind.SECRET_KEY, "PUBLISHABLE": CredentialKind.PUBLISHABLE_KEY}
_KINDS |= {"PERSONAL": CredentialKind.PERSONAL}


class Operation(Wire):
    """``path`` as this reference writes it, with ``/*`` at its end for all that follows; ``method`` may be ``*``."""

    method: str
    path: str


class NewCredential(Wire):
    """What a new key, token or client credential is narrowed to; what is left out narrows nothing.

    ``expiresAt`` is ISO 8601. ``networks`` are addresses and networks (CIDR).
    """

    name: str | None = None
    expires_at: str | None = None
    space_id: str | None = None
    workbook_id: str | None = None
    read_only: bool = False
    networks: list[str] = msgspec.field(default_factory=list)
    operations: list[Operation] = msgspec.field(default_factory=list)


class NewUserCredential(NewCredential):
    """A user's may be narrowed to one environment, too."""

    environment_id: str | None = None


class CredentialChange(Wire):
    """What is left out stays as it is; null takes a narrowing away, and ``expiresAt`` null the end."""

    name: str | UnsetType = UNSET
    expires_at: str | UnsetType | None = UNSET
    environment_id: str | UnsetType | None = UNSET
    space_id: str | UnsetType | None = UNSET
    workbook_id: str | UnsetType | None = UNSET
    read_only: bool | UnsetType = UNSET
    networks: list[str] | UnsetType = UNSET
    operations: list[Operation] | UnsetType = UNSET


class ImportedToken(Wire):
    """``type`` is SECRET, PUBLISHABLE or PERSONAL, and may be left out for a token that begins with sk_, pk_ or pat_.

    ``rotateBy`` is ISO 8601.
    """

    token: str
    type: str | None = None
    environment_id: str | None = None
    name: str | None = None
    rotate_by: str | None = None

    def __repr__(self) -> str:
        return "ImportedToken()"


class KeyPolicy(Wire, omit_defaults=False):
    """``maxAgeDays``: how old keys may become; 0 is any age, null the server's setting."""

    max_age_days: int | None


class CredentialShape(Wire):
    """A credential of any kind. Its token is not in it: ``masked`` shows how that begins and ends.

    ``state`` is live, rotating (it has a successor, ``replacedBy``, and is good until ``expiresAt``), expired, revoked,
    rotated, reused (ended since an older one of its line was used) or exposed. ``endedBy`` is who ended or rotated it,
    ``createdBy`` who made it. ``rotateBy`` is there for an imported one: its old keeper knows it.
    """

    id: str
    kind: str
    name: str
    masked: str
    state: str
    created_at: str
    read_only: bool
    operations: list[Operation]
    networks: list[str]
    created_by: str | None = None
    last_used_at: str | None = None
    expires_at: str | None = None
    environment_id: str | None = None
    space_id: str | None = None
    workbook_id: str | None = None
    user_id: str | None = None
    origin: str | None = None
    rotate_by: str | None = None
    rotated_at: str | None = None
    replaced_by: str | None = None
    ended_at: str | None = None
    ended_by: str | None = None


def to_wanted(given: NewCredential | None) -> Wanted:
    """Raises Invalid."""
    given = given or NewCredential()
    named = msgspec.structs.asdict(given)
    named["expires_at"] = time_of(given.expires_at, "expiresAt")
    named["operations"] = [(each.method, each.path) for each in given.operations]
    return Wanted(**named)


def to_change(given: CredentialChange) -> tuple[Wanted, frozenset[str]]:
    """What a credential shall be, and which members of that were given. Raises Invalid."""
    named: dict[str, Any] = {name: value for name, value in msgspec.structs.asdict(given).items() if value is not UNSET}
    if "expires_at" in named:
        named["expires_at"] = time_of(named["expires_at"], "expiresAt")
    if "operations" in named:
        named["operations"] = [(each.method, each.path) for each in named["operations"]]
    return Wanted(**named), frozenset(named)


def imported_kind(word: str | None) -> CredentialKind | None:
    """Raises Invalid."""
    if word is not None and word not in _KINDS:
        raise Invalid(f"type must be {', '.join(_KINDS)}, or be left out.", "type")
    return None if word is None else _KINDS[word]


def time_of(text: str | None, name: str) -> int | None:
    """Milliseconds. Raises Invalid."""
    if text is None:
        return None
    try:
        return parse_iso(text)
    except (ValueError, OverflowError):
        raise Invalid(f"{name} must be a time such as 2026-01-31T09:30:00Z.", name) from None


def to_credential(credential: Credential, now: int) -> CredentialShape:
    ended = _ended_at(credential, now)
    return CredentialShape(
        id=credential.id,
        kind=credential.kind.value,
        name=credential.name,
        masked=credential.masked,
        state=_state(credential, ended),
        created_at=iso(credential.created_at),
        read_only=credential.scope.read_only,
        operations=[Operation(**each) for each in credential.operations],
        networks=list(credential.scope.networks),
        created_by=credential.created_by,
        last_used_at=iso_or_none(credential.last_used_at),
        expires_at=iso_or_none(credential.expires_at),
        environment_id=credential.environment_id or credential.scope.environment_id,
        space_id=credential.scope.space_id,
        workbook_id=credential.scope.workbook_id,
        user_id=credential.user_id,
        origin=credential.origin,
        rotate_by=iso_or_none(credential.rotate_by),
        rotated_at=iso_or_none(credential.rotated_at),
        replaced_by=credential.replaced_by,
        ended_at=iso_or_none(ended),
        ended_by=credential.ended_by,
    )


def _ended_at(credential: Credential, now: int) -> int | None:
    expired = credential.expires_at if credential.expires_at is not None and credential.expires_at <= now else None
    ends = [end for end in (credential.deleted_at, expired) if end is not None]
    return min(ends) if ends else None


def _state(credential: Credential, ended: int | None) -> str:
    if ended is None:
        return "rotating" if credential.replaced_by else "live"
    if credential.ended_as:
        return credential.ended_as
    return "expired" if credential.deleted_at is None else "revoked"
