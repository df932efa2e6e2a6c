"""Signatures by Standard Webhooks 1.0.0: ``v1`` by a shared secret, ``v1a`` by Ed25519.

A key is 64 random bytes: the first half is the secret (``whsec_…``), the second the seed of a key pair, whose public
half (``whpk_…``) is for everybody.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from functools import cached_property

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_HALF = 32
SECRET_PREFIX = "whsec_"  # noqa: S105 - what a secret begins with
PUBLIC_PREFIX = "whpk_"


@dataclass(frozen=True)
class SigningKey:
    """What signs the messages of one webhook. Its repr does not show it."""

    raw: bytes = field(repr=False)

    @classmethod
    def generate(cls) -> SigningKey:
        return cls(secrets.token_bytes(2 * _HALF))

    @property
    def secret(self) -> str:
        """The shared secret as receivers are given it."""
        return SECRET_PREFIX + base64.b64encode(self.raw[:_HALF]).decode()

    @cached_property
    def _pair(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(self.raw[_HALF:])

    @cached_property
    def public_key(self) -> str:
        """The public key of the ``v1a`` signatures."""
        return PUBLIC_PREFIX + base64.b64encode(self._pair.public_key().public_bytes_raw()).decode()

    def sign(self, message: bytes) -> str:
        """Both signatures, with a space between."""
        shared = hmac.digest(self.raw[:_HALF], message, hashlib.sha256)
        return f"v1,{base64.b64encode(shared).decode()} v1a,{base64.b64encode(self._pair.sign(message)).decode()}"


def signed_headers(keys: list[SigningKey], message_id: str, seconds: int, body: bytes) -> dict[str, str]:
    """The three headers of a message: its id, when it is sent (seconds since the epoch), every key's signatures."""
    message = f"{message_id}.{seconds}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(key.sign(message) for key in keys),
    }
