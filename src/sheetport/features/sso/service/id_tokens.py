"""Whether an ID token is what the provider says to this very sign-in (OpenID Connect Core 3.1.3.7).

A token names its key only by ``kid``: where else a key might lie (``jku``, ``x5u``, ``jwk``) is never followed.
"""

from __future__ import annotations

import hashlib
import hmac
import warnings
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from joserfc import jws, jwt
from joserfc.errors import JoseError, SecurityWarning
from joserfc.jwk import ECKey, OKPKey, RSAKey

from sheetport.features.sso.model import MAX_SUBJECT, Expected, Refused

#: Signature algorithms, and the hash that ``at_hash`` is made with. Never ``none``, and nothing that is keyed with what
#: both sides know.
ALGORITHMS = {"RS256": "sha256", "ES256": "sha256", "EdDSA": "sha512", "Ed25519": "sha512"}
_KEYS: dict[str, tuple[type[RSAKey] | type[ECKey] | type[OKPKey], str | None]] = {
    "RS256": (RSAKey, None),
    "ES256": (ECKey, "P-256"),
    "EdDSA": (OKPKey, "Ed25519"),
    "Ed25519": (OKPKey, "Ed25519"),
}
_KEY_TYPES = {"RS256": "RSA", "ES256": "EC", "EdDSA": "OKP", "Ed25519": "OKP"}
#: Two names of one thing: the older one, and that of RFC 9864.
_EDWARDS = ("EdDSA", "Ed25519")
#: Headers by which a token brings or names a key of its own, or asks for what is not understood.
_FOREIGN = ("jku", "jwk", "x5u", "crit", "b64")
_MIN_RSA_BITS = 2_048
MAX_TOKEN = 64 * 1024
#: How far the provider's clock may be off, and how old a fresh token may be, in seconds.
SKEW, MAX_AGE = 60, 600
#: What tells that a provider has asked for a second factor: RFC 8176, OpenID's EAP and PAPE, REFEDS.
MFA_METHOD = "mfa"
MFA_CLASSES = frozenset(
    {
        "phr",
        "phrh",
        "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
        "https://refeds.org/profile/mfa",
    }
)
_BAD = "What the identity provider has sent is not accepted: {}. Begin again; if it goes on, tell who runs it."


def refused(reason: str, what: str) -> Refused:
    """A refusal of something that the provider has sent."""
    return Refused(reason, _BAD.format(what))


def signs(keys: Sequence[Any], algorithm: str) -> bool:
    """Whether one of a provider's keys is for this algorithm."""
    return any(isinstance(each, dict) and _may_sign(each, algorithm, None) for each in keys)


def find_key(keys: Sequence[Any], token: str) -> Mapping[str, Any] | None:
    """The one key of a provider's list that may have signed a token; None when the list has none, or more than one."""
    algorithm, kid = _header_of(token)
    found = [each for each in keys if isinstance(each, dict) and _may_sign(each, algorithm, kid)]
    return found[0] if len(found) == 1 else None


def verify(token: str, key: Mapping[str, Any], expected: Expected) -> dict[str, Any]:
    """The claims of a token that ``key`` has signed, all checked. Raises Refused, saying what is wrong."""
    algorithm, _ = _header_of(token)
    try:
        registry = _Lenient(algorithms=[algorithm], strict_check_header=False)
        with warnings.catch_warnings():  # EdDSA is an old name that providers use; short keys are refused here
            warnings.simplefilter("ignore", SecurityWarning)
            made = _import(key, algorithm)
            claims = jwt.decode(token, made, algorithms=[algorithm], registry=registry).claims
    except (JoseError, ValueError, TypeError, KeyError):
        raise refused("signature", "its signature does not hold") from None
    _check_parties(claims, expected)
    _check_times(claims, expected.now)
    if not _same(claims.get("nonce"), expected.nonce):
        raise refused("nonce", "it answers another sign-in")
    if "at_hash" in claims and not _same(claims["at_hash"], _half_hash(expected.access_token, algorithm)):
        raise refused("at-hash", "its access token is another's")
    return claims


def has_mfa(claims: Mapping[str, Any]) -> bool:
    """Whether the provider says that a second factor was used."""
    methods = claims.get("amr")
    named = isinstance(methods, list) and MFA_METHOD in methods
    acr = claims.get("acr")
    return named or (isinstance(acr, str) and acr in MFA_CLASSES)


def authenticated_at(claims: Mapping[str, Any]) -> int | None:
    """When the person last proved themselves at the provider, in seconds; None where it does not say."""
    found = _seconds(claims.get("auth_time"))
    return None if found is None else int(found)


def _header_of(token: str) -> tuple[str, str | None]:
    """Algorithm and ``kid``. Raises Refused."""
    try:
        if len(token) > MAX_TOKEN or not token.isascii():
            raise ValueError
        header = jws.extract_compact(token.encode(), registry=_LENIENT).headers()
    except (JoseError, ValueError, TypeError, AttributeError):
        raise refused("token-unreadable", "it is no signed token") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise refused("algorithm", f"only signatures by {', '.join(ALGORITHMS)} are taken")
    if any(name in header for name in _FOREIGN):
        raise refused("foreign-key", "its header brings or names a key of its own")
    if kid is not None and not isinstance(kid, str):
        raise refused("token-unreadable", "it is no signed token")
    return algorithm, kid


def _may_sign(key: Mapping[str, Any], algorithm: str, kid: str | None) -> bool:
    return (
        key.get("kty") == _KEY_TYPES[algorithm]
        and key.get("use", "sig") == "sig"
        and (key.get("alg", algorithm) == algorithm or (key["alg"] in _EDWARDS and algorithm in _EDWARDS))
        and key.get("crv") == _KEYS[algorithm][1]
        and (kid is None or key.get("kid") == kid)
    )


def _import(key: Mapping[str, Any], algorithm: str) -> RSAKey | ECKey | OKPKey:
    """The public key; a private part that a provider should not have shown is left out. Raises ValueError."""
    public = {name: key[name] for name in ("kty", "crv", "n", "e", "x", "y") if name in key}
    made = _KEYS[algorithm][0].import_key(public)
    raw = made.public_key
    if isinstance(raw, RSAPublicKey) and raw.key_size < _MIN_RSA_BITS:
        raise ValueError
    return made


def _check_parties(claims: Mapping[str, Any], expected: Expected) -> None:
    if not _same(claims.get("iss"), expected.issuer):
        raise refused("issuer", "it is another issuer's")
    audience, azp = claims.get("aud"), claims.get("azp")
    audiences = audience if isinstance(audience, list) else [audience]
    if expected.client_id not in audiences:
        raise refused("audience", "it is meant for another client")
    if (len(audiences) > 1 or azp is not None) and azp != expected.client_id:
        raise refused("authorized-party", "it was given to another client")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= MAX_SUBJECT or not subject.isprintable():
        raise refused("subject", "it names nobody")


def _check_times(claims: Mapping[str, Any], now: int) -> None:
    expires, issued, begins = (_seconds(claims.get(name)) for name in ("exp", "iat", "nbf"))
    if expires is None or issued is None or (begins is None and "nbf" in claims):
        raise refused("time", "it does not say from when to when it holds")
    if expires <= now - SKEW:
        raise refused("expired", "it has expired; is the clock of both servers right?")
    if issued > now + SKEW or (begins or 0) > now + SKEW:
        raise refused("not-yet", "it is from the future; is the clock of both servers right?")
    if issued < now - MAX_AGE:
        raise refused("stale", "it is too old")


def _seconds(value: Any) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 2**53 else None


def _same(given: Any, wanted: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


def _half_hash(text: str, algorithm: str) -> str:
    """What ``at_hash`` is: the left half of the hash, as unpadded URL-safe base64."""
    digest = hashlib.new(ALGORITHMS[algorithm], text.encode()).digest()
    return urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")


class _Lenient(jws.JWSRegistry):
    """Takes longer headers than usual, which certificates in them make."""

    max_header_length = 16 * 1024


_LENIENT = _Lenient(strict_check_header=False)
