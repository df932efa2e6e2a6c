"""An environment: an isolated set of spaces, keys and secrets of an account."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sheetport.features.auth.model import Minted

GUEST_AUTHENTICATION = ("shared_link", "magic_link")


@dataclass(frozen=True, slots=True)
class Environment:
    id: str
    account_id: str
    name: str
    is_prod: bool
    created_at: int
    updated_at: int
    guest_authentication: list[str] = field(default_factory=lambda: list(GUEST_AUTHENTICATION))
    features: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    translations_path: str | None = None
    namespaces: list[str] | None = None
    language_override: str | None = None


@dataclass(frozen=True, slots=True)
class NewEnvironment:
    """An environment with its first keys, whose tokens are shown once."""

    environment: Environment
    secret_key: Minted
    publishable_key: Minted


@dataclass(frozen=True, slots=True)
class EnvironmentChange:
    """What an update names; None stays as it is."""

    name: str | None = None
    is_prod: bool | None = None
    guest_authentication: list[str] | None = None
    metadata: dict[str, Any] | None = None
    translations_path: str | None = None
    namespaces: list[str] | None = None
    language_override: str | None = None
