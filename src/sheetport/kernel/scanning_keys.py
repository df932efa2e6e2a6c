"""The public keys of secret-scanning services, and whether a message is signed by one of them.

The text is what such a service publishes: ``{"public_keys": [{"key_identifier", "key"}]}``, each key in PEM, on the
curve P-256. A signature is ECDSA with SHA-256 over the message's very bytes, in base64 of its DER form.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_public_key


class _Key(msgspec.Struct):
    key_identifier: str
    key: str


class _Keys(msgspec.Struct):
    public_keys: list[_Key]


@lru_cache(maxsize=4)
def read_keys(text: str) -> dict[str, EllipticCurvePublicKey]:
    """The keys by their identifiers. Raises ValueError that says what is wrong."""
    try:
        published = msgspec.json.decode(text, type=_Keys).public_keys
    except msgspec.DecodeError:
        raise ValueError('it must be {"public_keys": [{"key_identifier": …, "key": …}]}') from None
    keys = {}
    for each in published:
        try:
            key = load_pem_public_key(each.key.encode())
        except (ValueError, UnsupportedAlgorithm):
            raise ValueError(f"the key {each.key_identifier[:80]!r} is no public key in PEM") from None
        if not isinstance(key, EllipticCurvePublicKey) or not isinstance(key.curve, SECP256R1):
            raise ValueError(f"the key {each.key_identifier[:80]!r} is not on the curve P-256")
        keys[each.key_identifier] = key
    return keys


def is_signed(keys: dict[str, EllipticCurvePublicKey], identifier: str, signature: str, message: bytes) -> bool:
    """Whether ``signature`` is the one of the named key over ``message``."""
    key = keys.get(identifier)
    if key is None:
        return False
    try:
        key.verify(base64.b64decode(signature, validate=True), message, ECDSA(SHA256()))
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True
