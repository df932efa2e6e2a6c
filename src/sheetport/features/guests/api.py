"""Routes of guests and of their invitations."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.guests import service
from sheetport.features.guests.schemas import (
    ExchangeRequest,
    ExchangeShape,
    GuestShape,
    GuestToken,
    InvitedFlag,
    parse_change,
    parse_drafts,
    parse_invites,
    to_exchanged,
    to_invited,
    to_shape,
)
from sheetport.features.mail import service as mail
from sheetport.features.roles.schemas import ActorRoleShape, AssignActorRole, to_actor_role
from sheetport.http.auth import PUBLIC
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Success
from sheetport.http.parameters import SpaceId
from sheetport.http.rates import RATE
from sheetport.kernel.rates import Bucket

#: Tokens and links in the clear belong in no cache on their way.
_HEADERS = {"Cache-Control": "no-store"}
ListedSpace = Annotated[str, QueryParameter(name="spaceId", description="Whose guests.")]
Email = Annotated[str | None, QueryParameter(name="email", description="Only the guest with this address.")]


@get("/")
async def list_guests(call: Caller, space_id: ListedSpace, email: Email = None) -> Data[list[GuestShape]]:
    return Data(data=[to_shape(guest) for guest in await call.read(service.list_guests, space_id, email)])


@post("/", status_code=200)
async def create_guests(call: Caller, data: JSONBody[list[dict[str, Any]]]) -> Data[list[GuestShape]]:
    return Data(data=[to_shape(guest) for guest in await call.write(service.create_guests, parse_drafts(data))])


@get("/{guest_id:str}")
async def get_guest(call: Caller, guest_id: FromPath[str]) -> Data[GuestShape]:
    return Data(data=to_shape(await call.read(service.get_guest, guest_id)))


@patch("/{guest_id:str}")
async def update_guest(call: Caller, guest_id: FromPath[str], data: JSONBody[dict[str, Any]]) -> Data[GuestShape]:
    return Data(data=to_shape(await call.write(service.update_guest, guest_id, parse_change(data))))


@delete("/{guest_id:str}", status_code=200)
async def delete_guest(call: Caller, guest_id: FromPath[str], space_id: SpaceId = None) -> Success:
    await call.write(service.delete_guest, guest_id, space_id)
    return OK


@get("/{guest_id:str}/token")
async def get_guest_token(call: Caller, guest_id: FromPath[str], space_id: SpaceId = None) -> Data[GuestToken]:
    # A write: that somebody acts as a guest is recorded.
    return Data(data=GuestToken(token=await call.write(service.get_token, guest_id, space_id), valid=True))


@post("/", status_code=200)
async def invite_guests(call: Caller, data: JSONBody[list[dict[str, Any]]]) -> Data[InvitedFlag]:
    settings = call.settings
    links = await call.write(
        service.invite, parse_invites(data), settings.http.base_url, sends_mail=mail.configured(settings)
    )
    return Data(data=to_invited(links))


@post("/exchange", status_code=200, opt={**PUBLIC, RATE: Bucket.EXCHANGES})
async def exchange_token(
    request: Request[Any, Any, Any], data: JSONBody[ExchangeRequest | None] = None
) -> Data[ExchangeShape]:
    state, sent = request.app.state, data or ExchangeRequest()
    base_url, sends_mail = state.settings.http.base_url, mail.configured(state.settings)
    found = await state.db.write(
        lambda uow: service.exchange(uow, sent.token, sent.email, sent.space_id, base_url, sends_mail=sends_mail)
    )
    return Data(data=to_exchanged(found))


@get("/{guest_id:str}/roles")
async def list_guest_roles(call: Caller, guest_id: FromPath[str]) -> Data[list[ActorRoleShape]]:
    return Data(data=[to_actor_role(each) for each in await call.read(service.list_guest_roles, guest_id)])


@post("/{guest_id:str}/roles", status_code=200)
async def assign_guest_role(
    call: Caller, guest_id: FromPath[str], data: JSONBody[AssignActorRole]
) -> Data[ActorRoleShape]:
    given = await call.write(service.assign_guest_role, guest_id, data.role_id, data.resource_id)
    return Data(data=to_actor_role(given))


@delete("/{guest_id:str}/roles/{actor_role_id:str}", status_code=200)
async def remove_guest_role(call: Caller, guest_id: FromPath[str], actor_role_id: FromPath[str]) -> Success:
    await call.write(service.remove_guest_role, guest_id, actor_role_id)
    return OK


router = Router(
    "/v1/guests",
    route_handlers=[
        list_guests,
        create_guests,
        get_guest,
        update_guest,
        delete_guest,
        get_guest_token,
        list_guest_roles,
        assign_guest_role,
        remove_guest_role,
    ],
    response_headers=_HEADERS,
    tags=["guests"],
)
invitations_router = Router(
    "/v1/invitations", route_handlers=[invite_guests, exchange_token], response_headers=_HEADERS, tags=["guests"]
)
