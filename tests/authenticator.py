"""A passkey in software: what a browser and its authenticator answer, as far as this server can tell."""

from __future__ import annotations

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

_PRESENT_VERIFIED, _WITH_CREDENTIAL = 0x05, 0x40


@dataclass
class SoftPasskey:
    """One credential. Its public members may be changed, to be a bad one."""

    rp_id: str = "sheetport.test"
    origin: str = "http://sheetport.test"
    sign_count: int = 1
    flags: int = _PRESENT_VERIFIED
    credential: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    user_handle: str = ""
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def register(self, options: Any) -> dict[str, Any]:
        """The answer to registration options."""
        self.user_handle = options["user"]["id"]
        numbers = self.key.public_key().public_numbers()
        x, y = (each.to_bytes(32, "big") for each in (numbers.x, numbers.y))
        named = len(self.credential).to_bytes(2, "big") + self.credential
        data = self._data(_WITH_CREDENTIAL) + bytes(16) + named + cbor2.dumps({1: 2, 3: -7, -1: 1, -2: x, -3: y})
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client("webauthn.create", options["challenge"])
        return self._answer({"clientDataJSON": _text(client), "attestationObject": _text(attestation)})

    def sign(self, options: Any) -> dict[str, Any]:
        """The answer to options of a sign-in."""
        self.sign_count += 1
        data, client = self._data(), self._client("webauthn.get", options["challenge"])
        signature = self.key.sign(data + hashlib.sha256(client).digest(), ec.ECDSA(SHA256()))
        parts = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._answer({name: _text(part) for name, part in parts.items()} | {"userHandle": self.user_handle})

    def _data(self, flags: int = 0) -> bytes:
        counted = self.sign_count.to_bytes(4, "big")
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([self.flags | flags]) + counted

    def _client(self, kind: str, challenge: str) -> bytes:
        return json.dumps({"type": kind, "challenge": challenge, "origin": self.origin}).encode()

    def _answer(self, response: dict[str, Any]) -> dict[str, Any]:
        name = _text(self.credential)
        return {"id": name, "rawId": name, "type": "public-key", "response": response, "clientExtensionResults": {}}


def _text(raw: bytes) -> str:
    return urlsafe_b64encode(raw).decode().rstrip("=")


def raw(text: str) -> bytes:
    """The bytes of a base64url text."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
