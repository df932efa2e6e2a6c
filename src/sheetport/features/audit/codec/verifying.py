"""Verifies an export: no server, no database and no secret is needed, only the file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from sheetport.features.audit.codec.chain import (
    checkpoint_text,
    commitment,
    digest_of,
    export_text,
    link,
    start_of,
)
from sheetport.features.audit.codec.lines import (
    CHECKPOINT,
    EXPORT,
    MEMBER,
    SEAL,
    Data,
    Enrichment,
    Signed,
    checkpoint_line,
    export_line,
)
from sheetport.features.audit.model import Head
from sheetport.kernel.crypto import is_signed, key_fingerprint

_decode = msgspec.json.Decoder(list[Enrichment]).decode
_RECORD = re.compile(rb'"uid":"(us_aud_\w+)"')
_HEX = re.compile(r"(?:[0-9a-f]{2})+")


class BrokenError(Exception):
    """The file is not what was exported; the message names the first place where that shows."""


@dataclass(frozen=True, slots=True)
class Verified:
    """What a file that holds together is."""

    records: int
    chains: int
    fingerprint: str
    exported_at: int


@dataclass(slots=True)
class _Chains:
    """Where each chain stands while a file is read, and the checkpoints met: their line, head and signature."""

    heads: dict[str, Head] = field(default_factory=dict)
    checkpoints: list[tuple[int, Head, Signed]] = field(default_factory=list)
    records: int = 0


class Verifier:
    """Takes the lines of an export one by one."""

    def __init__(self) -> None:
        self._chains = _Chains()
        self._digest = hashlib.sha256()
        self._lines = 0
        self._end: Data | None = None

    def feed(self, line: bytes) -> None:
        """Look at the next line, with its line break. Raises BrokenError."""
        self._lines += 1
        number = self._lines
        if self._end is not None:
            raise BrokenError(f"Line {number} follows the line that ends the export.")
        text, enrichments = _split(number, line)
        first = enrichments[0]
        if first.name == SEAL:
            _follow(number, self._chains, text, enrichments)
        elif first.name == CHECKPOINT:
            _meet(number, self._chains, line, first)
        elif first.name == EXPORT:
            self._end = _check_end(number, line, first, self._digest.digest())
        else:
            raise BrokenError(f"Line {number} is no record, no checkpoint and no end of an export.")
        self._digest.update(line)

    def conclude(self, fingerprint: str | None = None) -> Verified:
        """What the export is, once all of it holds. Raises BrokenError.

        ``fingerprint`` is that of the only key that may have signed it.
        """
        if self._end is None:
            raise BrokenError(
                f"The export is cut off: its last line, which signs it, is missing after line {self._lines}."
            )
        return _conclude(self._chains, self._end, fingerprint)


def verify(lines: Iterable[bytes], fingerprint: str | None = None) -> Verified:
    """:class:`Verifier` over all lines."""
    verifier = Verifier()
    for line in lines:
        verifier.feed(line)
    return verifier.conclude(fingerprint)


def _split(number: int, line: bytes) -> tuple[bytes, list[Enrichment]]:
    """A line's event, and what its last member says."""
    cut = line.rfind(MEMBER)
    try:
        if cut < 0 or line[-2:] != b"}\n":
            raise ValueError
        enrichments = _decode(line[cut + len(MEMBER) : -2])
    except (msgspec.DecodeError, ValueError):  # ValueError: not UTF-8 too
        raise BrokenError(f"Line {number} is not a line of an export, or was cut off.") from None
    if not enrichments:
        raise BrokenError(f"Line {number} does not say how it is sealed.")
    return line[:cut] + b"}", enrichments


def _follow(number: int, chains: _Chains, text: bytes, enrichments: list[Enrichment]) -> None:
    """Go one record on in its chain."""
    seal = enrichments[0]
    chain, position = seal.data.chain, seal.data.position
    before = chains.heads.get(chain) or start_of(chain)
    if position != before.position + 1:
        raise BrokenError(
            f"Line {number}: chain {chain} goes on with record {position} where record {before.position + 1} has to be."
        )
    made = link(before.hash, digest_of(text))
    if seal.value != made.hex() or seal.data.previous != before.hash.hex():
        raise BrokenError(
            f"Line {number}: record {position} of chain {chain} ({_name(text)}) is not what was sealed there."
        )
    for opening in enrichments[1:]:
        _check_opening(number, text, opening)
    chains.heads[chain] = Head(chain, position, made)
    chains.records += 1


def _check_opening(number: int, text: bytes, opening: Enrichment) -> None:
    """A person's datum must be the one that the sealed text commits to."""
    try:
        made = commitment(bytes.fromhex(opening.data.salt), opening.name, opening.value)
    except (ValueError, UnicodeEncodeError):
        made = ""
    # Within a JSON text an unescaped quotation mark begins or ends a name or value: this is a member of the event.
    if not made or f'"{opening.name}":"{made}"'.encode() not in text:
        raise BrokenError(f"Line {number}: {opening.name} of {_name(text)} is not the value that was sealed.")


def _meet(number: int, chains: _Chains, line: bytes, found: Enrichment) -> None:
    """Note a checkpoint, which may also begin a chain whose older records were pruned."""
    head, signed = Head(found.data.chain, found.data.position, _bytes(number, found.value)), _signed(number, found.data)
    if line != checkpoint_line(head, signed):
        raise BrokenError(f"Line {number}: the checkpoint of chain {head.chain} is not spelled as it was exported.")
    stands = chains.heads.setdefault(head.chain, head)
    if stands != head:
        raise BrokenError(
            f"Line {number}: the checkpoint of chain {head.chain} at record {head.position} does not fit its records."
        )
    chains.checkpoints.append((number, head, signed))


def _check_end(number: int, line: bytes, found: Enrichment, digest: bytes) -> Data:
    data = found.data
    heads = [Head(each.chain, each.position, _bytes(number, each.hash)) for each in data.chains or []]
    if line != export_line(_bytes(number, found.value), data.lines, heads, _signed(number, data)):
        raise BrokenError(f"Line {number}: the line that ends the export is not spelled as it was exported.")
    if not is_signed(
        bytes.fromhex(data.public_key),
        bytes.fromhex(data.signature),
        export_text(_bytes(number, found.value), data.lines, data.time, heads),
    ):
        raise BrokenError(f"Line {number}: the signature of the export does not hold.")
    if data.lines != number - 1 or found.value != digest.hex():
        raise BrokenError(
            f"Line {number} signs {data.lines} lines, and the {number - 1} before it are not those: something was "
            "added, left out or changed beside the records."
        )
    return data


def _conclude(chains: _Chains, end: Data, fingerprint: str | None) -> Verified:
    """Every chain must be there to where it stood, and one key must have signed everything."""
    for place in end.chains or []:
        head = chains.heads.get(place.chain)
        if head is None or (head.position, head.hash.hex()) != (place.position, place.hash):
            reached = head.position if head else 0
            raise BrokenError(f"Chain {place.chain} ends at record {reached}; it had {place.position} records.")
    if len(end.chains or []) != len(chains.heads):
        raise BrokenError("The export holds a chain that its end does not name.")
    public_key = bytes.fromhex(end.public_key)
    for number, head, signed in chains.checkpoints:
        if signed.public_key != public_key or not is_signed(
            public_key, signed.signature, checkpoint_text(head, signed.at)
        ):
            raise BrokenError(f"Line {number}: the signature of chain {head.chain}'s checkpoint does not hold.")
    found = key_fingerprint(public_key)
    if fingerprint is not None and found.removeprefix("SHA256:") != fingerprint.strip().removeprefix("SHA256:"):
        raise BrokenError(f"The export is signed by the key {found}, not by {fingerprint}.")
    return Verified(chains.records, len(chains.heads), found, end.time)


def _signed(number: int, data: Data) -> Signed:
    return Signed(data.time, _bytes(number, data.signature), _bytes(number, data.public_key))


def _bytes(number: int, text: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise BrokenError(f"Line {number}: {text[:20]!r} is no hexadecimal number.")
    return bytes.fromhex(text)


def _name(text: bytes) -> str:
    found = _RECORD.search(text)
    return found[1].decode() if found else "no record's id"
