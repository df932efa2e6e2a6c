"""Credentials: everything a caller can prove who it is with."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from sheetport.features.users.model import User
from sheetport.kernel.clock import HOUR


class CredentialKind(StrEnum):
    SECRET_KEY = "secret_key"  # noqa: S105 - a kind, not a secret
    PUBLISHABLE_KEY = "publishable_key"
    PERSONAL = "personal"
    ACCESS = "access"
    CLIENT = "client"


#: How long a sign-in's access token lives.
ACCESS_LIFETIME = 24 * HOUR
ID_WORDS = {
    CredentialKind.SECRET_KEY: "key",
    CredentialKind.PUBLISHABLE_KEY: "key",
    CredentialKind.PERSONAL: "pat",
    CredentialKind.ACCESS: "tok",
    CredentialKind.CLIENT: "cli",
}


@dataclass(frozen=True, slots=True)
class Credential:
    """A stored credential; its token is not in it."""

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


@dataclass(frozen=True, slots=True)
class Minted:
    """A new credential with its token, which is shown once and kept nowhere."""

    credential: Credential
    token: str = field(repr=False)


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
