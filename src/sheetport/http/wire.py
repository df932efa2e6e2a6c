"""The base of every wire shape."""

from __future__ import annotations

import msgspec


class Wire(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """snake_case in Python, camelCase on the wire; members at their default are left out."""
