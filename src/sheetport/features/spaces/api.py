"""Routes of spaces."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router, delete, get, patch, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, JSONBody, QueryParameter, SkipValidation

from sheetport.features.spaces import service
from sheetport.features.spaces.model import SpaceFilter
from sheetport.features.spaces.schemas import SpaceShape, parse_space, to_shape
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Listed, Success, pagination_of
from sheetport.http.parameters import EnvironmentId, PageNumber, PageSize
from sheetport.kernel.paging import page_of

Text = str | None
Flag = bool | None
Archived = Annotated[Flag, QueryParameter(name="archived", description="True lists archived spaces too.")]
SpaceIds = Annotated[list[str] | None, QueryParameter(name="spaceIds", description="The spaces to delete.")]


async def provide_filter(
    environment_id: EnvironmentId = None,
    app: Annotated[Text, QueryParameter(name="app")] = None,
    app_id: Annotated[Text, QueryParameter(name="appId")] = None,
    search: Annotated[Text, QueryParameter(name="search", description="A part of the name, or the id.")] = None,
    namespace: Annotated[Text, QueryParameter(name="namespace", description="Empty: spaces without one.")] = None,
    archived: Archived = None,
    sort_field: Annotated[Text, QueryParameter(name="sortField")] = None,
    sort_direction: Annotated[Text, QueryParameter(name="sortDirection")] = None,
    is_collaborative: Annotated[Flag, QueryParameter(name="isCollaborative")] = None,
    is_app_template: Annotated[Flag, QueryParameter(name="isAppTemplate")] = None,
) -> SpaceFilter:
    """The filter a list's query describes."""
    return SpaceFilter(
        environment_id=environment_id,
        app_id=app or app_id,
        search=search,
        namespace=namespace,
        archived=archived,
        is_collaborative=is_collaborative,
        is_app_template=is_app_template,
        sort_field=sort_field,
        sort_direction=sort_direction,
    )


@get("/", dependencies={"wanted": Provide(provide_filter)})
async def list_spaces(
    call: Caller,
    wanted: NamedDependency[SkipValidation[SpaceFilter]],
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[SpaceShape]:
    paged = await call.read(service.list_spaces, wanted, page_of(page_number, page_size, 10))
    base_url = call.settings.http.base_url
    return Listed(data=[to_shape(space, base_url) for space in paged.items], pagination=pagination_of(paged))


@post("/", status_code=200)
async def create_space(call: Caller, data: JSONBody[dict[str, Any]]) -> Data[SpaceShape]:
    space = await call.write(service.create_space, parse_space(data), limits=call.settings.quotas)
    return Data(data=to_shape(space, call.settings.http.base_url))


@delete("/", status_code=200)
async def delete_spaces(call: Caller, space_ids: SpaceIds = None) -> Success:
    await call.write(service.delete_spaces, space_ids or [])
    return OK


@get("/{space_id:str}")
async def get_space(call: Caller, space_id: FromPath[str]) -> Data[SpaceShape]:
    return Data(data=to_shape(await call.read(service.get_space, space_id), call.settings.http.base_url))


@patch("/{space_id:str}")
async def update_space(call: Caller, space_id: FromPath[str], data: JSONBody[dict[str, Any]]) -> Data[SpaceShape]:
    space = await call.write(service.update_space, space_id, parse_space(data))
    return Data(data=to_shape(space, call.settings.http.base_url))


@delete("/{space_id:str}", status_code=200)
async def delete_space(call: Caller, space_id: FromPath[str]) -> Success:
    await call.write(service.delete_spaces, [space_id])
    return OK


@post("/{space_id:str}/archive", status_code=200)
async def archive_space(call: Caller, space_id: FromPath[str]) -> Success:
    await call.write(service.archive_space, space_id)
    return OK


@post("/{space_id:str}/unarchive", status_code=200)
async def unarchive_space(call: Caller, space_id: FromPath[str]) -> Success:
    await call.write(service.unarchive_space, space_id)
    return OK


router = Router(
    "/v1/spaces",
    route_handlers=[
        list_spaces,
        create_space,
        delete_spaces,
        get_space,
        update_space,
        delete_space,
        archive_space,
        unarchive_space,
    ],
    tags=["spaces"],
)
