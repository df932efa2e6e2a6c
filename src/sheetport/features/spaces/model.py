"""A space: what one import, or one customer, works in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from sheetport.features.places.model import Place

GUEST_AUTHENTICATION = ("shared_link", "magic_link")
SORT_FIELDS = {
    "name": "name",
    "workbooksCount": "workbooks_count",
    "filesCount": "files_count",
    "environmentId": "environment_id",
    "createdByUserName": "created_by_user_name",
    "createdAt": "created_at",
    "lastActivityAt": "last_activity_at",
}


class Space(Struct, frozen=True, kw_only=True):
    """A struct, since it is made anew on the hottest read.

    ``guest_authentication`` None means the environment's, which ``inherited_authentication`` holds. ``access_token``
    is there only in replies to callers who may have it. ``sweep_at`` is when a space that a publishable key made
    expires unless something was submitted and, once expired, when it is deleted.
    """

    environment_id: str
    id: str
    account_id: str
    name: str
    created_at: int
    updated_at: int
    display_order: int | None = None
    space_config_id: str | None = None
    primary_workbook_id: str | None = None
    metadata: Any = None
    settings: dict[str, Any] | None = None
    actions: list[dict[str, Any]] | None = None
    access: list[str] | None = None
    labels: list[str] | None = None
    guest_authentication: list[str] | None = None
    auto_configure: bool = False
    namespace: str | None = None
    translations_path: str | None = None
    language_override: str | None = None
    app_id: str | None = None
    is_app_template: bool = False
    is_collaborative: bool = False
    workbooks_count: int = 0
    files_count: int = 0
    token_generation: int = 0
    created_by_user_id: str | None = None
    created_by_user_name: str | None = None
    external_actor_id: str | None = None
    archived_at: int | None = None
    expired_at: int | None = None
    upgraded_at: int | None = None
    last_activity_at: int | None = None
    sweep_at: int | None = None
    inherited_authentication: list[str] = []
    access_token: str | None = None

    def __repr__(self) -> str:
        return f"Space({self.id})"  # never the token, nor what guests call their things

    @property
    def place(self) -> Place:
        """Where the space lies."""
        return Place(self.environment_id, self.id, "sp", self.account_id, space_id=self.id, namespace=self.namespace)


@dataclass(frozen=True, slots=True)
class SpaceChange:
    """What a request names; None stays as it is. ``unarchive``: ``archivedAt`` was null, which takes a space back."""

    name: str | None = None
    unarchive: bool = False
    display_order: int | None = None
    space_config_id: str | None = None
    environment_id: str | None = None
    primary_workbook_id: str | None = None
    metadata: Any = None
    settings: dict[str, Any] | None = None
    actions: list[dict[str, Any]] | None = None
    access: list[str] | None = None
    labels: list[str] | None = None
    guest_authentication: list[str] | None = None
    auto_configure: bool | None = None
    namespace: str | None = None
    translations_path: str | None = None
    language_override: str | None = None
    archived_at: int | None = None
    app_id: str | None = None
    is_app_template: bool | None = None


@dataclass(frozen=True, slots=True)
class SpaceFilter:
    """Which spaces a list holds; None leaves a property open. ``namespace`` "" means none.

    ``archived`` True holds archived spaces too. ``sort_field`` is one of SORT_FIELDS.
    """

    environment_id: str | None = None
    app_id: str | None = None
    search: str | None = None
    namespace: str | None = None
    archived: bool | None = None
    is_collaborative: bool | None = None
    is_app_template: bool | None = None
    sort_field: str | None = None
    sort_direction: str | None = None
