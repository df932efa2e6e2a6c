"""An export's lines: JSON objects that are OCSF events, whose last member ``enrichments`` tells how they are sealed.

A record's line without that member is its sealed text. Lines of checkpoints follow the records they sign, and the
last line signs all before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import msgspec

from sheetport.features.audit.codec.ocsf import VERSION, canonical
from sheetport.features.audit.model import Head

SEAL, CHECKPOINT, EXPORT = "seal", "checkpoint", "export"
MEMBER = b',"enrichments":'
_encode = msgspec.json.Encoder().encode


class Place(msgspec.Struct, forbid_unknown_fields=True):
    """Where a chain stood when it was exported."""

    chain: str
    position: int
    hash: str


class Data(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """What an enrichment holds: a seal's place, a value's salt, a checkpoint's or an export's signature."""

    chain: str = ""
    position: int = 0
    previous: str = ""
    salt: str = ""
    time: int = 0
    lines: int = 0
    chains: list[Place] | None = None
    public_key: str = ""
    signature: str = ""


class Enrichment(msgspec.Struct, forbid_unknown_fields=True):
    """``value`` is a hash in hexadecimal; of a person's data, the datum itself."""

    name: str
    value: str
    data: Data


class Opening(NamedTuple):
    """A value of a person's, and the salt by which it is the one that a commitment stands for."""

    name: str
    value: str
    salt: bytes


class Signed(NamedTuple):
    """A signature with its moment, milliseconds, and the key that verifies it."""

    at: int
    signature: bytes
    public_key: bytes


def record_line(text: bytes, head: Head, previous: bytes, openings: Iterable[Opening] = ()) -> bytes:
    """The line of a record with this sealed text; ``head`` is the chain with it, ``previous`` the hash before it."""
    seal = Enrichment(SEAL, head.hash.hex(), Data(chain=head.chain, position=head.position, previous=previous.hex()))
    opened = [Enrichment(name, value, Data(salt=salt.hex())) for name, value, salt in openings]
    return _line(text, [seal, *opened])


def checkpoint_line(head: Head, signed: Signed) -> bytes:
    """The line of a checkpoint."""
    data = Data(chain=head.chain, position=head.position, time=signed.at)
    data.public_key, data.signature = signed.public_key.hex(), signed.signature.hex()
    return _line(_event("audit:checkpoint", signed.at, head.chain), [Enrichment(CHECKPOINT, head.hash.hex(), data)])


def export_line(digest: bytes, lines: int, heads: Sequence[Head], signed: Signed) -> bytes:
    """The last line: ``digest`` is the SHA-256 of the ``lines`` lines before it."""
    places = [Place(head.chain, head.position, head.hash.hex()) for head in heads]
    data = Data(time=signed.at, lines=lines, chains=places)
    data.public_key, data.signature = signed.public_key.hex(), signed.signature.hex()
    return _line(_event("audit:export", signed.at, ""), [Enrichment(EXPORT, digest.hex(), data)])


def _line(text: bytes, enrichments: list[Enrichment]) -> bytes:
    return b"".join((text[:-1], MEMBER, _encode(enrichments), b"}\n"))


def _event(action: str, at: int, chain: str) -> bytes:
    """The OCSF event of a line that is no record."""
    event: Mapping[str, object] = {
        "activity_id": 99,
        "activity_name": "Other",
        "actor": {"user": {"type": "system", "type_id": 99, "uid": "system"}},
        "api": {"operation": action},
        "category_name": "Application Activity",
        "category_uid": 6,
        "class_name": "API Activity",
        "class_uid": 6003,
        "message": action,
        "metadata": {
            "event_code": action,
            "product": {"name": "Sheetport", "vendor_name": "Sheetport"},
            "uid": f"{action}:{chain}:{at}",
            "version": VERSION,
        },
        "severity": "Informational",
        "severity_id": 1,
        "src_endpoint": {"name": "server"},
        "status": "Success",
        "status_id": 1,
        "time": at,
        "type_name": "API Activity: Other",
        "type_uid": 600399,
    }
    return canonical(event)
