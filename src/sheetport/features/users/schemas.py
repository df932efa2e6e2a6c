"""Wire shapes of users."""

from __future__ import annotations

from typing import Any, Literal

from sheetport.features.roles.schemas import ActorRoleShape, AssignActorRole, to_actor_role
from sheetport.features.users.model import Invited, RoleWanted, User
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none

#: Who proves a user's identity: this server itself.
IDP = "sheetport"


class UpdateUser(Wire):
    name: str | None = None
    dashboard: int | None = None


class InviteUser(Wire):
    email: str
    name: str
    actor_roles: list[AssignActorRole] = []


class UserShape(Wire):
    """``status`` is a member of our own: active, invited or disabled."""

    id: str
    email: str
    name: str
    account_id: str
    idp: str
    metadata: dict[str, Any]
    created_at: str
    updated_at: str
    status: Literal["active", "invited", "disabled"]
    last_seen_at: str | None = None
    dashboard: int | None = None


class InvitedUser(UserShape, kw_only=True):
    """``invitationLink`` is there when the server sends no mail: for the inviting caller to hand over."""

    actor_roles: list[ActorRoleShape]
    invitation_link: str | None = None

    def __repr__(self) -> str:
        return f"InvitedUser(id={self.id!r})"


class ResentInvitation(Wire):
    success: bool
    invitation_link: str | None = None

    def __repr__(self) -> str:
        return "ResentInvitation()"


class ResentInvitationAnswer(Wire):
    data: ResentInvitation


def to_shape(user: User) -> UserShape:
    return UserShape(**_members(user))


def to_invited(invited: Invited) -> InvitedUser:
    given = [to_actor_role(each) for each in invited.roles]
    return InvitedUser(**_members(invited.user), actor_roles=given, invitation_link=invited.link)


def _members(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "email": user.email,
        "name": user.name,
        "account_id": user.account_id,
        "idp": IDP,
        "metadata": user.metadata,
        "created_at": iso(user.created_at),
        "updated_at": iso(user.updated_at),
        "last_seen_at": iso_or_none(user.last_seen_at),
        "dashboard": user.dashboard,
        "status": "disabled" if user.disabled_at is not None else "active" if user.invited_at is None else "invited",
    }


def to_roles(wanted: list[AssignActorRole]) -> list[RoleWanted]:
    return [RoleWanted(each.role_id, each.resource_id) for each in wanted]
