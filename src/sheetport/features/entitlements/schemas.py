"""Wire shape of entitlements."""

from __future__ import annotations

from typing import Any

from sheetport.http.wire import Wire


class Entitlement(Wire):
    key: str
    metadata: Any = None
