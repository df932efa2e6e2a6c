"""Wire shapes of sign-in, keys and tokens. The reprs of those that hold a secret show nothing of it."""

from __future__ import annotations

from typing import Any, Literal

from sheetport.features.auth.model import ACCESS_LIFETIME, Credential, CredentialKind, Minted, Rotated, SignedIn
from sheetport.features.auth.schemas.credentials import NewUserCredential, Operation
from sheetport.http.wire import Wire
from sheetport.kernel.clock import SECOND, iso, iso_or_none
from sheetport.kernel.errors import Invalid

ApiKeyType = Literal["PUBLISHABLE", "SECRET"]
_KIND_OF: dict[str, CredentialKind] = {
    "SECRET": CredentialKind.SECRET_KEY,
    "PUBLISHABLE": CredentialKind.PUBLISHABLE_KEY,
}
_TYPE_OF: dict[CredentialKind, ApiKeyType] = {
    CredentialKind.SECRET_KEY: "SECRET",
    CredentialKind.PUBLISHABLE_KEY: "PUBLISHABLE",
}
#: The API's two pairs of credentials, each by the ``type`` that may name it.
_PAIRS = {"userCredentials": ("email", "password"), "apiCredentials": ("clientId", "secret")}


class _Hidden(Wire):
    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class Credentials(_Hidden):
    """One of the two pairs; ``type`` is optional."""

    type: str | None = None
    email: str | None = None
    password: str | None = None
    client_id: str | None = None
    secret: str | None = None


class AccessToken(_Hidden):
    """``expires_in``: seconds, as text. ``expires``: ISO 8601."""

    access_token: str
    expires_in: str
    expires: str
    email: str | None = None
    user_id: str | None = None
    account_id: str | None = None


class ApiKey(_Hidden):
    """``raw_key``: of a publishable key always, of a secret key only in the answer that creates it."""

    id: str
    type: ApiKeyType
    operations: list[Operation]
    created_at: str
    updated_at: str | None = None
    deleted_at: str | None = None
    raw_key: str | None = None
    environment_id: str | None = None
    account_id: str | None = None
    name: str | None = None
    last_used_at: str | None = None
    expires_at: str | None = None


class CreatePersonalAccessToken(NewUserCredential, kw_only=True):
    name: str


class PersonalAccessToken(Wire):
    id: str
    name: str
    created_at: str
    last_used_at: str | None = None
    expires_at: str | None = None


class CreatedPersonalAccessToken(_Hidden):
    token: str
    personal_access_token: PersonalAccessToken


class RotatedPersonalAccessToken(_Hidden):
    """``token`` is left out when a rotation is repeated more than ten minutes after it."""

    personal_access_token: PersonalAccessToken
    token: str | None = None


class ApiToken(_Hidden):
    """``secret``: only in the answer that creates it."""

    client_id: str
    description: str
    metadata: dict[str, Any]
    created_at: str
    secret: str | None = None
    expires_at: str | None = None


def kind_of(key_type: str) -> CredentialKind:
    """The kind of an API key type. Raises Invalid."""
    if key_type not in _KIND_OF:
        raise Invalid(f"type must be {' or '.join(_KIND_OF)}.", "type")
    return _KIND_OF[key_type]


def pair_of(credentials: Credentials) -> tuple[bool, str, str]:
    """(whether it is a user's pair, name, secret). Raises Invalid naming every member that is missing."""
    given = {
        "email": credentials.email,
        "password": credentials.password,
        "clientId": credentials.client_id,
        "secret": credentials.secret,
    }
    kind = credentials.type or _likely(given)
    if kind not in _PAIRS:
        raise Invalid(f"type must be {' or '.join(_PAIRS)}, or be left out.", "type")
    missing = [name for name in _PAIRS[kind] if given[name] is None]
    if missing:
        advice = "Send 'email' and 'password', or 'clientId' and 'secret'"
        (first, *more) = [(f"{name} is missing. {advice}.", name) for name in missing]
        raise Invalid(*first, tuple((name, message) for message, name in more))
    name, secret = (given[each] or "" for each in _PAIRS[kind])
    return kind == "userCredentials", name, secret


def _likely(given: dict[str, str | None]) -> str:
    """The pair that an untyped body means: a client's if it begins one, else a user's."""
    begun = given["email"] is None and given["password"] is None
    return "apiCredentials" if begun and (given["clientId"], given["secret"]) != (None, None) else "userCredentials"


def to_access_token(signed_in: SignedIn) -> AccessToken:
    credential = signed_in.access.credential
    expires_at = credential.expires_at or credential.created_at + ACCESS_LIFETIME
    return AccessToken(
        access_token=signed_in.access.token,
        expires_in=str((expires_at - credential.created_at) // SECOND),
        expires=iso(expires_at),
        email=signed_in.user.email,
        user_id=signed_in.user.id,
        account_id=signed_in.user.account_id,
    )


def to_api_key(credential: Credential, fresh: Minted | Rotated | None = None) -> ApiKey:
    """A key; with its token if it is public, or if it is the fresh one."""
    is_fresh = fresh is not None and fresh.credential.id == credential.id
    return ApiKey(
        id=credential.id,
        type=_TYPE_OF[credential.kind],
        operations=[Operation(**operation) for operation in credential.operations],
        created_at=iso(credential.created_at),
        updated_at=iso(credential.updated_at),
        raw_key=fresh.token if is_fresh and fresh else credential.readable,
        environment_id=credential.environment_id,
        account_id=credential.account_id,
        name=credential.name,
        last_used_at=iso_or_none(credential.last_used_at),
        expires_at=iso_or_none(credential.expires_at),
    )


def to_personal_access_token(credential: Credential) -> PersonalAccessToken:
    return PersonalAccessToken(
        id=credential.id,
        name=credential.name,
        created_at=iso(credential.created_at),
        last_used_at=iso_or_none(credential.last_used_at),
        expires_at=iso_or_none(credential.expires_at),
    )


def to_api_token(credential: Credential, secret: str | None = None) -> ApiToken:
    return ApiToken(
        client_id=credential.id,
        description=credential.name,
        metadata={},
        created_at=iso(credential.created_at),
        secret=secret,
        expires_at=iso_or_none(credential.expires_at),
    )
