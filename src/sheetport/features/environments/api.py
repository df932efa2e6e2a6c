"""Routes of environments."""

from __future__ import annotations

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from sheetport.features.environments import service
from sheetport.features.environments.schemas import (
    EnvironmentConfigCreate,
    EnvironmentConfigUpdate,
    EnvironmentShape,
    to_change,
    to_shape,
)
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Listed, Success, pagination_of
from sheetport.http.parameters import PageNumber, PageSize
from sheetport.kernel.paging import page_of


@get("/")
async def list_environments(
    call: Caller, page_number: PageNumber = None, page_size: PageSize = None
) -> Listed[EnvironmentShape]:
    paged = await call.read(service.list_environments, page_of(page_number, page_size, 10))
    return Listed(data=[to_shape(item) for item in paged.items], pagination=pagination_of(paged))


@post("/", status_code=200)
async def create_environment(call: Caller, data: JSONBody[EnvironmentConfigCreate]) -> Data[EnvironmentShape]:
    return Data(data=to_shape(await call.write(service.create_environment, to_change(data), data.id)))


@get("/{environment_id:str}")
async def get_environment(call: Caller, environment_id: FromPath[str]) -> Data[EnvironmentShape]:
    return Data(data=to_shape(await call.read(service.get_environment, environment_id)))


@patch("/{environment_id:str}")
async def update_environment(
    call: Caller, environment_id: FromPath[str], data: JSONBody[EnvironmentConfigUpdate]
) -> EnvironmentShape:
    return to_shape(await call.write(service.update_environment, environment_id, to_change(data)))


@delete("/{environment_id:str}", status_code=200)
async def delete_environment(call: Caller, environment_id: FromPath[str]) -> Success:
    await call.write(service.delete_environment, environment_id)
    return OK


router = Router(
    "/v1/environments",
    route_handlers=[list_environments, create_environment, get_environment, update_environment, delete_environment],
    tags=["environments"],
)
