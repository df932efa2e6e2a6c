"""Routes of sign-in, keys and tokens."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Router, delete, get, post
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from sheetport.features.auth import service
from sheetport.features.auth.schemas import (
    AccessToken,
    ApiKey,
    ApiToken,
    CreatedPersonalAccessToken,
    CreatePersonalAccessToken,
    Credentials,
    PersonalAccessToken,
    RotatedPersonalAccessToken,
    kind_of,
    pair_of,
    to_access_token,
    to_api_key,
    to_api_token,
    to_personal_access_token,
)
from sheetport.features.auth.schemas.credentials import NewCredential, NewUserCredential, to_wanted
from sheetport.http.auth import PUBLIC
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Listed, Success, pagination_of
from sheetport.http.parameters import PageNumber, PageSize
from sheetport.http.rates import RATE
from sheetport.http.visitors import visitor_of
from sheetport.kernel.errors import Forbidden
from sheetport.kernel.paging import page_of
from sheetport.kernel.rates import Bucket

#: Tokens in the clear belong in no cache on their way.
_HEADERS = {"Cache-Control": "no-store"}
KeyEnvironment = Annotated[str, QueryParameter(name="environmentId", description="Whose keys.")]
KeyType = Annotated[str, QueryParameter(name="type", description="SECRET or PUBLISHABLE.")]
Key = Annotated[str, QueryParameter(name="key", description="The key's id, or the key itself.")]
OverlapSeconds = Annotated[
    int | None,
    QueryParameter(
        name="overlapSeconds",
        description="How long both are good: 0 (the old one ends now) to 2592000 (30 days), by default a day.",
    ),
]
IdempotencyKey = Annotated[
    str | None,
    HeaderParameter(
        name="Idempotency-Key",
        description="A repeated call with the same key rotates nothing again: it is answered the same credential, "
        "within ten minutes with its token.",
    ),
]
TenantId = Annotated[str, QueryParameter(name="tenantId", description="The id of your account.")]


@post("/", status_code=200, opt={**PUBLIC, RATE: Bucket.SIGN_INS})
async def create_access_token(request: Request[Any, Any, Any], data: JSONBody[Credentials]) -> AccessToken:
    is_user, name, secret = pair_of(data)
    db, settings = request.app.state.db, request.app.state.settings
    if not is_user:
        return to_access_token(await service.sign_in_by_client(db, name, secret))
    if not settings.password_tokens:
        raise Forbidden(
            "This server gives no tokens for passwords: sign in by 'sheetport login' (device login, RFC 8628), or use"
            " a personal access token or client credentials."
        )
    return to_access_token(await service.sign_in_by_password(db, name, secret, visitor=visitor_of(request)))


@post("/refresh-token", status_code=200)
async def refresh_token(call: Caller) -> AccessToken:
    return to_access_token(await call.write(service.refresh))


@get("/api-keys")
async def list_api_keys(call: Caller, environment_id: KeyEnvironment) -> Data[list[ApiKey]]:
    return Data(data=[to_api_key(key) for key in await call.read(service.list_keys, environment_id)])


@get("/publishable-key")
async def get_publishable_key(call: Caller, environment_id: KeyEnvironment) -> Data[ApiKey]:
    return Data(data=to_api_key(await call.read(service.get_publishable_key, environment_id)))


@post("/api-key", status_code=200)
async def create_api_key(
    call: Caller, environment_id: KeyEnvironment, key_type: KeyType, data: JSONBody[NewCredential | None] = None
) -> Data[list[ApiKey]]:
    longest = call.settings.key_max_age_days
    fresh, keys = await call.write(service.create_key, environment_id, kind_of(key_type), to_wanted(data), longest)
    return Data(data=[to_api_key(key, fresh) for key in keys])


@delete("/api-key", status_code=200)
async def delete_api_key(call: Caller, environment_id: KeyEnvironment, key: Key) -> Success:
    await call.write(service.delete_key, environment_id, key)
    return OK


@get("/personal-access-tokens")
async def list_personal_access_tokens(call: Caller) -> Data[list[PersonalAccessToken]]:
    return Data(data=[to_personal_access_token(token) for token in await call.read(service.list_tokens)])


@post("/personal-access-tokens", status_code=200)
async def create_personal_access_token(
    call: Caller, data: JSONBody[CreatePersonalAccessToken]
) -> Data[CreatedPersonalAccessToken]:
    made = await call.write(service.create_token, to_wanted(data), call.settings.key_max_age_days)
    shape = to_personal_access_token(made.credential)
    return Data(data=CreatedPersonalAccessToken(token=made.token, personal_access_token=shape))


@delete("/personal-access-tokens/{access_token_id:str}", status_code=200)
async def delete_personal_access_token(call: Caller, access_token_id: FromPath[str]) -> Success:
    await call.write(service.delete_token, access_token_id)
    return OK


@post("/api-key/rotate", status_code=200)
async def rotate_api_key(
    call: Caller,
    environment_id: KeyEnvironment,
    key: Key,
    overlap_seconds: OverlapSeconds = None,
    idempotency_key: IdempotencyKey = None,
) -> Data[ApiKey]:
    rotated = await call.write(
        service.rotate_key, environment_id, key, overlap_seconds, idempotency_key, call.settings.key_max_age_days
    )
    return Data(data=to_api_key(rotated.credential, rotated))


@post("/personal-access-tokens/{access_token_id:str}/rotate", status_code=200)
async def rotate_personal_access_token(
    call: Caller,
    access_token_id: FromPath[str],
    overlap_seconds: OverlapSeconds = None,
    idempotency_key: IdempotencyKey = None,
) -> Data[RotatedPersonalAccessToken]:
    rotated = await call.write(
        service.rotate_token, access_token_id, overlap_seconds, idempotency_key, call.settings.key_max_age_days
    )
    shape = to_personal_access_token(rotated.credential)
    return Data(data=RotatedPersonalAccessToken(personal_access_token=shape, token=rotated.token))


@get("/")
async def list_api_tokens(
    call: Caller,
    user_id: FromPath[str],
    tenant_id: TenantId,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[ApiToken]:
    paged = await call.read(service.list_clients, user_id, tenant_id, page_of(page_number, page_size, 10))
    return Listed(data=[to_api_token(client) for client in paged.items], pagination=pagination_of(paged))


@post("/", status_code=200)
async def create_api_token(
    call: Caller, user_id: FromPath[str], tenant_id: TenantId, data: JSONBody[NewUserCredential | None] = None
) -> Data[ApiToken]:
    longest = call.settings.key_max_age_days
    made = await call.write(service.create_client, user_id, tenant_id, to_wanted(data), longest)
    return Data(data=to_api_token(made.credential, made.token))


@post("/{client_id:str}/rotate", status_code=200)
async def rotate_api_token(
    call: Caller,
    user_id: FromPath[str],
    client_id: FromPath[str],
    overlap_seconds: OverlapSeconds = None,
    idempotency_key: IdempotencyKey = None,
) -> Data[ApiToken]:
    rotated = await call.write(
        service.rotate_client, user_id, client_id, overlap_seconds, idempotency_key, call.settings.key_max_age_days
    )
    return Data(data=to_api_token(rotated.credential, rotated.token))


router = Router(
    "/v1/auth",
    route_handlers=[
        create_access_token,
        refresh_token,
        list_api_keys,
        get_publishable_key,
        create_api_key,
        delete_api_key,
        rotate_api_key,
        list_personal_access_tokens,
        create_personal_access_token,
        delete_personal_access_token,
        rotate_personal_access_token,
    ],
    response_headers=_HEADERS,
    tags=["auth"],
)
clients_router = Router(
    "/v1/users/{user_id:str}/api-token",
    route_handlers=[list_api_tokens, create_api_token, rotate_api_token],
    response_headers=_HEADERS,
    tags=["users"],
)
