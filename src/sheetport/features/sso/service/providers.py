"""Talking to identity providers, through the guard of outbound calls: discovery, keys, codes and what they know of a
person. What discovery and keys say is kept for a while in this process.
"""

from __future__ import annotations

import time
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote_plus, urlencode

import msgspec

from sheetport.features.egress.service import Egress
from sheetport.features.sso.model import Connection, Endpoints, Expected, Person
from sheetport.features.sso.service import id_tokens
from sheetport.features.sso.service.id_tokens import refused
from sheetport.features.sso.service.rules import is_safe_url
from sheetport.kernel.errors import Unavailable
from sheetport.kernel.json import loads

_DISCOVERY = "/.well-known/openid-configuration"
#: How long what a provider says of itself holds, and how often its keys are asked for at most, in seconds.
KEPT_SECONDS, PATIENCE_SECONDS = 3_600.0, 60.0
_MOST_KEPT = 200
_CALL_SECONDS = 10.0
_MAX_CODE = 4_096
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}


@dataclass(slots=True)
class _Known:
    """What is known of a provider. ``read_at`` and ``keys_at`` are of this process's own clock."""

    endpoints: Endpoints
    read_at: float
    keys: list[Any] = field(default_factory=list)
    keys_at: float | None = None


class Providers:
    """The providers of all accounts, for one process."""

    def __init__(self, egress: Egress, now: Callable[[], float] = time.monotonic) -> None:
        self._egress = egress
        self._now = now
        self._known: dict[tuple[str, str], _Known] = {}

    async def endpoints(self, connection: Connection) -> Endpoints:
        """Where a provider is talked to. Raises Refused, EgressRefused, and Unavailable when it does not answer."""
        return (await self._find(connection)).endpoints

    def forget(self, connection: Connection) -> None:
        """Ask the provider anew the next time."""
        self._known.pop((connection.account_id, connection.issuer), None)

    async def read_keys(self, connection: Connection) -> list[Any]:
        """The keys of a provider, asked for now. Raises as :meth:`endpoints`."""
        known = await self._find(connection)
        answer = await self._get(connection, known.endpoints.jwks, "its keys")
        keys = answer.get("keys")
        if not isinstance(keys, list) or not keys:
            raise refused("keys", "it has no keys")
        known.keys, known.keys_at = keys, self._now()
        return keys

    async def redeem(
        self, connection: Connection, secret: str, fields: dict[str, str], expected: Callable[[str], Expected]
    ) -> tuple[dict[str, Any], str]:
        """The checked claims of the ID token for a code, and the access token with it. Raises as :meth:`endpoints`.

        ``expected`` gives what the ID token must say, from the access token.
        """
        endpoints = await self.endpoints(connection)
        if len(fields["code"]) > _MAX_CODE:
            raise refused("code", "its code is too long")
        answer = await self._post(connection, endpoints, secret, fields)
        token, access = answer.get("id_token"), answer.get("access_token")
        if not isinstance(token, str) or not isinstance(access, str):
            raise refused("no-token", "there is no ID token in it; does the client have the scope openid?")
        key = await self._key_of(connection, token)
        return id_tokens.verify(token, key, expected(access)), access

    async def find_userinfo(self, connection: Connection, subject: str, access_token: str) -> dict[str, Any]:
        """What the provider tells of a person beside the ID token; nothing where it has no such address."""
        endpoints = await self.endpoints(connection)
        if endpoints.userinfo is None:
            return {}
        headers = {"Authorization": f"Bearer {access_token}"} if access_token.isascii() else {}
        told = await self._get(connection, endpoints.userinfo, "who you are", headers)
        if told.get("sub") != subject:
            raise refused("userinfo-subject", "it speaks of somebody else")
        return told

    async def _key_of(self, connection: Connection, token: str) -> Any:
        """The key of a token. One that is not known has the keys read again, but not time and again."""
        known = await self._find(connection)
        key = id_tokens.find_key(known.keys, token)
        waited = known.keys_at is None or self._now() - known.keys_at >= PATIENCE_SECONDS
        if waited and (key is None or self._now() - (known.keys_at or 0.0) >= KEPT_SECONDS):
            key = id_tokens.find_key(await self.read_keys(connection), token)
        if key is None:
            raise refused("unknown-key", "it is signed with a key that the provider does not name")
        return key

    async def _find(self, connection: Connection) -> _Known:
        place = connection.account_id, connection.issuer
        known = self._known.get(place)
        if known is None or self._now() - known.read_at >= KEPT_SECONDS:
            if len(self._known) >= _MOST_KEPT:
                self._known.clear()
            url = connection.issuer.rstrip("/") + _DISCOVERY
            told = await self._get(connection, url, "its description")
            known = self._known[place] = _Known(_endpoints(connection.issuer, told), self._now())
        return known

    async def _get(
        self, connection: Connection, url: str, what: str, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        account_id = connection.account_id
        asked = {"Accept": "application/json", **(headers or {})}
        answer = await self._egress.call("GET", url, account_id=account_id, headers=asked, seconds=_CALL_SECONDS)
        if answer.status != 200:
            raise Unavailable(f"The identity provider answered {answer.status} when asked for {what}.", "sso")
        return _object(answer.body)

    async def _post(
        self, connection: Connection, endpoints: Endpoints, secret: str, fields: dict[str, str]
    ) -> dict[str, Any]:
        headers, body = dict(_FORM), {"grant_type": "authorization_code", **fields}
        if endpoints.client_auth == "client_secret_basic":
            pair = f"{quote_plus(connection.client_id)}:{quote_plus(secret)}"
            headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        else:
            body |= {"client_id": connection.client_id, "client_secret": secret}
        answer = await self._egress.call(
            "POST",
            endpoints.token,
            account_id=connection.account_id,
            headers=headers,
            content=urlencode(body).encode(),
            seconds=_CALL_SECONDS,
        )
        if answer.status >= 500:
            raise Unavailable(f"The identity provider answered {answer.status} to the code.", "sso")
        if answer.status != 200:
            raise refused("code", "it does not know the code, or not this client and its secret")
        return _object(answer.body)


def person_of(connection: Connection, claims: dict[str, Any], userinfo: dict[str, Any]) -> Person:
    """Who the claims speak of. An address counts only with ``email_verified`` beside it, and only if that is true."""
    source = claims if "email" in claims else userinfo
    email, name = source.get("email"), claims.get("name", userinfo.get("name"))
    is_verified = isinstance(email, str) and source.get("email_verified") is True
    shown = " ".join(name.split())[:255] if isinstance(name, str) else ""
    named = shown if shown.isprintable() and shown else None
    address = email if is_verified and isinstance(email, str) else None
    return Person(
        connection.issuer, claims["sub"], address, named, id_tokens.has_mfa(claims), id_tokens.authenticated_at(claims)
    )


def _object(body: bytes) -> dict[str, Any]:
    try:
        value = loads(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        value = None
    if not isinstance(value, dict):
        raise refused("not-json", "it is no JSON object")
    return value


def _endpoints(issuer: str, told: dict[str, Any]) -> Endpoints:
    """What discovery says, checked. Raises Refused."""
    if told.get("issuer") != issuer:
        raise refused("discovery-issuer", f"its description is of {str(told.get('issuer'))[:200]!r}, not of {issuer!r}")
    found: dict[str, str | None] = {}
    for name in ("authorization_endpoint", "token_endpoint", "jwks_uri", "userinfo_endpoint"):
        url = told.get(name)
        if url is None and name == "userinfo_endpoint":
            found[name] = None
        elif not isinstance(url, str) or not is_safe_url(url) or (url.startswith("http:") and issuer[:6] == "https:"):
            raise refused("discovery-endpoint", f"its {name} is no https:// address")
        else:
            found[name] = url
    methods = told.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    known = [each for each in ("client_secret_basic", "client_secret_post") if each in methods]
    if not known:
        raise refused("discovery-client-auth", "it takes neither client_secret_basic nor client_secret_post")
    if "S256" not in told.get("code_challenge_methods_supported", ["S256"]):
        raise refused("discovery-pkce", "it does not take PKCE with S256")
    return Endpoints(
        found["authorization_endpoint"] or "",
        found["token_endpoint"] or "",
        found["jwks_uri"] or "",
        found["userinfo_endpoint"],
        known[0],
        told.get("authorization_response_iss_parameter_supported") is True,
    )
