"""The base of every wire shape."""

from __future__ import annotations

import msgspec


class Wire(msgspec.Struct, rename="camel", omit_defaults=True, kw_only=True):
    """A JSON object of the API: camelCase at the wire, snake_case inside.

    Optional members default to None, accept null, and are left out of replies when absent.
    """
