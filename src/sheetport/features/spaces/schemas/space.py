"""Wire shapes of spaces."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta
from msgspec.structs import asdict

from sheetport.features.actions.schemas import Action, check_placement
from sheetport.features.spaces.model import Space, SpaceChange
from sheetport.http.checking import members
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso_or_none, parse_iso
from sheetport.kernel.storable import json_path

Order = Annotated[int, Meta(ge=-(2**31), lt=2**31)]


class SpaceSidebarConfig(Wire):
    workbook_sidebar_order: list[str] | None = None


class HeaderDetectionOptions(Wire):
    """How the header row of an uploaded file is found."""

    algorithm: Literal["aiDetection", "default", "explicitHeaders", "specificRows", "dataRowAndSubHeaderDetection"]
    rows_to_search: float | None = None
    skip: float | None = None
    headers: list[str] | None = None
    row_numbers: list[float] | None = None


class SpaceSettings(Wire):
    sidebar_config: SpaceSidebarConfig | None = None
    files_mapped_after_job: str | None = None
    extraction_options: HeaderDetectionOptions | None = None
    omit_actions: list[str] | None = None
    omit_row_selection_toolbar: bool | None = None


class SpaceConfig(Wire):
    """The body of a create or an update."""

    name: str | None = None
    display_order: Order | None = None
    space_config_id: str | None = None
    environment_id: str | None = None
    primary_workbook_id: str | None = None
    metadata: Any = None
    settings: SpaceSettings | None = None
    actions: list[Action] | None = None
    access: list[Literal["*", "upload"]] | None = None
    auto_configure: bool | None = None
    namespace: str | None = None
    labels: list[str] | None = None
    translations_path: str | None = None
    language_override: str | None = None
    archived_at: datetime | None = None
    app_id: str | None = None
    is_app_template: bool | None = None
    guest_authentication: list[Literal["shared_link", "magic_link"]] | None = None


class SpaceShape(Wire):
    """A space as it is returned; ``metadata``, ``settings`` and ``actions`` are as sent."""

    id: str
    environment_id: str
    name: str
    metadata: Any
    guest_authentication: list[str]
    workbooks_count: int
    files_count: int
    auto_configure: bool
    is_app_template: bool
    is_collaborative: bool
    created_at: str
    updated_at: str
    display_order: int | None = None
    space_config_id: str | None = None
    primary_workbook_id: str | None = None
    settings: dict[str, Any] | None = None
    actions: list[dict[str, Any]] | None = None
    access: list[str] | None = None
    labels: list[str] | None = None
    namespace: str | None = None
    translations_path: str | None = None
    language_override: str | None = None
    app_id: str | None = None
    created_by_user_id: str | None = None
    created_by_user_name: str | None = None
    archived_at: str | None = None
    expired_at: str | None = None
    upgraded_at: str | None = None
    last_activity_at: str | None = None
    access_token: str | None = None
    guest_link: str | None = None


_TIMES = ("created_at", "updated_at", "archived_at", "expired_at", "upgraded_at", "last_activity_at")
#: What of a space no client sees.
_INSIDE = tuple(set(Space.__struct_fields__) - set(SpaceShape.__struct_fields__))


def parse_space(body: Any, at: str = "") -> SpaceChange:
    """What the body of a create or an update names; ``at`` is its path in the request. Raises Invalid."""
    named = members(SpaceConfig, body, at)
    check_placement(named.get("actions", []), "space", json_path(at, "actions"))
    if "archived_at" in named:
        named["archived_at"] = parse_iso(named["archived_at"])
    return SpaceChange(**named, unarchive=isinstance(body, dict) and body.get("archivedAt", "") is None)


def to_shape(space: Space, base_url: str) -> SpaceShape:
    """``base_url`` is this server's, where guests open the space."""
    values = asdict(space)
    for name in _INSIDE:
        del values[name]
    for name in _TIMES:
        values[name] = iso_or_none(values[name])
    if space.metadata is None:
        values["metadata"] = {}
    if space.guest_authentication is None:
        values["guest_authentication"] = space.inherited_authentication
    return SpaceShape(**values, guest_link=guest_link(space, base_url))


def guest_link(space: Space, base_url: str) -> str | None:
    """The address of the space's page with the token that opens it, for those who got the token."""
    return f"{base_url}/space/{space.id}?token={space.access_token}" if space.access_token else None
