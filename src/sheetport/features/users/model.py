"""A user: a person of an account, who signs in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sheetport.features.roles.model import ActorRole


@dataclass(frozen=True, slots=True)
class User:
    id: str
    account_id: str
    email: str
    name: str
    created_at: int
    updated_at: int
    password_hash: str | None = field(default=None, repr=False)
    metadata: dict[str, Any] = field(default_factory=dict)
    dashboard: int | None = None
    last_seen_at: int | None = None
    disabled_at: int | None = None
    #: When they were last invited, until they accept by choosing a password.
    invited_at: int | None = None


@dataclass(frozen=True, slots=True)
class RoleWanted:
    """A role that an invitation gives, and on what: ids of a role and of a resource."""

    role_id: str
    resource_id: str


@dataclass(frozen=True, slots=True)
class Invited:
    """A user with a new invitation. ``link`` is there for the inviting caller to hand over when no mail goes out."""

    user: User
    link: str | None = field(default=None, repr=False)
    roles: list[ActorRole] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class UserFilter:
    """Which users of an account, in which order. ``search`` looks into name and address."""

    email: str | None = None
    search: str | None = None
    sort_field: str = "created_at"
    sort_direction: str = "asc"
