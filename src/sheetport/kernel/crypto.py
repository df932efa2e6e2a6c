"""Tokens, their fingerprints, and envelope encryption: the only module that handles key material.

* A token is ``<prefix>_<33 base62><6 base62 of CRC32>``; the database holds its HMAC-SHA256 under a
  pepper that is in the key file, never the token.
* A derived token carries its claims and a MAC, and has no row.
* The audit log's checkpoints are signed with Ed25519. The signing key and the keys that wrap a person's key come
  from the pepper, so that every host with the key file has them, and older key files do too.
* A secret value is sealed by AES-256-GCM under its environment's data key, which is itself sealed
  under a key-encryption key of the key file. The additional data names the row, so that a value moved
  to another row does not open.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache

import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sheetport.kernel.ids import random_text
from sheetport.kernel.tokens import STORED, TOKEN_RANDOM, with_checksum

KEY_BYTES = 32
NONCE_BYTES = 12
FILE_FORMAT = "sheetport-key-1"


class KeyFileError(Exception):
    """The key file is not one of ours, or not this server's."""


class DecryptionError(Exception):
    """A sealed value does not open: wrong key, or the row was altered or moved."""


class UnknownKeyError(DecryptionError):
    """The key file, as this process read it, does not hold the key-encryption key: another may have added it since."""


def mint_token(prefix: str) -> str:
    """A new random token, such as ``sk_dev_…``; its last six characters check the rest.

    The prefix is one of ``tokens.STORED``, by which the token is found where it does not belong.
    """
    if prefix not in STORED:
        raise ValueError(f"{prefix!r} is no kind of token; name it in kernel/tokens.py")
    return with_checksum(f"{prefix}_{random_text(TOKEN_RANDOM)}")


class _KeyFile(msgspec.Struct):
    format: str
    pepper: bytes
    mac: bytes
    keks: dict[str, bytes]
    current: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """An encrypted value with what is needed to open it."""

    key_id: str
    nonce: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The server's root keys. Its repr shows none of them."""

    pepper: bytes = field(repr=False)
    mac: bytes = field(repr=False)
    keks: dict[str, bytes] = field(repr=False)
    current_kek: str

    @classmethod
    def generate(cls) -> KeyRing:
        """A ring of fresh random keys."""
        kek_id = f"kek_{random_text(8)}"
        make = secrets.token_bytes
        return cls(make(KEY_BYTES), make(KEY_BYTES), {kek_id: make(KEY_BYTES)}, kek_id)

    @classmethod
    def from_text(cls, text: str) -> KeyRing:
        """The ring of a key file's text. Raises KeyFileError."""
        try:
            parsed = msgspec.json.decode(text, type=_KeyFile)
        except msgspec.DecodeError:
            raise KeyFileError("This is not a key file of this server.") from None
        if parsed.format != FILE_FORMAT or parsed.current not in parsed.keks:
            raise KeyFileError("This key file has a format this version does not know.")
        return cls(parsed.pepper, parsed.mac, parsed.keks, parsed.current)

    def to_text(self) -> str:
        """What belongs in the key file."""
        made = msgspec.json.encode(_KeyFile(FILE_FORMAT, self.pepper, self.mac, self.keks, self.current_kek))
        return msgspec.json.format(made, indent=2).decode() + "\n"

    def fingerprint(self, token: str) -> bytes:
        """What the database stores of a token: 32 bytes."""
        return _mac(self.pepper, token.encode())

    def check_value(self) -> str:
        """A public value by which a database recognises its own key file."""
        return _mac(self.pepper, b"sheetport key check").hex()[:32]

    def at_epoch(self, epoch: int) -> KeyRing:
        """The ring by which derived tokens hold in this security epoch only. Epoch 0 is before any restore."""
        if epoch == 0:
            return self
        return replace(self, mac=hmac.digest(self.mac, f"security epoch {epoch}".encode(), hashlib.sha256))

    def purpose_key(self, purpose: str) -> bytes:
        """A key for ``seal`` that is stored nowhere: for what is kept for minutes, whatever becomes of data keys."""
        return hmac.digest(self.mac, f"purpose {purpose}".encode(), hashlib.sha256)

    def sign(self, *parts: str) -> str:
        """A 22-character MAC over the parts, for derived tokens."""
        return _signature(self.mac, parts)

    def signed(self, signature: str, *parts: str) -> bool:
        """Whether ``signature`` is :meth:`sign` of the parts, in constant time."""
        return hmac.compare_digest(self.sign(*parts).encode(), signature.encode())

    @property
    def audit_public_key(self) -> bytes:
        """The 32 bytes by which anybody verifies what :meth:`sign_audit` signed."""
        return _signing_key(self.pepper).public_key().public_bytes_raw()

    def sign_audit(self, text: str) -> bytes:
        """An Ed25519 signature, 64 bytes."""
        return _signing_key(self.pepper).sign(text.encode())

    def new_subject_key(self, *context: str) -> tuple[bytes, Sealed]:
        """A fresh key for a person's data in the audit log, and its sealed form. Deleting that erases the data."""
        key = secrets.token_bytes(KEY_BYTES)
        return key, _seal(_derived(self.pepper, _SUBJECTS), _SUBJECTS, key, context)

    def open_subject_key(self, nonce: bytes, ciphertext: bytes, *context: str) -> bytes:
        """The key. Raises DecryptionError."""
        return _open(_derived(self.pepper, _SUBJECTS), Sealed(_SUBJECTS, nonce, ciphertext), context)

    def new_data_key(self, *context: str) -> tuple[bytes, Sealed]:
        """A fresh data key and its form sealed under the current key-encryption key."""
        data_key = secrets.token_bytes(KEY_BYTES)
        return data_key, self.seal_data_key(data_key, *context)

    def seal_data_key(self, data_key: bytes, *context: str) -> Sealed:
        """A data key sealed under the current key-encryption key."""
        return _seal(self.keks[self.current_kek], self.current_kek, data_key, context)

    def open_data_key(self, sealed: Sealed, *context: str) -> bytes:
        """The data key. Raises DecryptionError."""
        kek = self.keks.get(sealed.key_id)
        if kek is None:
            raise UnknownKeyError(f"The key file does not hold key-encryption key {sealed.key_id}.")
        return _opened(kek, sealed, context)

    def rewrap_data_key(self, sealed: Sealed, *context: str) -> Sealed:
        """The same data key sealed under the current key-encryption key. Raises DecryptionError."""
        data_key = self.open_data_key(sealed, *context)
        return _seal(self.keks[self.current_kek], self.current_kek, data_key, context)

    def with_kek(self) -> KeyRing:
        """The ring with a fresh key-encryption key behind the others, not in use yet."""
        return replace(self, keks={**self.keks, f"kek_{random_text(8)}": secrets.token_bytes(KEY_BYTES)})

    def using(self, kek_id: str) -> KeyRing:
        """The ring that seals data keys under this one of its key-encryption keys."""
        if kek_id not in self.keks:
            raise UnknownKeyError(f"The key file does not hold key-encryption key {kek_id}.")
        return replace(self, current_kek=kek_id)

    def only(self, kek_ids: Iterable[str]) -> KeyRing:
        """The ring without key-encryption keys that are neither in use nor among these."""
        kept = {*kek_ids, self.current_kek}
        return replace(self, keks={name: key for name, key in self.keks.items() if name in kept})

    def newer_kek(self, one: str, other: str | None) -> str:
        """Which of two key-encryption keys was added later; the first when the ring does not know the other."""
        order = list(self.keks)
        return other if other in self.keks and order.index(other) > order.index(one) else one

    def stamp(self, purpose: str, *parts: bytes) -> bytes:
        """A 32-byte MAC over the parts, for what the database must not be able to say by itself.

        Other than :meth:`sign` it outlives a restore.
        """
        return _mac(_derived(self.pepper, purpose), _prefixed(parts))


def key_fingerprint(public_key: bytes) -> str:
    """How people compare a public key: ``SHA256:`` and 43 characters, as OpenSSH writes them."""
    return f"SHA256:{base64.b64encode(hashlib.sha256(public_key).digest()).decode().rstrip('=')}"


def is_signed(public_key: bytes, signature: bytes, text: str) -> bool:
    """Whether the signature is the key's, over this text."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, text.encode())
    except (InvalidSignature, ValueError):  # ValueError: not 32 bytes
        return False
    return True


def seal(data_key: bytes, key_id: str, value: bytes, *context: str) -> Sealed:
    """``value`` encrypted under an environment's data key, bound to its context."""
    return _seal(data_key, key_id, value, context)


def unseal(data_key: bytes, sealed: Sealed, *context: str) -> bytes:
    """The value. Raises DecryptionError when key, ciphertext or context differ."""
    return _open(data_key, sealed, context)


def _seal(key: bytes, key_id: str, value: bytes, context: tuple[str, ...]) -> Sealed:
    nonce = secrets.token_bytes(NONCE_BYTES)
    aad = _length_prefixed((key_id, *context))
    return Sealed(key_id, nonce, AESGCM(key).encrypt(nonce, value, aad))


def _open(key: bytes, sealed: Sealed, context: tuple[str, ...]) -> bytes:
    aad = _length_prefixed((sealed.key_id, *context))
    try:
        return AESGCM(key).decrypt(sealed.nonce, sealed.ciphertext, aad)
    except (InvalidTag, ValueError):  # ValueError: a nonce of a length that nobody seals with
        raise DecryptionError("A sealed value does not open under its key and place.") from None


_SUBJECTS = "audit subjects"


@lru_cache(maxsize=8)
def _derived(key: bytes, purpose: str) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, None, f"sheetport {purpose}".encode()).derive(key)


@lru_cache(maxsize=2)
def _signing_key(pepper: bytes) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(_derived(pepper, "audit signing"))


@lru_cache(maxsize=4_096)
def _opened(kek: bytes, sealed: Sealed, context: tuple[str, ...]) -> bytes:
    """A data key is opened once and kept: it is needed for every value of its environment."""
    return _open(kek, sealed, context)


@lru_cache(maxsize=16)
def _keyed(key: bytes) -> hmac.HMAC:
    return hmac.new(key, digestmod=hashlib.sha256)


def _mac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA256 from a state that has taken the key in already: half the time of a fresh one."""
    keyed = _keyed(key).copy()
    keyed.update(message)
    return keyed.digest()


@lru_cache(maxsize=4_096)
def _signature(key: bytes, parts: tuple[str, ...]) -> str:
    """The same token is signed again with every read of its space."""
    return base64.urlsafe_b64encode(_mac(key, _length_prefixed(parts))[:16]).decode().rstrip("=")


def _length_prefixed(parts: tuple[str, ...]) -> bytes:
    """The parts as one text that no other parts give."""
    return _prefixed([part.encode() for part in parts])


def _prefixed(parts: Iterable[bytes]) -> bytes:
    return b"".join([piece for part in parts for piece in (len(part).to_bytes(4, "big"), part)])
