"""Routes of users."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.roles.schemas import ActorRoleShape, AssignActorRole, to_actor_role
from sheetport.features.users import service
from sheetport.features.users.model import UserFilter
from sheetport.features.users.schemas import (
    InvitedUser,
    InviteUser,
    ResentInvitation,
    ResentInvitationAnswer,
    UpdateUser,
    UserShape,
    to_invited,
    to_roles,
    to_shape,
)
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Listed, Success, pagination_of
from sheetport.http.parameters import PageNumber, PageSize
from sheetport.kernel.paging import page_of

Email = Annotated[str | None, QueryParameter(name="email", description="Only the user with this address.")]
Search = Annotated[str | None, QueryParameter(name="search", description="Part of a name or address.")]
SortField = Annotated[str | None, QueryParameter(name="sortField", description="email, name, created_at and others.")]
SortDirection = Annotated[str | None, QueryParameter(name="sortDirection", description="asc or desc.")]


@get("/")
async def list_users(
    call: Caller,
    email: Email = None,
    search: Search = None,
    sort_field: SortField = None,
    sort_direction: SortDirection = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[UserShape]:
    wanted = UserFilter(email, search, sort_field or "created_at", sort_direction or "asc")
    paged = await call.read(service.list_users, wanted, page_of(page_number, page_size, 20))
    return Listed(data=[to_shape(user) for user in paged.items], pagination=pagination_of(paged))


@get("/{user_id:str}")
async def get_user(call: Caller, user_id: FromPath[str]) -> Data[UserShape]:
    return Data(data=to_shape(await call.read(service.get_user, user_id)))


@patch("/{user_id:str}")
async def update_user(
    call: Caller, user_id: FromPath[str], data: JSONBody[UpdateUser | None] = None
) -> Data[UserShape]:
    change = data or UpdateUser()
    return Data(data=to_shape(await call.write(service.update_user, user_id, change.name, change.dashboard)))


@post("/invite", status_code=200)
async def invite_user(call: Caller, data: JSONBody[InviteUser]) -> Data[InvitedUser]:
    invited = await call.write(service.invite_user, data.email, data.name, to_roles(data.actor_roles), call.settings)
    return Data(data=to_invited(invited))


@post("/{user_id:str}/resend-invite", status_code=200)
async def resend_invitation(call: Caller, user_id: FromPath[str]) -> ResentInvitationAnswer:
    invited = await call.write(service.resend_invitation, user_id, call.settings)
    return ResentInvitationAnswer(data=ResentInvitation(success=True, invitation_link=invited.link))


@delete("/{user_id:str}", status_code=200)
async def delete_user(call: Caller, user_id: FromPath[str]) -> Success:
    await call.write(service.delete_user, user_id)
    return OK


@post("/{user_id:str}/disable", status_code=200)
async def disable_user(call: Caller, user_id: FromPath[str]) -> Data[UserShape]:
    return Data(data=to_shape(await call.write(service.disable_user, user_id)))


@post("/{user_id:str}/enable", status_code=200)
async def enable_user(call: Caller, user_id: FromPath[str]) -> Data[UserShape]:
    return Data(data=to_shape(await call.write(service.enable_user, user_id)))


@get("/{user_id:str}/roles")
async def list_user_roles(call: Caller, user_id: FromPath[str]) -> Data[list[ActorRoleShape]]:
    return Data(data=[to_actor_role(each) for each in await call.read(service.list_user_roles, user_id)])


@post("/{user_id:str}/roles", status_code=200)
async def assign_user_role(
    call: Caller, user_id: FromPath[str], data: JSONBody[AssignActorRole]
) -> Data[ActorRoleShape]:
    given = await call.write(service.assign_user_role, user_id, data.role_id, data.resource_id)
    return Data(data=to_actor_role(given))


@delete("/{user_id:str}/roles/{actor_role_id:str}", status_code=200)
async def remove_user_role(call: Caller, user_id: FromPath[str], actor_role_id: FromPath[str]) -> Success:
    await call.write(service.remove_user_role, user_id, actor_role_id)
    return OK


router = Router(
    "/v1/users",
    route_handlers=[
        list_users,
        get_user,
        update_user,
        invite_user,
        resend_invitation,
        delete_user,
        disable_user,
        enable_user,
        list_user_roles,
        assign_user_role,
        remove_user_role,
    ],
    tags=["users"],
)
