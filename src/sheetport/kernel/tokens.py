"""How tokens look: by prefix and checksum anybody can tell one, without a key and without a server.

A stored token is ``<prefix>_<33 base62><checksum>``; a derived one carries its claims and a MAC, and ends with the
same checksum of all before it. Whoever adds a kind of token names it here, or it can be neither minted nor found.
"""

from __future__ import annotations

import zlib

from sheetport.kernel.ids import base62

TOKEN_RANDOM = 33  # base62 digits: 196 bits, what 24 random bytes need
CHECKSUM = 6
#: The kinds of stored tokens, by prefix.
STORED = {
    "sk_dev": "secret key (development)",
    "sk_prod": "secret key (production)",
    "pk_dev": "publishable key (development)",
    "pk_prod": "publishable key (production)",
    "pat": "personal access token",
    "at": "access token",
    "cs": "client secret",
    "nt": "narrowed token",
    "agt": "agent token",
    "setup": "set-up link",
    "invite": "invitation",
    "glk": "guest sign-in link",
    "dvc": "device code",
}
#: The kinds of derived tokens, by prefix.
DERIVED = {
    "spt": "space token",
    "sst": "subscription token",
    "gst": "guest token",
    "gel": "guest entry link",
}
#: Made to be read by everybody: a page carries it.
PUBLIC = frozenset({"pk_dev", "pk_prod"})


def checksum(body: str) -> str:
    """Six base62 digits of the CRC32 of a token's text before them."""
    return base62(zlib.crc32(body.encode()), CHECKSUM)


def with_checksum(body: str) -> str:
    """A token of everything that stands before its checksum."""
    return body + checksum(body)


def is_whole(token: str) -> bool:
    """Whether a token ends with its checksum: a random text does once in 57 billion."""
    return checksum(token[:-CHECKSUM]) == token[-CHECKSUM:]


def unchecked(token: str) -> str:
    """A derived token without its checksum; those of version 0.1 have none."""
    return token[:-CHECKSUM] if is_whole(token) else token


def masked(token: str) -> str:
    """What may be shown of a token: its prefix and last four characters."""
    if token.partition("_")[0] in DERIVED:
        return f"{token.partition('.')[0].partition('~')[0]}…{token[-4:]}"
    return f"{token.rpartition('_')[0]}_…{token[-4:]}"
