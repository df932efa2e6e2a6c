"""Tokens planted in every wrapping a scan knows, among text that only looks like them."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable

from sheetport.kernel.crypto import mint_token
from sheetport.kernel.ids import ALPHABET
from sheetport.kernel.tokens import CHECKSUM, STORED, TOKEN_RANDOM

WORDS = (
    "the",
    "key",
    "of",
    "created_at_first",
    "data/2024/some-file.csv",
    "= {} ;",
    "# http://example.com/a/b?c=d",
    "https",
)


def PLAIN(text: str) -> bytes:  # noqa: N802 - stands among the wrappings
    return text.encode()


def _base64(text: bytes) -> bytes:
    return base64.b64encode(text)


#: How a token is written, each as bytes.
WRAPPINGS: dict[str, Callable[[str], bytes]] = {
    "alone": PLAIN,
    "assigned": lambda token: f"KEY={token}\n".encode(),
    "quoted": lambda token: json.dumps({"key": token, "more": "x"}).encode(),
    "escaped": lambda token: json.dumps(json.dumps(f"line\n{token}\nline")).encode(),
    "url": lambda token: f"https://x.example/?a=1&token={token}&b=2".encode(),
    "glued": lambda token: f"nn{token} ".encode(),
    "binary": lambda token: bytes(range(256)) + token.encode() + bytes(range(256)),
    "utf-16": lambda token: f"\ufeffa = {token}\n".encode("utf-16-le"),
    "utf-16-be": lambda token: f"a = {token}\n".encode("utf-16-be"),
    "utf-16-odd": lambda token: b"\x01" + token.encode("utf-16-le") + b"\x01",
    "base64": lambda token: b"data: " + _base64(token.encode()),
    "base64-shifted": lambda token: b"data: " + _base64(f"A={token}\nB=".encode()),
    "base64-shifted-2": lambda token: b"data: " + _base64(f"AB={token}".encode()),
    "base64-url": lambda token: base64.urlsafe_b64encode(f"\xff\xfe~{token}".encode()).rstrip(b"="),
    "base64-lines": lambda token: base64.encodebytes(("x" * 50 + token + "y" * 70).encode()),
    "base64-prefixed": lambda token: b"Authorization:Basic/" + _base64(f"user:{token}".encode()),
    "base64-utf-16": lambda token: b"powershell -e " + _base64(f"echo {token}".encode("utf-16-le")),
    "base64-twice": lambda token: _base64(b'{"auth":"' + _base64(f"x:{token}".encode()) + b'"}'),
    "base64-in-utf-16": lambda token: ("k: " + _base64(token.encode()).decode()).encode("utf-16"),
}


def lookalikes(chance: random.Random, count: int) -> list[str]:
    """Random strings of the shape of tokens, whose checksum is nothing but chance."""
    length = TOKEN_RANDOM + CHECKSUM
    prefixes = list(STORED)
    return [f"{chance.choice(prefixes)}_{''.join(chance.choices(ALPHABET, k=length))}" for _ in range(count)]


def filler(chance: random.Random) -> str:
    """A line of code, prose, or hashes."""
    kind = chance.random()
    if kind < 0.1:
        return base64.b64encode(chance.randbytes(chance.randrange(200))).decode()
    if kind < 0.2:
        return chance.randbytes(32).hex()
    if kind < 0.3:
        return lookalikes(chance, 1)[0]
    return " ".join(chance.choices(WORDS, k=10))


def planted(chance: random.Random, count: int) -> tuple[bytes, list[str]]:
    """A file of ``count`` tokens of all kinds in all wrappings among filler, and the tokens."""
    tokens, parts = [], []
    wrappings = list(WRAPPINGS.values())
    for _ in range(count):
        token = mint_token(chance.choice(list(STORED)))
        tokens.append(token)
        parts += [filler(chance).encode(), chance.choice(wrappings)(token)]
    return b"\n\n".join(parts), tokens
