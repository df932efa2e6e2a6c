"""Wire shapes of users."""

from __future__ import annotations

from typing import Any

from sheetport.features.users.model import User
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none

#: Who proves a user's identity: this server itself.
IDP = "sheetport"


class UpdateUser(Wire):
    name: str | None = None
    dashboard: int | None = None


class UserShape(Wire):
    id: str
    email: str
    name: str
    account_id: str
    idp: str
    metadata: dict[str, Any]
    created_at: str
    updated_at: str
    last_seen_at: str | None = None
    dashboard: int | None = None


def to_shape(user: User) -> UserShape:
    return UserShape(
        id=user.id,
        email=user.email,
        name=user.name,
        account_id=user.account_id,
        idp=IDP,
        metadata=user.metadata,
        created_at=iso(user.created_at),
        updated_at=iso(user.updated_at),
        last_seen_at=iso_or_none(user.last_seen_at),
        dashboard=user.dashboard,
    )
