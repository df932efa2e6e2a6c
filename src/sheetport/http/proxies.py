"""Whom to believe about where a request comes from.

A proxy that is trusted says whose request it forwards, by which scheme and for which host. Anybody can send such
headers, so they count only when the connection itself comes from a trusted address. The client is the right-most
address of the chain that is not trusted: what stands left of it was written by strangers.

A proxy writes one kind of header, and hands on whatever else its caller has sent. So where ``Forwarded`` and
``X-Forwarded-For`` name different clients one of them is a lie, and neither is believed.
"""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

from litestar.types import HTTPScope

from sheetport.config import Network

_HOST = re.compile(rb"[A-Za-z0-9.\-]{1,253}(?::\d{1,5})?|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?")
_PART = re.compile(r"\s*(\w+)\s*=\s*(\"[^\"]*\"|[^;,\s]*)\s*")
_SCHEMES = {b"http": "http", b"https": "https"}
#: Headers by which a proxy shows itself.
FORWARDING = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip"})


class Proxies:
    """The trusted ones."""

    def __init__(self, networks: tuple[Network, ...]) -> None:
        self._networks = networks
        self.trusts = lru_cache(maxsize=4_096)(self._trusts)

    def __bool__(self) -> bool:
        return bool(self._networks)

    def _trusts(self, address: str) -> bool:
        known = _address(address)
        return known is not None and any(known in network for network in self._networks)

    def believe(self, scope: HTTPScope) -> bool:
        """Put what a trusted proxy says into the scope; whether the connection is one of a trusted proxy."""
        client = scope["client"]
        if client is None or not self.trusts(client[0]):
            return False
        headers = _joined(scope)
        chain, scheme, host = _forwarded(headers) if b"forwarded" in headers else _x_forwarded(headers)
        address = self._right_most_stranger(chain)
        if b"forwarded" in headers and len(headers) > 1:
            others = _x_forwarded(headers)[0]
            if others and self._right_most_stranger(others) != address:
                return True
        headers_kept = scope["headers"]
        if address is not None:
            scope["client"] = (address, 0)
            headers_kept = [pair for pair in headers_kept if pair[0] not in FORWARDING]
        if scheme is not None:
            scope["scheme"] = scheme
        if host is not None and _HOST.fullmatch(host):
            headers_kept = [*(pair for pair in headers_kept if pair[0] != b"host"), (b"host", host)]
        scope["headers"] = headers_kept
        return True

    def _right_most_stranger(self, chain: list[str]) -> str | None:
        """The client's address; None when the proxy named none, or something that is no address."""
        found = None
        for word in reversed(chain):
            known = _address(word)
            if known is None:
                break
            found = str(known)
            if not self.trusts(found):
                break
        return found


def _joined(scope: HTTPScope) -> dict[bytes, bytes]:
    """The headers of proxies; lines of one name are one list, in their order."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        if name in FORWARDING:
            headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def is_forwarded(scope: HTTPScope) -> bool:
    """Whether a request has come through a proxy that is not trusted, or that did not say for whom."""
    return any(name in FORWARDING for name, _ in scope["headers"])


def is_loopback(address: str) -> bool:
    known = _address(address)
    return known is not None and known.is_loopback


def _x_forwarded(headers: dict[bytes, bytes]) -> tuple[list[str], str | None, bytes | None]:
    chain = headers.get(b"x-forwarded-for", headers.get(b"x-real-ip", b"")).decode("latin-1")
    scheme = _SCHEMES.get(headers.get(b"x-forwarded-proto", b"").rpartition(b",")[2].strip().lower())
    host = headers.get(b"x-forwarded-host", b"").rpartition(b",")[2].strip()
    return [word for word in chain.split(",") if word.strip()], scheme, host or None


def _forwarded(headers: dict[bytes, bytes]) -> tuple[list[str], str | None, bytes | None]:
    """RFC 7239; scheme and host are those that the nearest proxy gives."""
    chain, last = [], {}
    for element in headers[b"forwarded"].decode("latin-1").split(","):
        last = {name.lower(): value.strip('"') for name, value in _PART.findall(element)}
        if "for" in last:
            chain.append(last["for"])
    host = last.get("host", "").encode("latin-1")
    return chain, _SCHEMES.get(last.get("proto", "").lower().encode("latin-1")), host or None


def _address(word: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """An address as proxies write it: plain, with a port, or an IPv6 one in brackets."""
    word = word.strip().strip('"')
    if word.startswith("["):
        word = word[1:].partition("]")[0]
    elif word.count(":") == 1:
        word = word.partition(":")[0]
    try:
        known = ipaddress.ip_address(word)
    except ValueError:
        return None
    mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
    return mapped or known
