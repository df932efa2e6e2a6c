"""Identifiers: ``us_<kind>_<16 base62>``, opaque to clients.

The first four of the sixteen characters are a routing tag shared by everything of one environment (or
account), so that a distributed database can route by id alone. It carries no rights.
"""

from __future__ import annotations

import hashlib
import secrets

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
TAG_LENGTH = 4
RANDOM_LENGTH = 12
#: A random byte as a digit; the bytes that would make the first digits likelier are dropped.
_DIGITS = bytes(ord(ALPHABET[byte % 62]) for byte in range(256))
_SURPLUS = bytes(range(256 // 62 * 62, 256))


def base62(number: int, width: int) -> str:
    """``number`` in base 62, left-padded to ``width`` digits."""
    digits = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        digits.append(ALPHABET[digit])
    return "".join(reversed(digits))


def random_text(length: int) -> str:
    """``length`` uniformly random base62 characters."""
    text = b""
    while len(text) < length:
        text += secrets.token_bytes(length + 8).translate(_DIGITS, _SURPLUS)
    return text[:length].decode()


def routing_tag(owner_id: str) -> str:
    """The tag of everything that belongs to ``owner_id`` (an environment or account id)."""
    suffix = owner_id.rpartition("_")[2]
    if len(suffix) >= TAG_LENGTH and suffix[:TAG_LENGTH].isalnum() and suffix.isascii() and _is_free(suffix):
        return suffix[:TAG_LENGTH]
    digest = hashlib.sha256(owner_id.encode()).digest()
    tags = (base62(int.from_bytes(digest[at : at + 4], "big"), TAG_LENGTH) for at in range(0, len(digest), 4))
    return next(filter(_is_free, tags), "0" * TAG_LENGTH)


def _is_free(tag: str) -> bool:
    """Whether a tag has not the letters that mark an environment's id: an imported id may begin with anything."""
    return "env" not in tag[:TAG_LENGTH].lower()


def new_id(kind: str, owner_id: str) -> str:
    """A new id of ``kind`` (``sp``, ``wb``, …) that belongs to environment or account ``owner_id``.

    Never contains the letters "env" outside an environment id: a client takes any scope with these
    letters for an environment.
    """
    while True:
        made = f"us_{kind}_{routing_tag(owner_id)}{random_text(RANDOM_LENGTH)}"
        if "env" not in made.lower().removeprefix("us_env_"):
            return made


def new_root_id(kind: str) -> str:
    """A new account or environment id, whose own first characters are its routing tag."""
    while True:
        made = f"us_{kind}_{random_text(TAG_LENGTH + RANDOM_LENGTH)}"
        if "env" not in made.lower().removeprefix("us_env_"):
            return made
