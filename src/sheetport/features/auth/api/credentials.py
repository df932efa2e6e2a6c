"""Routes of credentials of every kind, which are our own: listing, changing, ending, importing, and their age."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, delete, get, patch, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.auth import service
from sheetport.features.auth.model import CredentialFilter
from sheetport.features.auth.schemas.credentials import (
    CredentialChange,
    CredentialShape,
    ImportedToken,
    KeyPolicy,
    imported_kind,
    time_of,
    to_change,
    to_credential,
)
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Listed, Success, pagination_of
from sheetport.http.parameters import EnvironmentId, PageNumber, PageSize
from sheetport.kernel.paging import page_of

_PAGE = 100
State = Annotated[str, QueryParameter(name="state", description="live, ended or all.")]
Kind = Annotated[
    str | None, QueryParameter(name="kind", description="secret_key, publishable_key, personal, client or agent_token.")
]
IdleDays = Annotated[int | None, QueryParameter(name="idleDays", description="Not used for so many days.")]
ExpiringDays = Annotated[int | None, QueryParameter(name="expiringDays", description="Ending within so many days.")]
OlderThanDays = Annotated[
    int | None,
    QueryParameter(
        name="olderThanDays", description="Made more days ago than this; by default what the policy says, else 90."
    ),
]


@get("/")
async def list_credentials(
    call: Caller,
    in_state: State = "live",
    kind: Kind = None,
    environment_id: EnvironmentId = None,
    idle_days: IdleDays = None,
    expiring_days: ExpiringDays = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[CredentialShape]:
    wanted = CredentialFilter(in_state, kind, environment_id, idle_days, expiring_days)
    paged = await call.read(service.list_credentials, wanted, page_of(page_number, page_size, _PAGE))
    now = call.db.clock.now()
    return Listed(data=[to_credential(each, now) for each in paged.items], pagination=pagination_of(paged))


@get("/due")
async def list_due_credentials(
    call: Caller,
    older_than_days: OlderThanDays = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[CredentialShape]:
    page, longest = page_of(page_number, page_size, _PAGE), call.settings.key_max_age_days
    paged = await call.read(service.list_due, older_than_days, longest, page)
    now = call.db.clock.now()
    return Listed(data=[to_credential(each, now) for each in paged.items], pagination=pagination_of(paged))


@post("/import", status_code=200)
async def import_credential(call: Caller, data: JSONBody[ImportedToken]) -> Data[CredentialShape]:
    credential = await call.write(
        service.import_credential,
        data.token,
        kind=imported_kind(data.type),
        environment_id=data.environment_id,
        name=data.name,
        rotate_by=time_of(data.rotate_by, "rotateBy"),
        max_age_days=call.settings.key_max_age_days,
    )
    return Data(data=to_credential(credential, call.db.clock.now()))


@patch("/{credential_id:str}")
async def update_credential(
    call: Caller, credential_id: FromPath[str], data: JSONBody[CredentialChange]
) -> Data[CredentialShape]:
    wanted, given = to_change(data)
    changed = await call.write(service.change_credential, credential_id, wanted, given, call.settings.key_max_age_days)
    return Data(data=to_credential(changed, call.db.clock.now()))


@delete("/{credential_id:str}", status_code=200)
async def delete_credential(call: Caller, credential_id: FromPath[str]) -> Success:
    await call.write(service.end_credential, credential_id)
    return OK


@get("/")
async def get_key_policy(call: Caller) -> Data[KeyPolicy]:
    return Data(data=KeyPolicy(max_age_days=await call.read(service.get_key_max_age)))


@put("/", status_code=200)
async def set_key_policy(call: Caller, data: JSONBody[KeyPolicy]) -> Data[KeyPolicy]:
    await call.write(service.set_key_max_age, data.max_age_days)
    return Data(data=data)


router = Router(
    "/v1/auth/credentials",
    route_handlers=[
        list_credentials,
        list_due_credentials,
        import_credential,
        update_credential,
        delete_credential,
    ],
    tags=["auth"],
)
policy_router = Router("/v1/auth/key-policy", route_handlers=[get_key_policy, set_key_policy], tags=["auth"])
