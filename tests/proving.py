"""A client that holds a key and proves it: DPoP proofs as the standard wants them, and bent ones."""

from __future__ import annotations

import hashlib
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

_numbers = count()


def base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).decode().rstrip("=")


@dataclass
class Prover:
    """Made without the library that the server reads proofs with, so that both have to understand the standard."""

    alg: str = "ES256"
    key: Any = field(init=False)

    def __post_init__(self) -> None:
        is_ec = self.alg == "ES256"
        self.key = ec.generate_private_key(ec.SECP256R1()) if is_ec else ed25519.Ed25519PrivateKey.generate()

    @property
    def jwk(self) -> dict[str, str]:
        public = self.key.public_key()
        if self.alg == "ES256":
            point = public.public_numbers()
            x, y = (base64url(each.to_bytes(32, "big")) for each in (point.x, point.y))
            return {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        return {"kty": "OKP", "crv": "Ed25519", "x": base64url(public.public_bytes_raw())}

    @property
    def thumbprint(self) -> str:
        text = json.dumps(self.jwk, sort_keys=True, separators=(",", ":"))
        return base64url(hashlib.sha256(text.encode()).digest())

    def prove(self, method: str, url: str, now: int, token: str | None = None, **changes: Any) -> str:
        """A proof at ``now`` (milliseconds). ``changes`` replace claims; ``header`` replaces members of the header."""
        header = {"typ": "dpop+jwt", "alg": self.alg, "jwk": self.jwk} | changes.pop("header", {})
        claims: dict[str, Any] = {"htm": method, "htu": url, "iat": now // 1000, "jti": f"proof {next(_numbers)}"}
        if token is not None:
            claims["ath"] = base64url(hashlib.sha256(token.encode()).digest())
        return self.sign(header, claims | changes)

    def sign(self, header: Any, claims: Any) -> str:
        """Whatever is to be signed, signed rightly."""
        body = ".".join(base64url(json.dumps(part).encode()) for part in (header, claims))
        if self.alg == "ES256":
            r, s = decode_dss_signature(self.key.sign(body.encode(), ec.ECDSA(hashes.SHA256())))
            signature = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        else:
            signature = self.key.sign(body.encode())
        return f"{body}.{base64url(signature)}"
