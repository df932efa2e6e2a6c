"""Wire shapes of roles and of their being given."""

from __future__ import annotations

from sheetport.features.roles.model import ActorRole, Role
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso


class RoleShape(Wire):
    """``permissions`` and ``builtIn`` are members of our own."""

    id: str
    name: str
    account_id: str
    created_at: str
    updated_at: str
    built_in: bool
    permissions: list[str]


class CreateRole(Wire):
    name: str
    permissions: list[str]


class UpdateRole(Wire):
    name: str | None = None
    permissions: list[str] | None = None


class AssignActorRole(Wire):
    """``resourceId`` is the id of the account, or of an environment, space, workbook or sheet."""

    role_id: str
    resource_id: str


class ActorRoleShape(Wire):
    id: str
    role_id: str
    actor_id: str
    resource_id: str
    created_at: str
    updated_at: str


def to_role(role: Role) -> RoleShape:
    return RoleShape(
        id=role.id,
        name=role.name,
        account_id=role.account_id,
        created_at=iso(role.created_at),
        updated_at=iso(role.updated_at),
        built_in=role.built_in is not None,
        permissions=sorted(role.permissions),
    )


def to_actor_role(given: ActorRole) -> ActorRoleShape:
    return ActorRoleShape(
        id=given.id,
        role_id=given.role_id,
        actor_id=given.actor_id,
        resource_id=given.resource_id,
        created_at=iso(given.created_at),
        updated_at=iso(given.updated_at),
    )
