"""Web origins, by which a browser names the page that sends a request: ``https://app.example.com``, no path."""

from __future__ import annotations

import re
from collections.abc import Iterable

from sheetport.kernel.errors import Invalid

_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_ORIGIN = re.compile(rf"(https?)://((?:\*\.)?(?:{_LABEL}\.)*{_LABEL}|\[[0-9a-f:.]+\])(?::([0-9]{{1,5}}))?")
_SUBDOMAIN = re.compile(rf"(?:{_LABEL}\.)*{_LABEL}")
_DEFAULT_PORTS = {"http": "80", "https": "443"}


def parse_origin(text: str, key: str = "origins") -> str:
    """An allowed origin as browsers spell it; ``https://*.example.com`` stands for every subdomain. Raises Invalid."""
    found = _ORIGIN.fullmatch(text.strip().lower().removesuffix("/"))
    if found is None or int(found[3] or 1) not in range(1, 65_536):
        raise Invalid(
            f"{text[:100]!r} is no origin: write https://app.example.com, or https://*.example.com for every subdomain,"
            " with a port where it is not the usual one and without a path.",
            key,
        )
    scheme, host, port = found.groups()
    return f"{scheme}://{host}" + (f":{port}" if port and port != _DEFAULT_PORTS[scheme] else "")


def allows(allowed: Iterable[str], origin: str) -> bool:
    """Whether a page of ``origin`` is one of the allowed ones: scheme and port are the same, and so is the host or,
    after ``*.``, what it ends with."""
    origin = origin.lower()
    for each in allowed:
        before, star, after = each.partition("*.")
        inside = star and origin.startswith(before) and origin.endswith(f".{after}")
        if origin == each or (inside and _SUBDOMAIN.fullmatch(origin[len(before) : -len(after) - 1])):
            return True
    return False
