"""Roles, and their being given to users, guests and agents."""

from __future__ import annotations

from dataclasses import dataclass

from sheetport.kernel.actor import ActorKind, Path
from sheetport.kernel.permissions import ROLES, BuiltInRole, Permission


@dataclass(frozen=True, slots=True)
class Role:
    """A named set of permissions. ``built_in`` is None for one that the account made itself."""

    id: str
    account_id: str
    name: str
    created_at: int
    updated_at: int
    built_in: BuiltInRole | None = None
    #: Of a custom role; what a built-in one gives is in the table of permissions.
    custom: frozenset[Permission] = frozenset()

    @property
    def permissions(self) -> frozenset[Permission]:
        return self.custom if self.built_in is None else ROLES[self.built_in]


@dataclass(frozen=True, slots=True)
class ActorRole:
    """A role that an actor (a user, a guest or an agent) has on a resource and on all that lies in it.

    The resource is the account, an environment, a space, a workbook or a sheet; the ids beside it say where it lies.
    """

    id: str
    account_id: str
    actor_id: str
    role_id: str
    resource_id: str
    created_at: int
    updated_at: int
    environment_id: str | None = None
    space_id: str | None = None
    workbook_id: str | None = None
    sheet_id: str | None = None

    @property
    def path(self) -> Path:
        """Where the resource lies, as grants name it: nothing for the account."""
        return self.environment_id, self.space_id, self.workbook_id, self.sheet_id


@dataclass(frozen=True, slots=True)
class Holder:
    """Who may be given roles: a user of an account, or a guest or an agent of an environment."""

    kind: ActorKind
    id: str
    account_id: str
    environment_id: str | None = None
