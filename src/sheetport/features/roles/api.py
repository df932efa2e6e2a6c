"""Routes of roles. Who has which role is asked of users, guests and agents."""

from __future__ import annotations

from litestar import Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody

from sheetport.features.roles import service
from sheetport.features.roles.schemas import CreateRole, RoleShape, UpdateRole, to_role
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Success


@get("/")
async def list_roles(call: Caller) -> Data[list[RoleShape]]:
    return Data(data=[to_role(role) for role in await call.read(service.list_roles)])


@post("/", status_code=200)
async def create_role(call: Caller, data: JSONBody[CreateRole]) -> Data[RoleShape]:
    return Data(data=to_role(await call.write(service.create_role, data.name, data.permissions)))


@patch("/{role_id:str}")
async def update_role(call: Caller, role_id: FromPath[str], data: JSONBody[UpdateRole]) -> Data[RoleShape]:
    return Data(data=to_role(await call.write(service.update_role, role_id, data.name, data.permissions)))


@delete("/{role_id:str}", status_code=200)
async def delete_role(call: Caller, role_id: FromPath[str]) -> Success:
    await call.write(service.delete_role, role_id)
    return OK


router = Router("/v1/roles", route_handlers=[list_roles, create_role, update_role, delete_role], tags=["roles"])
