"""Routes of secrets and of environment variables."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, delete, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.secrets import service
from sheetport.features.secrets.schemas import SecretShape, VariableShape, WriteSecret, WriteVariable, to_shape
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Success
from sheetport.http.parameters import EnvironmentId, SpaceId

ActorId = Annotated[str | None, QueryParameter(name="actorId", description="Whose own secrets to include.")]
#: Values in the clear belong in no cache on their way.
_HEADERS = {"Cache-Control": "no-store"}


@get("/")
async def list_secrets(
    call: Caller, environment_id: EnvironmentId = None, space_id: SpaceId = None, actor_id: ActorId = None
) -> Data[list[SecretShape]]:
    found = await call.read(service.list_secrets, environment_id, space_id, actor_id)
    return Data(data=[to_shape(secret) for secret in found])


@post("/", status_code=200)
async def upsert_secret(call: Caller, data: JSONBody[WriteSecret]) -> Data[list[SecretShape]]:
    scope = (data.environment_id, data.space_id, data.actor_id)
    found = await call.write(service.upsert_secret, data.name, data.value, *scope)
    return Data(data=[to_shape(secret) for secret in found])


@delete("/{secret_id:str}", status_code=200)
async def delete_secret(call: Caller, secret_id: FromPath[str]) -> Data[list[SecretShape]]:
    remaining = await call.write(service.delete_secret, secret_id)
    return Data(data=[to_shape(secret) for secret in remaining])


@get("/")
async def list_variables(call: Caller, environment_id: FromPath[str]) -> Data[list[VariableShape]]:
    found = await call.read(service.list_variables, environment_id)
    return Data(data=[VariableShape(name=name, value=value) for name, value in found.items()])


@put("/{name:str}")
async def set_variable(
    call: Caller, environment_id: FromPath[str], name: FromPath[str], data: JSONBody[WriteVariable]
) -> Data[VariableShape]:
    await call.write(service.set_variable, environment_id, name, data.value)
    return Data(data=VariableShape(name=name, value=data.value))


@delete("/{name:str}", status_code=200)
async def delete_variable(call: Caller, environment_id: FromPath[str], name: FromPath[str]) -> Success:
    await call.write(service.delete_variable, environment_id, name)
    return OK


router = Router(
    "/v1/secrets",
    route_handlers=[list_secrets, upsert_secret, delete_secret],
    response_headers=_HEADERS,
    tags=["secrets"],
)
variables_router = Router(
    "/v1/environments/{environment_id:str}/variables",
    route_handlers=[list_variables, set_variable, delete_variable],
    response_headers=_HEADERS,
    tags=["variables"],
)
