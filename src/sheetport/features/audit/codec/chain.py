"""The hashes that chain records, and the texts that are signed. All of it is in docs/reference/audit-format.md."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

from sheetport.features.audit.model import Head

#: The chain of what belongs to no account, such as a refusal of an address that nobody has.
SERVER_CHAIN = "server"
_LINK = b"sheetport audit link 1\n"
_SALT_BYTES = 16


def chain_of(environment_id: str, account_id: str) -> str:
    """The chain that seals a record."""
    return environment_id or account_id or SERVER_CHAIN


def start_of(chain: str) -> Head:
    """Where a chain begins."""
    return Head(chain, 0, hashlib.sha256(b"sheetport audit chain 1\n" + chain.encode()).digest())


def digest_of(text: bytes) -> bytes:
    """The SHA-256 of a record's sealed text."""
    return hashlib.sha256(text).digest()


def link(previous: bytes, digest: bytes) -> bytes:
    """The hash of a chain with one more record, whose sealed text has this digest."""
    return hashlib.sha256(_LINK + previous + digest).digest()


def checkpoint_text(head: Head, at: int) -> str:
    """What a checkpoint's signature is over; ``at`` in milliseconds."""
    return f"sheetport audit checkpoint 1\n{head.chain}\n{head.position}\n{head.hash.hex()}\n{at}\n"


def export_text(digest: bytes, lines: int, at: int, heads: Iterable[Head]) -> str:
    """What an export's signature is over: all of its lines before the last, and where each chain stood."""
    told = "".join(f"{head.chain}\n{head.position}\n{head.hash.hex()}\n" for head in heads)
    return f"sheetport audit export 1\n{digest.hex()}\n{lines}\n{at}\n{told}"


def salt_of(subject_key: bytes, record_id: str, name: str) -> bytes:
    """What makes a commitment tell nothing of its value; it cannot be had without the person's key."""
    return hmac.digest(subject_key, _prefixed("salt", record_id, name), "sha256")[:_SALT_BYTES]


def commitment(salt: bytes, name: str, value: str) -> str:
    """What stands in a sealed text for a value of a person's."""
    return hashlib.sha256(_prefixed("sheetport audit value 1", salt.hex(), name, value)).hexdigest()


def _prefixed(*parts: str) -> bytes:
    """Each part's length in bytes as four big-endian bytes, then the part in UTF-8."""
    encoded = [part.encode() for part in parts]
    return b"".join([piece for part in encoded for piece in (len(part).to_bytes(4, "big"), part)])
