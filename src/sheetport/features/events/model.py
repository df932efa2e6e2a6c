"""An event as the log keeps it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """``context`` and ``payload`` are wire objects (camelCase), exactly as subscribers get them."""

    id: str
    environment_id: str
    account_id: str
    space_id: str | None
    topic: str
    domain: str
    context: dict[str, Any]
    payload: dict[str, Any]
    created_at: int
    position: int | None = None
    target: str | None = None
    namespaces: list[str] = field(default_factory=list)
    origin: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None
    data_url: str | None = None
    callback_url: str | None = None
    acknowledged_at: int | None = None
    acknowledged_by: str | None = None
