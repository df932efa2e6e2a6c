"""Mail addresses: what can be one, and when two are the same."""

from __future__ import annotations

import re
import unicodedata

from sheetport.kernel.errors import Invalid

MAX_ADDRESS = 254
_PART = r"[^@\s\x00-\x1f\x7f-\x9f<>\"(),:;\[\]\\]+"
#: Mail servers have the last word on addresses; this finds what is none at all, or would be two in a header.
_ADDRESS = re.compile(f"{_PART}@{_PART}")


def is_address(text: str) -> bool:
    """Whether it may be one mail address, such as ``ada@example.com``."""
    return len(text) <= MAX_ADDRESS and _ADDRESS.fullmatch(text) is not None


def checked_address(text: str, key: str = "email") -> str:
    """The address without the space around it. Raises Invalid named ``key``."""
    address = text.strip()
    if not is_address(address):
        raise Invalid(f"{key} must be an address such as ada@example.com.", key)
    return address


def address_key(address: str) -> str:
    """What two spellings of one address have in common: letter case and Unicode form do not tell people apart."""
    return unicodedata.normalize("NFC", address.strip()).casefold()
