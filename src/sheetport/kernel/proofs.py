"""Proofs that a caller holds a private key, made for one request (DPoP, RFC 9449).

Only what a proof says by itself is judged here. Whether it was used before is for whoever has a database.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey
from joserfc.jws import CompactSignature, JWSRegistry

from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import Unauthenticated

TYPE = "dpop+jwt"
#: By algorithm: what the key has to be, and the members that it is made of.
_KEYS = {"ES256": ("EC", "P-256", ("x", "y")), "EdDSA": ("OKP", "Ed25519", ("x",))}
ALGORITHMS = tuple(_KEYS)
#: What a proof's header may hold: a key that lies elsewhere (jku, x5u) is not fetched, an extension (crit) not known.
_HEADER = {"typ", "alg", "jwk", "kid"}
_PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}
MAX_PROOF, MAX_ID = 4_096, 256
#: How far the time of a proof may be from ours, in either direction: milliseconds.
WINDOW = 60 * SECOND
_PORTS = {"https": 443, "http": 80}


class ProofRefused(Unauthenticated):
    """A proof that does not hold, or none where a token needs one (401)."""

    challenge = f'DPoP realm="sheetport", error="invalid_dpop_proof", algs="{" ".join(ALGORITHMS)}"'

    def __init__(self, message: str) -> None:
        super().__init__(message, "DPoP")


class BoundToken(ProofRefused):
    """A token that is bound to a key, sent as if it were not (401)."""

    challenge = f'DPoP realm="sheetport", error="invalid_token", algs="{" ".join(ALGORITHMS)}"'


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that holds for a request. ``key`` is the thumbprint of its key (RFC 7638), ``id`` names the proof among
    those of its key, and after ``ends_at`` (milliseconds) it is refused for its age."""

    key: str
    id: str
    ends_at: int


class _Registry(JWSRegistry):
    """The library warns of the name EdDSA, which left the curve open; here the key's curve is checked."""

    def get_alg(self, name: str) -> Any:
        return self.algorithms[name]


_registry = _Registry(algorithms=list(ALGORITHMS))


def read_proof(text: str, method: str, url: str, now: int, token: str | None = None) -> Proof:
    """The proof for a request of ``method`` on ``url`` (without its query), with ``token`` if it carries one.

    Raises ProofRefused.
    """
    if len(text) > MAX_PROOF:
        raise ProofRefused("The DPoP proof is too long.")
    try:
        signed = jws.extract_compact(text.encode(), registry=_registry)
        key = _key(signed)
        if not jws.validate_compact(signed, key, list(ALGORITHMS), _registry):
            raise ProofRefused("The signature of the DPoP proof is not that of its key.")
        claims = json.loads(signed.payload)
    except (JoseError, ValueError, TypeError, RecursionError):
        raise ProofRefused(
            f"The DPoP proof must be a JWT of type {TYPE}, signed by {' or '.join(ALGORITHMS)}."
        ) from None
    if not isinstance(claims, dict):
        raise ProofRefused("The claims of the DPoP proof must be an object.")
    _check_request(claims, method, url, token)
    return Proof(key.thumbprint(), _id(claims), _time(claims, now) + WINDOW)


def _key(signed: CompactSignature) -> ECKey | OKPKey:
    """The public key in a proof's header, which is what it may be. Raises ProofRefused, and what the library does."""
    header = signed.headers()
    if not set(header) <= _HEADER:
        raise ProofRefused("The header of a DPoP proof holds typ, alg and jwk only.")
    if header.get("typ") != TYPE:
        raise ProofRefused(f"The typ of a DPoP proof is {TYPE}.")
    alg, jwk = header.get("alg"), header.get("jwk")
    if not isinstance(alg, str) or alg not in _KEYS:
        raise ProofRefused(f"The alg of a DPoP proof is {' or '.join(ALGORITHMS)}.")
    kind, curve, members = _KEYS[alg]
    if not isinstance(jwk, dict) or (jwk.get("kty"), jwk.get("crv")) != (kind, curve):
        raise ProofRefused(f"The jwk of a DPoP proof by {alg} is a public key of kty {kind} and crv {curve}.")
    if _PRIVATE & set(jwk):
        raise ProofRefused(
            "The jwk of a DPoP proof holds a private key; make a new key, and send its public part only."
        )
    public: dict[str, Any] = {"kty": kind, "crv": curve, **{name: jwk.get(name) for name in members}}
    return ECKey.import_key(public) if kind == "EC" else OKPKey.import_key(public)


def _check_request(claims: dict[str, Any], method: str, url: str, token: str | None) -> None:
    if claims.get("htm") != method:
        raise ProofRefused(f"The htm of this DPoP proof must be {method}.")
    address = claims.get("htu")
    if not isinstance(address, str) or _plain(address) != _plain(url):
        raise ProofRefused(f"The htu of this DPoP proof must be {url[:300]}, by the issuer of this server's metadata.")
    if token is not None:
        wanted = urlsafe_b64encode(hashlib.sha256(token.encode()).digest()).rstrip(b"=")
        given = claims.get("ath")
        if not isinstance(given, str) or not hmac.compare_digest(given.encode("utf-8", "replace"), wanted):
            raise ProofRefused("The ath of this DPoP proof must be the SHA-256 of the token, as base64url.")


def _plain(url: str) -> tuple[str, str | None, int | None, str] | None:
    """What of an address counts: neither query nor fragment, and one spelling of the rest."""
    try:
        found = urlsplit(url)
        port = found.port or _PORTS.get(found.scheme)
    except ValueError:
        return None
    return found.scheme, found.hostname, port, unquote(found.path).rstrip("/")


def _id(claims: dict[str, Any]) -> str:
    given = claims.get("jti")
    if not isinstance(given, str) or not given.isascii() or not 1 <= len(given) <= MAX_ID:
        raise ProofRefused(f"The jti of a DPoP proof is a text of its own, of 1 to {MAX_ID} ASCII characters.")
    return given


def _time(claims: dict[str, Any], now: int) -> int:
    """When the proof was made, milliseconds."""
    given = claims.get("iat")
    if isinstance(given, bool) or not isinstance(given, int | float) or not abs(given * SECOND - now) <= WINDOW:
        raise ProofRefused(
            f"The iat of this DPoP proof is more than {WINDOW // SECOND} seconds from this server's time,"
            f" which is {now // SECOND}."
        )
    return int(given * SECOND)
