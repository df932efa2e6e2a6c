"""Which calls a token may make, and from where: patterns of paths, and networks."""

from __future__ import annotations

import ipaddress
import re
from functools import lru_cache

METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE"})
ANY = "*"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_PATTERN = re.compile(r"/(?:v1|v2-alpha)(?:/(?:[A-Za-z0-9._~-]+|\{\w+\}))*(?:/\*)?")
_PARAMETER = re.compile(r"\\\{\w+\\\}")
MAX_PATH = 200


def parse_operation(method: str, path: str) -> tuple[str, str]:
    """A call's method, or ``*``, and its path as the reference writes it: ``{sheetId}`` stands for one part, ``/*`` at
    the end for all that follows. Raises ValueError.
    """
    method = method.strip().upper()
    if method != ANY and method not in METHODS:
        raise ValueError(f"method must be * or one of {', '.join(sorted(METHODS))}")
    if len(path) > MAX_PATH or not _PATTERN.fullmatch(path):
        raise ValueError(
            "path must be a route such as /v1/sheets/{sheetId}/records, or begin one, such as /v1/spaces/*"
        )
    return method, path


def permits(operations: tuple[tuple[str, str], ...], method: str, path: str) -> bool:
    """Whether one of the operations is this call."""
    return any(known in {ANY, method} and _expression(pattern).fullmatch(path) for known, pattern in operations)


def parse_network(text: str) -> str:
    """An address or a network in its one spelling. Raises ValueError."""
    try:
        return str(ipaddress.ip_network(text.strip()))
    except ValueError:
        raise ValueError(f"{text[:60]!r} is no address or network such as 203.0.113.7 or 10.0.0.0/8") from None


def is_within(networks: tuple[str, ...], address: str | None) -> bool:
    """Whether an address lies in one of the networks; one that is unknown lies in none."""
    known = None if address is None else _address(address)
    return known is not None and any(known in network for network in _networks(networks))


@lru_cache(maxsize=1_024)
def _expression(pattern: str) -> re.Pattern[str]:
    written = re.escape(pattern.removesuffix("/*"))
    parts = _PARAMETER.sub("[^/]+", written)
    return re.compile(parts + "(?:/.*)?" if pattern.endswith("/*") else parts + "/?")


@lru_cache(maxsize=1_024)
def _networks(texts: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


@lru_cache(maxsize=4_096)
def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        known = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = known.ipv4_mapped if isinstance(known, ipaddress.IPv6Address) else None
    return mapped or known
