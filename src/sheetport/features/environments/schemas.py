"""Wire shapes of environments."""

from __future__ import annotations

from typing import Any

import msgspec

from sheetport.features.environments.model import Environment, EnvironmentChange
from sheetport.http.wire import Wire


class EnvironmentConfigCreate(Wire):
    """``id`` is for an environment that comes from another server, whose programs know it by that."""

    name: str
    is_prod: bool
    guest_authentication: list[str] | None = None
    metadata: dict[str, Any] | None = None
    translations_path: str | None = None
    namespaces: list[str] | None = None
    language_override: str | None = None
    id: str | None = None


class EnvironmentConfigUpdate(Wire):
    name: str | None = None
    is_prod: bool | None = None
    guest_authentication: list[str] | None = None
    metadata: dict[str, Any] | None = None
    translations_path: str | None = None
    namespaces: list[str] | None = None
    language_override: str | None = None


class EnvironmentShape(Wire, omit_defaults=False):
    id: str
    account_id: str
    name: str
    is_prod: bool
    guest_authentication: list[str]
    features: dict[str, Any]
    metadata: dict[str, Any]
    translations_path: str | None = None
    namespaces: list[str] | None = None
    language_override: str | None = None


def to_change(config: EnvironmentConfigCreate | EnvironmentConfigUpdate) -> EnvironmentChange:
    named = msgspec.structs.asdict(config)
    named.pop("id", None)
    return EnvironmentChange(**named)


def to_shape(environment: Environment) -> EnvironmentShape:
    return msgspec.convert(environment, EnvironmentShape, from_attributes=True)
