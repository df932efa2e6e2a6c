"""Routes of secrets and of environment variables."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, delete, get, post, put
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from sheetport.features.secrets import service
from sheetport.features.secrets.schemas import (
    DataKeyShape,
    FoundSecret,
    PromoteSecret,
    RollBackSecret,
    RotateSecret,
    ScheduleShape,
    SecretShape,
    SecretVersionShape,
    SoundShape,
    VariableShape,
    WriteSchedule,
    WriteSecret,
    WriteVariable,
    to_found,
    to_schedule_shape,
    to_shape,
    to_version_shape,
)
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Success
from sheetport.http.parameters import EnvironmentId, SpaceId

ActorId = Annotated[str | None, QueryParameter(name="actorId", description="Whose own secrets to include.")]
Label = Annotated[
    str | None, QueryParameter(name="label", description="current (the default), previous or pending versions.")
]
Listener = Annotated[
    str | None, HeaderParameter(name="X-Listener", description="What the reader calls itself, for the audit log.")
]
RequestKey = Annotated[
    str | None,
    HeaderParameter(name="Idempotency-Key", description="A call with the same key changes nothing further."),
]
At = Annotated[str | None, QueryParameter(name="at", description="A time, such as 2027-01-31T12:00:00Z.")]
Name = Annotated[str, QueryParameter(name="name", description="A name; * stands for any text, case does not count.")]
#: Values in the clear belong in no cache on their way.
_HEADERS = {"Cache-Control": "no-store"}


@get("/")
async def list_secrets(
    call: Caller,
    environment_id: EnvironmentId = None,
    space_id: SpaceId = None,
    actor_id: ActorId = None,
    label: Label = None,
    listener: Listener = None,
) -> Data[list[SecretShape]]:
    scope = (environment_id, space_id, actor_id)
    found = await call.read(service.list_secrets, *scope, label=label, listener=listener)
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


@get("/versions")
async def list_versions_at(
    call: Caller,
    environment_id: EnvironmentId = None,
    space_id: SpaceId = None,
    actor_id: ActorId = None,
    at: At = None,
) -> Data[list[SecretVersionShape]]:
    """Which version of each secret was in force at a time, without values."""
    found = await call.read(service.list_versions_at, at, environment_id, space_id, actor_id)
    return Data(data=[to_version_shape(version) for version in found])


@get("/search")
async def search_secrets(call: Caller, name: Name) -> Data[list[FoundSecret]]:
    """Where secrets of a name are set, over all environments that the token reaches; never values."""
    found = await call.read(service.search_names, name)
    return Data(data=[to_found(one) for one in found])


@get("/verify")
async def verify_secrets(call: Caller, environment_id: EnvironmentId = None) -> Data[SoundShape]:
    """Whether the environment's stored secrets are those that were written: none altered, taken away or put back."""
    faults = await call.write_much(service.verify_secrets, environment_id)
    return Data(data=SoundShape(sound=not faults, faults=faults))


@post("/rekey", status_code=200)
async def rekey_secrets(call: Caller, environment_id: EnvironmentId = None) -> Data[DataKeyShape]:
    """Seal the environment's secrets and variables under a new data key, while others read and write."""
    key_id, account_id, environment = await call.write(service.begin_rekey, environment_id)
    done = await service.rekey_environment(call.db, account_id, environment)
    return Data(data=DataKeyShape(key=key_id, sealed=done.done, stuck=done.stuck))


@get("/{secret_id:str}/versions")
async def list_versions(call: Caller, secret_id: FromPath[str]) -> Data[list[SecretVersionShape]]:
    """The versions of a secret, newest first, without values."""
    return Data(data=[to_version_shape(one) for one in await call.read(service.list_versions, secret_id)])


@post("/{secret_id:str}/rotate", status_code=200)
async def rotate_secret(
    call: Caller, secret_id: FromPath[str], data: JSONBody[RotateSecret], request_key: RequestKey = None
) -> Data[SecretVersionShape]:
    """Give a secret another value, in force at once or, as ``pending``, once it is promoted."""
    made = await call.write(
        service.rotate_secret,
        secret_id,
        value=data.value,
        length=data.length,
        pending=data.pending,
        overlap=data.overlap_seconds,
        request_key=request_key,
    )
    return Data(data=to_version_shape(made))


@post("/{secret_id:str}/promote", status_code=200)
async def promote_secret(
    call: Caller, secret_id: FromPath[str], data: JSONBody[PromoteSecret]
) -> Data[SecretVersionShape]:
    """Put the pending version in force."""
    promoted = await call.write(service.promote_secret, secret_id, version=data.version, overlap=data.overlap_seconds)
    return Data(data=to_version_shape(promoted))


@post("/{secret_id:str}/rollback", status_code=200)
async def roll_back_secret(
    call: Caller, secret_id: FromPath[str], data: JSONBody[RollBackSecret], request_key: RequestKey = None
) -> Data[SecretVersionShape]:
    """Bring an earlier value back, as a new version."""
    made = await call.write(
        service.roll_back_secret,
        secret_id,
        version=data.version,
        overlap=data.overlap_seconds,
        request_key=request_key,
    )
    return Data(data=to_version_shape(made))


@put("/{secret_id:str}/schedule")
async def set_schedule(call: Caller, secret_id: FromPath[str], data: JSONBody[WriteSchedule]) -> Data[ScheduleShape]:
    """Have a secret rotated every so many days: an event reminds of it, a week ahead and on the day."""
    return Data(data=to_schedule_shape(await call.write(service.set_schedule, secret_id, data.days)))


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
    route_handlers=[
        list_secrets,
        upsert_secret,
        delete_secret,
        list_versions_at,
        search_secrets,
        verify_secrets,
        rekey_secrets,
        list_versions,
        rotate_secret,
        promote_secret,
        roll_back_secret,
        set_schedule,
    ],
    response_headers=_HEADERS,
    tags=["secrets"],
)
variables_router = Router(
    "/v1/environments/{environment_id:str}/variables",
    route_handlers=[list_variables, set_variable, delete_variable],
    response_headers=_HEADERS,
    tags=["variables"],
)
