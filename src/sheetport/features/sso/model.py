"""An account's identity provider, and what it says of a person."""

from __future__ import annotations

from dataclasses import dataclass, field

from sheetport.kernel.crypto import Sealed
from sheetport.kernel.errors import Invalid
from sheetport.kernel.permissions import BuiltInRole

MAX_NAME = 60
MAX_ISSUER = 500
MAX_CLIENT_ID = 300
MAX_SECRET = 1_000
MAX_DOMAINS = 50
#: What OpenID Connect allows for the name of a person at an issuer.
MAX_SUBJECT = 255
#: The roles that a user who is made at the first sign-in may have: nobody becomes an Administrator unseen.
NEW_USER_ROLES = (BuiltInRole.ADMIN, BuiltInRole.USER, BuiltInRole.GUEST)


class Refused(Invalid):
    """An answer of a provider, or what came with it, that is not believed. ``reason`` is what the audit log says."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message, "sso")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Connection:
    """An account's identity provider.

    ``domains`` are those of addresses that may be linked, ``new_users`` the role of users made at their first sign-in
    (None: none are made). ``trusts_mfa``: a second factor that the provider vouches for is enough. ``only_sso``: the
    account's users sign in no other way.
    """

    id: str
    account_id: str
    name: str
    issuer: str
    client_id: str
    sealed: Sealed = field(repr=False)
    domains: tuple[str, ...]
    new_users: BuiltInRole | None
    trusts_mfa: bool
    only_sso: bool
    created_at: int
    updated_at: int


@dataclass(frozen=True, slots=True)
class Change:
    """What is asked of a connection; what is None stays as it is. ``new_users`` is a role's name, "" for none."""

    name: str | None = None
    issuer: str | None = None
    client_id: str | None = None
    client_secret: str | None = field(default=None, repr=False)
    domains: tuple[str, ...] | None = None
    new_users: str | None = None
    trusts_mfa: bool | None = None
    only_sso: bool | None = None


@dataclass(frozen=True, slots=True)
class Endpoints:
    """What discovery says of a provider: addresses, and how a client proves itself there."""

    authorization: str
    token: str
    jwks: str
    userinfo: str | None
    #: "client_secret_basic" or "client_secret_post".
    client_auth: str
    #: Whether every answer at the redirect address names its issuer (RFC 9207).
    names_issuer: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """What an ID token must say to be the answer to this very sign-in. ``now`` in seconds."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)
    now: int


@dataclass(frozen=True, slots=True)
class Person:
    """Who has signed in at the provider. ``email`` is None unless the provider has verified it."""

    issuer: str
    subject: str
    email: str | None
    name: str | None
    #: Whether the provider says that a second factor was used.
    has_mfa: bool
    #: When they last proved themselves there, in seconds; None where it does not say.
    authenticated_at: int | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at in a provider. ``found`` says what is wrong, or what was found."""

    name: str
    ok: bool
    found: str
