"""JSON the way the whole server speaks it: msgspec, compact, UTF-8."""

from __future__ import annotations

from typing import Any

import msgspec

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder()


def dumps(value: Any) -> str:
    """Compact JSON text."""
    return _encoder.encode(value).decode()


def loads(text: str | bytes) -> Any:
    """The value of JSON text. Raises ``msgspec.DecodeError``."""
    return _decoder.decode(text)


def without_nulls(value: Any) -> Any:
    """``value`` with null members of objects left out, deeply: the clients send null for absent."""
    if isinstance(value, dict):
        return {key: without_nulls(item) for key, item in value.items() if item is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value
