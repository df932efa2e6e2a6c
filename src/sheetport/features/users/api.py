"""Routes of users."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, patch
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.users import service
from sheetport.features.users.model import UserFilter
from sheetport.features.users.schemas import UpdateUser, UserShape, to_shape
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import Data, Listed, pagination_of
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


router = Router("/v1/users", route_handlers=[list_users, get_user, update_user], tags=["users"])
