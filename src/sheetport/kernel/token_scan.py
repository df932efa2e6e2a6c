"""Finds our tokens in bytes of any kind: text, binary files, UTF-16, and base64 around any of these.

Nothing is looked for by pattern: the bytes are translated to classes of characters, in which a token is one fixed
string, and what is found counts only if its checksum fits. So it takes a few nanoseconds a byte, and chance finds
nothing. Imports nothing but the standard library: a scan has no server and starts at once.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Protocol

from sheetport.kernel.ids import ALPHABET
from sheetport.kernel.tokens import CHECKSUM, DERIVED, PUBLIC, STORED, TOKEN_RANDOM, is_whole, masked

#: A file is read in pieces of this many bytes; each begins with the end of the one before.
PIECE, OVERLAP = 8 * 1024 * 1024, 64 * 1024
#: Base64 around base64 (a registry's credentials in a cluster's secret) is as deep as anybody wraps.
DEPTH = 2
KEY_FILE = "key file"


def _classes(kept: bytes) -> bytes:
    """The table that makes ``a`` of every base62 digit and of ``kept``, leaves ``_`` and NUL, and blanks the rest."""
    letters = ALPHABET.encode() + kept
    return bytes(ord("a") if each in letters else each if each in b"_\0" else ord(" ") for each in range(256))


#: What tokens and base64 consist of: one of either is a run of at least so many of these, in UTF-16 with NULs between.
_CLASSES, _RUN, _WIDE_RUN = _classes(b"+/-_.~"), b"a" * 40, b"a\0" * 39 + b"a"
_DIGITS, _STORED = _classes(b""), b"_" + b"a" * (TOKEN_RANDOM + CHECKSUM)
#: The longest first: ``pat`` ends with ``at``.
_PREFIXES = [(prefix.encode(), kind) for prefix, kind in sorted(STORED.items(), key=lambda one: -len(one[0]))]
_MAC = rb"[0-9A-Za-z_-]{28}"
_DERIVED = {
    b"spt_": re.compile(rb"spt_[0-9A-Za-z_-]{1,100}\.(?P<expires_at>\d{1,16})\.\d{1,16}\." + _MAC),
    b"sst_": re.compile(rb"sst_[0-9A-Za-z_.~-]{1,600}~(?P<expires_at>\d{1,16})~" + _MAC),
    b"gst_": re.compile(rb"gst_\w{1,100}\.\w{0,100}\.\d{1,16}\.(?P<expires_at>\d{1,16})\.\d{1,16}\." + _MAC, re.ASCII),
    b"gel_": re.compile(rb"gel_\w{1,100}\.\w{1,100}\.\d{1,16}\.\d{1,16}\." + _MAC, re.ASCII),
}
_KEY_FORMAT = b"sheetport-key-1"
_PEPPER = re.compile(rb'"pepper"\s*:\s*"[A-Za-z0-9+/]{40,}={0,2}"')
#: Between two lines of one base64 text: a line break, also as escaped in JSON, with quotes and indents.
_BREAK = re.compile(rb"""[ \t"',]{0,4}(?:(?:\\r)?\\n|\r?\n)[ \t"'#>]{0,40}""")
#: A run with the lines that go on with it.
_BLOCK = re.compile(rb"[A-Za-z0-9+/_.~-]+(?:" + _BREAK.pattern + rb"[A-Za-z0-9+/_.~-]+)*")
#: One alphabet of base64, with the marks of derived tokens as one mark; and what is between the lines of a block.
_ONE_ALPHABET, _BETWEEN = bytes.maketrans(b"-_~", b"+/."), b" \t\r\n\"',#>"
#: Four digits of base64 are three bytes, and the first digit has six bits of the first byte: of a text of our letters,
#: plain or UTF-16, one of these. A token fills a dozen fours.
_FIRST_DIGITS = bytes(ord("a") if each in b"AKLMNOPQRSTUVWXYZabcdef" else ord(" ") for each in range(256))
_FOURS = b"a" * 12
#: A long base64 text is looked through in slices of this many digits and decoded where something may be.
_SLICE, _SLICE_OVERLAP = 32 * 1024, 2 * 1024


class Readable(Protocol):
    """A binary file; a read of fewer bytes than asked for is the last one."""

    def read(self, size: int, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Found:
    """A token, where it begins (counted in bytes from 0) and on which line (from 1). Its repr does not show it."""

    kind: str
    masked: str
    token: str = field(repr=False)
    offset: int
    line: int = 0
    #: Milliseconds; None for one that says no end.
    expires_at: int | None = None
    #: Of a publishable key: a page may carry it.
    public: bool = False


def find_tokens(data: bytes) -> list[Found]:
    """Every token in ``data``, in order. One inside a base64 text is said to be where that text begins."""
    found = {(each.offset, each.token): each for each in _find(data, DEPTH)}
    return sorted((_on_its_line(data, each) for each in found.values()), key=lambda each: each.offset)


def scan(file: Readable) -> Iterator[Found]:
    """Every token of a file that is too long to be read at once, with its place in the file."""
    start, lines, kept = 0, 0, b""
    told: set[str] = set()
    while piece := file.read(PIECE):
        data = kept + piece
        found = find_tokens(data)
        for each in found:
            if each.offset >= len(kept) or each.token not in told:
                yield replace(each, offset=start + each.offset, line=lines + each.line)
        told = {each.token for each in found}
        if len(piece) < PIECE:
            return
        kept = data[-OVERLAP:]
        start += len(data) - len(kept)
        lines += data.count(b"\n", 0, len(data) - len(kept))


def find_live_tokens(text: str, now: int = 0) -> list[tuple[int, str, str]]:
    """(line, kind, masked) of every token in a text that should not be there, for whoever publishes or deploys it.

    Publishable keys are passed over, and so are tokens that say they have expired by ``now``, milliseconds.
    """
    data = text.encode("utf-8", "surrogatepass")
    return [
        (each.line, each.kind, each.masked)
        for each in find_tokens(data)
        if not each.public and (each.expires_at is None or each.expires_at > now)
    ]


def _find(data: bytes, depth: int) -> Iterator[Found]:
    form = data.translate(_CLASSES)
    at = form.find(_RUN)
    while at >= 0:
        block = _BLOCK.match(data, at)
        end = block.end() if block else at + len(_RUN)
        for each in _plain(data[at:end]):
            yield replace(each, offset=at + each.offset)
        if depth:
            yield from _wrapped(data[at:end], at, depth - 1)
        at = form.find(_RUN, end)
    if _WIDE_RUN in form:
        yield from _wide(data, depth)
    at = data.find(_KEY_FORMAT)
    if at >= 0 and _PEPPER.search(data):
        yield Found(KEY_FILE, f"{_KEY_FORMAT.decode()} …", "", at)


def _plain(block: bytes) -> Iterator[Found]:
    form = block.translate(_DIGITS)
    at = form.find(_STORED)
    while at >= 0:
        yield from _stored(block, at)
        at = form.find(_STORED, at + 1)
    for prefix, shape in _DERIVED.items():
        at = block.find(prefix)
        while at >= 0:
            match = shape.match(block, at)
            if match is not None and is_whole(token := match[0].decode()):
                kind = DERIVED[prefix[:-1].decode()]
                end = match.groupdict().get("expires_at")
                yield Found(kind, masked(token), token, at, expires_at=None if end is None else int(end))
            at = block.find(prefix, at + 1)


def _stored(block: bytes, underscore: int) -> Iterator[Found]:
    end = underscore + len(_STORED)
    for prefix, kind in _PREFIXES:
        start = underscore - len(prefix)
        if start >= 0 and block.startswith(prefix, start) and is_whole(token := block[start:end].decode()):
            yield Found(kind, masked(token), token, start, public=prefix.decode() in PUBLIC)


def _wide(data: bytes, depth: int) -> Iterator[Found]:
    """Those of UTF-16: every other byte of it is the text."""
    for parity in (0, 1):
        for each in _find(data[parity::2], depth):
            yield replace(each, offset=2 * each.offset + parity)


def _wrapped(block: bytes, at: int, depth: int) -> Iterator[Found]:
    """Those inside base64. What stands right before it may look like a part of it, so all four ways to begin count."""
    joined = block.replace(rb"\r", b"").replace(rb"\n", b"") if b"\\" in block else block
    for text in joined.translate(_ONE_ALPHABET, _BETWEEN).split(b"."):
        for start in range(0, len(text) if len(text) >= len(_RUN) else 0, _SLICE):
            part = text[start : start + _SLICE + _SLICE_OVERLAP]
            for skipped in range(4):
                if _FOURS in part[skipped::4].translate(_FIRST_DIGITS):
                    yield from (replace(each, offset=at) for each in _find(_decoded(part[skipped:]), depth))


def _decoded(digits: bytes) -> bytes:
    surplus = len(digits) % 4
    if surplus == 1:  # no bytes give so many digits
        return binascii.a2b_base64(digits[:-1])
    return binascii.a2b_base64(digits + b"==" if surplus else digits)


def _on_its_line(data: bytes, found: Found) -> Found:
    at = found.offset
    if data[at + 1 : at + 2] == b"\0":  # UTF-16: of little endian the letters are at even places
        text = data[:at] if at % 2 == 0 else data[: at - 1]
        before = text.decode("utf-16-be" if at % 2 else "utf-16-le", "replace").count("\n")
    else:
        before = data.count(b"\n", 0, at)
    return replace(found, line=before + 1)
