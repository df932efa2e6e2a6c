"""A key file whose text is sealed under a key that a key service keeps: the disk alone opens nothing.

The file holds the text under AES-256-GCM with a fresh file key, and that key as the service has wrapped it. Which
service and which of its keys stand in the clear, and are bound to the text.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import Protocol

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sheetport.kernel.crypto import KEY_BYTES, NONCE_BYTES, KeyFileError

FILE_FORMAT = "sheetport-key-wrapped-1"


class ProviderError(Exception):
    """A key service cannot be used; the message says why, and holds nothing of a key."""


class KeyProvider(Protocol):
    """A key service. It is called when a key file is read or written, and never while the database waits."""

    def wrap(self, key: bytes) -> bytes:
        """32 bytes in a form that only the service opens. Raises ProviderError."""
        ...

    def unwrap(self, wrapped: bytes) -> bytes:
        """What :meth:`wrap` was given. Raises ProviderError."""
        ...


@dataclass(frozen=True, slots=True)
class Wrapping:
    """Which service wraps a key file (``aws-kms`` or ``vault-transit``), and by which of its keys."""

    provider: str
    key: str


class _WrappedFile(msgspec.Struct):
    format: str
    provider: str
    key: str
    wrapped: bytes
    nonce: bytes
    ciphertext: bytes


def wrapping_of(text: str) -> Wrapping | None:
    """What a key file is wrapped by; None when it is in the clear, or none at all."""
    found = _decoded(text)
    return None if found is None else Wrapping(found.provider, found.key)


def wrap_text(text: str, wrapping: Wrapping, provider: KeyProvider) -> str:
    """A key file's text as a wrapped file. Raises ProviderError."""
    file_key, nonce = secrets.token_bytes(KEY_BYTES), secrets.token_bytes(NONCE_BYTES)
    ciphertext = AESGCM(file_key).encrypt(nonce, text.encode(), _bound(wrapping))
    wrapped = provider.wrap(file_key)
    made = _WrappedFile(FILE_FORMAT, wrapping.provider, wrapping.key, wrapped, nonce, ciphertext)
    return msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n"


def unwrap_text(text: str, provider: KeyProvider) -> str:
    """The text of a wrapped file. Raises ProviderError, and KeyFileError for a file that was altered."""
    found = _decoded(text)
    if found is None:
        raise KeyFileError("This is not a wrapped key file.")
    file_key = provider.unwrap(found.wrapped)
    try:
        bound = _bound(Wrapping(found.provider, found.key))
        return AESGCM(file_key).decrypt(found.nonce, found.ciphertext, bound).decode()
    except (InvalidTag, ValueError):  # ValueError: a nonce or a key of another length
        raise KeyFileError("This wrapped key file was altered, or belongs to another key of the service.") from None


def _decoded(text: str) -> _WrappedFile | None:
    try:
        found = msgspec.json.decode(text, type=_WrappedFile)
    except (msgspec.DecodeError, UnicodeEncodeError):
        return None
    return found if found.format == FILE_FORMAT else None


def _bound(wrapping: Wrapping) -> bytes:
    return "\0".join((FILE_FORMAT, wrapping.provider, wrapping.key)).encode()
