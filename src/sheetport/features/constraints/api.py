"""Routes of the stored constraints of an app."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.constraints import service
from sheetport.features.constraints.schemas import (
    ConstraintCreate,
    ConstraintShape,
    ConstraintUpdate,
    ConstraintVersionShape,
    parse_constraint,
    parse_version,
    to_shape,
    to_version_shape,
)
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import Data, SuccessFlag

IncludeBuiltins = Annotated[
    bool, QueryParameter(name="includeBuiltins", description="Nothing changes: this server brings none of its own.")
]


@get("/")
async def list_constraints(
    call: Caller, app_id: FromPath[str], include_builtins: IncludeBuiltins = False
) -> Data[list[ConstraintShape]]:
    """The newest version of each constraint."""
    del include_builtins
    return Data(data=[to_shape(each) for each in await call.read(service.list_constraints, app_id)])


@post("/", status_code=200)
async def create_constraint(
    call: Caller, app_id: FromPath[str], data: JSONBody[dict[str, Any]]
) -> Data[ConstraintShape]:
    change = parse_constraint(ConstraintCreate, data)
    return Data(data=to_shape(await call.write(service.create_constraint, app_id, change)))


@get("/{constraint_id:str}")
async def get_constraint(call: Caller, app_id: FromPath[str], constraint_id: FromPath[str]) -> Data[ConstraintShape]:
    return Data(data=to_shape(await call.read(service.get_constraint, app_id, constraint_id)))


@patch("/{constraint_id:str}")
async def update_constraint(
    call: Caller, app_id: FromPath[str], constraint_id: FromPath[str], data: JSONBody[dict[str, Any]]
) -> Data[ConstraintShape]:
    """Makes a new version, unless nothing differs."""
    change = parse_constraint(ConstraintUpdate, data)
    return Data(data=to_shape(await call.write(service.update_constraint, app_id, constraint_id, change)))


@delete("/{constraint_id:str}", status_code=200)
async def delete_constraint(call: Caller, app_id: FromPath[str], constraint_id: FromPath[str]) -> SuccessFlag:
    await call.write(service.delete_constraint, app_id, constraint_id)
    return SuccessFlag(success=True)


@get("/{constraint_id:str}/versions")
async def list_versions(
    call: Caller, app_id: FromPath[str], constraint_id: FromPath[str]
) -> Data[list[ConstraintVersionShape]]:
    found = await call.read(service.list_versions, app_id, constraint_id)
    return Data(data=[to_version_shape(each) for each in found])


@get("/{constraint_id:str}/versions/{version:str}")
async def get_version(
    call: Caller, app_id: FromPath[str], constraint_id: FromPath[str], version: FromPath[str]
) -> Data[ConstraintVersionShape]:
    found = await call.read(service.get_version, app_id, constraint_id, parse_version(version))
    return Data(data=to_version_shape(found))


router = Router(
    "/v1/apps/{app_id:str}/constraints",
    route_handlers=[
        *(list_constraints, create_constraint, get_constraint, update_constraint, delete_constraint),
        *(list_versions, get_version),
    ],
    tags=["apps"],
)
