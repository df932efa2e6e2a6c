"""Wire shapes of apps."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sheetport.features.apps.model import App, AppChange
from sheetport.http.checking import members
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none, parse_iso

AppType = Literal["PORTAL", "PROJECTS", "MAPPING", "WORKBOOKS", "CUSTOM"]


class AppCreate(Wire):
    name: str
    namespace: str
    type: AppType
    entity: str | None = None
    entity_plural: str | None = None
    icon: str | None = None
    metadata: Any = None
    environment_filters: Any = None
    blueprint: Any = None


class AppPatch(Wire):
    name: str | None = None
    namespace: str | None = None
    entity: str | None = None
    entity_plural: str | None = None
    icon: str | None = None
    metadata: Any = None
    environment_filters: Any = None
    blueprint: Any = None
    activated_at: datetime | None = None


class AppShape(Wire):
    id: str
    name: str
    namespace: str
    type: str
    entity: str
    entity_plural: str
    created_at: str
    updated_at: str
    icon: str | None = None
    metadata: Any = None
    environment_filters: Any = None
    blueprint: Any = None
    activated_at: str | None = None


def parse_app(kind: type[AppCreate] | type[AppPatch], body: Any) -> AppChange:
    """What a request's body names. Raises Invalid."""
    named = members(kind, body)
    if "activated_at" in named:
        named["activated_at"] = parse_iso(named["activated_at"])
    return AppChange(**named)


def to_shape(app: App) -> AppShape:
    return AppShape(
        id=app.id,
        name=app.name,
        namespace=app.namespace,
        type=app.type,
        entity=app.entity,
        entity_plural=app.entity_plural,
        created_at=iso(app.created_at),
        updated_at=iso(app.updated_at),
        icon=app.icon,
        metadata=app.metadata,
        environment_filters=app.environment_filters,
        blueprint=app.blueprint,
        activated_at=iso_or_none(app.activated_at),
    )
