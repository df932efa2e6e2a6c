"""Wire shapes of the standards: snake_case, without an envelope, as their clients read them."""

from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import msgspec

from sheetport.features.oauth.model import (
    ACCESS_TOKEN,
    DEFAULT_LIFETIME,
    DEVICE_CODE,
    DEVICE_LIFETIME,
    MAX_LIFETIME,
    MIN_LIFETIME,
    POLL_SECONDS,
    TOKEN_EXCHANGE,
    Asked,
    Exchange,
    Exchanged,
    OAuthError,
    Told,
)
from sheetport.kernel.clock import SECOND
from sheetport.kernel.json import loads
from sheetport.kernel.permissions import Permission
from sheetport.kernel.proofs import ALGORITHMS

MAX_BODY, MAX_FIELDS = 64 * 1024, 50
FORM = "application/x-www-form-urlencoded"


class TokenReply(msgspec.Struct):
    """``expires_in``: seconds. ``scope``: all that the token may do, separated by spaces."""

    access_token: str
    issued_token_type: str
    token_type: str
    expires_in: int
    scope: str

    def __repr__(self) -> str:
        return "TokenReply()"


class DeviceAuthorization(msgspec.Struct):
    """RFC 8628: what a program shows its user, and with what it asks for its token. ``expires_in``, ``interval``:
    seconds."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int

    def __repr__(self) -> str:
        return "DeviceAuthorization()"


class Confirmation(msgspec.Struct):
    """``jkt``: the thumbprint (RFC 7638) of the key that a token is bound to."""

    jkt: str


class Introspection(msgspec.Struct, omit_defaults=True):
    """What a token is. ``exp``: seconds since 1970; ``aud``: the id of the narrowest thing it is limited to."""

    active: bool
    scope: str | None = None
    sub: str | None = None
    jti: str | None = None
    token_type: str | None = None
    exp: int | None = None
    aud: str | None = None
    iss: str | None = None
    cnf: Confirmation | None = None


class Revocation(msgspec.Struct):
    """The same whether the token was known or not."""

    success: bool


class Metadata(msgspec.Struct):
    """RFC 8414: where what is, and what it takes."""

    issuer: str
    token_endpoint: str
    revocation_endpoint: str
    introspection_endpoint: str
    device_authorization_endpoint: str
    grant_types_supported: list[str]
    response_types_supported: list[str]
    token_endpoint_auth_methods_supported: list[str]
    revocation_endpoint_auth_methods_supported: list[str]
    introspection_endpoint_auth_methods_supported: list[str]
    dpop_signing_alg_values_supported: list[str]
    scopes_supported: list[str]
    service_documentation: str


def parse_form(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a form, or the members of a JSON object of texts. Raises OAuthError."""
    if len(body) > MAX_BODY:
        raise OAuthError("invalid_request", "The body is too long.", "body")
    try:
        if content_type.partition(";")[0].strip().lower() == "application/json":
            return msgspec.convert(loads(body), dict[str, str])
        pairs = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=MAX_FIELDS)
    except (ValueError, msgspec.ValidationError):
        raise OAuthError(
            "invalid_request", f"Send the fields as {FORM}, or as one JSON object of texts.", "body"
        ) from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        twice = next(name for name, _ in pairs if sum(name == each for each, _ in pairs) > 1)
        raise OAuthError("invalid_request", f"{twice[:60]} is there more than once.", twice[:60])
    return {name: value for name, value in fields.items() if value}  # an empty field is as good as none


def required(fields: dict[str, str], name: str) -> str:
    """Raises OAuthError."""
    if name not in fields:
        raise OAuthError("invalid_request", f"{name} is required.", name)
    return fields[name]


def parse_exchange(fields: dict[str, str]) -> tuple[str, Exchange]:
    """(subject token, what is wanted). Raises OAuthError."""
    if required(fields, "grant_type") != TOKEN_EXCHANGE:
        message = f"grant_type takes {TOKEN_EXCHANGE} or {DEVICE_CODE}."
        raise OAuthError("unsupported_grant_type", message, "grant_type")
    for name in ("subject_token_type", "requested_token_type"):
        if (name != "requested_token_type" or name in fields) and required(fields, name) != ACCESS_TOKEN:
            raise OAuthError("invalid_request", f"{name} takes {ACCESS_TOKEN}.", name)
    if "actor_token" in fields:
        raise OAuthError(
            "invalid_request", "actor_token is not taken: a token acts as its subject only.", "actor_token"
        )
    return required(fields, "subject_token"), Exchange(
        _target(fields), tuple(fields.get("scope", "").split()), _lifetime(fields.get("expires_in"))
    )


def _target(fields: dict[str, str]) -> str | None:
    """The id of ``audience``, or that at the end of the address ``resource``."""
    audience, resource = fields.get("audience"), fields.get("resource")
    if audience is not None and resource is not None:
        raise OAuthError("invalid_request", "Give audience or resource, not both.", "resource")
    if resource is None:
        return audience
    return urlsplit(resource).path.rstrip("/").rpartition("/")[2] or resource


def _lifetime(text: str | None) -> int:
    if text is None:
        return DEFAULT_LIFETIME
    seconds = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    if not MIN_LIFETIME <= seconds <= MAX_LIFETIME:
        message = f"expires_in must be {MIN_LIFETIME} to {MAX_LIFETIME} seconds."
        raise OAuthError("invalid_request", message, "expires_in")
    return seconds


def to_token_reply(exchanged: Exchanged, now: int) -> TokenReply:
    seconds = max(0, (exchanged.expires_at - now) // SECOND)
    kind = _type(exchanged.minted.credential.scope.bound_to)
    return TokenReply(exchanged.minted.token, ACCESS_TOKEN, kind, seconds, " ".join(exchanged.permissions))


def to_device_authorization(asked: Asked, base_url: str) -> DeviceAuthorization:
    half = len(asked.user_code) // 2
    shown = f"{asked.user_code[:half]}-{asked.user_code[half:]}"
    page = f"{base_url}/device"
    return DeviceAuthorization(
        asked.device_code, shown, page, f"{page}?user_code={shown}", DEVICE_LIFETIME, POLL_SECONDS
    )


def _type(bound_to: str | None) -> str:
    return "Bearer" if bound_to is None else "DPoP"


def to_introspection(told: Told | None, issuer: str) -> Introspection:
    if told is None:
        return Introspection(active=False)
    return Introspection(
        active=True,
        scope=" ".join(told.permissions),
        sub=told.subject,
        jti=told.token_id,
        token_type=_type(told.bound_to),
        exp=None if told.expires_at is None else told.expires_at // SECOND,
        aud=told.target,
        iss=issuer,
        cnf=None if told.bound_to is None else Confirmation(told.bound_to),
    )


def to_metadata(base_url: str) -> Metadata:
    return Metadata(
        issuer=base_url,
        token_endpoint=f"{base_url}/v1/oauth/token",
        revocation_endpoint=f"{base_url}/v1/oauth/revoke",
        introspection_endpoint=f"{base_url}/v1/oauth/introspect",
        device_authorization_endpoint=f"{base_url}/v1/oauth/device_authorization",
        grant_types_supported=[TOKEN_EXCHANGE, DEVICE_CODE],
        response_types_supported=[],
        token_endpoint_auth_methods_supported=["none"],
        revocation_endpoint_auth_methods_supported=["none"],
        introspection_endpoint_auth_methods_supported=["bearer"],
        dpop_signing_alg_values_supported=list(ALGORITHMS),
        scopes_supported=[permission.value for permission in Permission],
        service_documentation=f"{base_url}/reference",
    )
