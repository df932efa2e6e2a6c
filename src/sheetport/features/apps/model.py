"""An app: a kind of work that spaces are for, with the words its pages use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class App:
    id: str
    account_id: str
    name: str
    namespace: str
    type: str
    entity: str
    entity_plural: str
    created_at: int
    updated_at: int
    icon: str | None = None
    metadata: Any = None
    environment_filters: Any = None
    blueprint: Any = None
    activated_at: int | None = None


@dataclass(frozen=True, slots=True)
class AppChange:
    """What a request names; None stays as it is."""

    name: str | None = None
    namespace: str | None = None
    type: str | None = None
    entity: str | None = None
    entity_plural: str | None = None
    icon: str | None = None
    metadata: Any = None
    environment_filters: Any = None
    blueprint: Any = None
    activated_at: int | None = None
