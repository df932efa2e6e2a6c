"""Routes of the log, and of the tokens that open its stream."""

from __future__ import annotations

from typing import Annotated

from litestar import Router, get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter

from sheetport.features.events import service
from sheetport.features.events.model import EventFilter
from sheetport.features.events.schemas import (
    EventConfig,
    EventShape,
    SubscriptionShape,
    to_draft,
    to_shape,
    to_subscription,
)
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Success
from sheetport.http.parameters import EnvironmentId, PageNumber, PageSize, SpaceId
from sheetport.kernel.errors import Invalid
from sheetport.kernel.paging import page_of

Since = Annotated[
    str | None, QueryParameter(name="since", description="An ISO time, inclusive, or an event's id, exclusive.")
]
Scope = Annotated[str | None, QueryParameter(name="scope", description="The id of the environment or space to follow.")]
IncludeAcknowledged = Annotated[bool | None, QueryParameter(name="includeAcknowledged")]


@get("/")
async def list_events(
    call: Caller,
    environment_id: EnvironmentId = None,
    space_id: SpaceId = None,
    domain: FromQuery[str | None] = None,
    topic: FromQuery[str | None] = None,
    since: Since = None,
    include_acknowledged: IncludeAcknowledged = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Data[list[EventShape]]:
    wanted = EventFilter(environment_id, space_id, domain, topic, since, bool(include_acknowledged))
    return Data(
        data=[to_shape(e) for e in await call.read(service.list_events, wanted, page_of(page_number, page_size, 10))]
    )


@post("/", status_code=200)
async def create_event(call: Caller, data: JSONBody[EventConfig]) -> Data[EventShape]:
    return Data(data=to_shape(await call.write(service.create_event, to_draft(data))))


@get("/{event_id:str}")
async def get_event(call: Caller, event_id: FromPath[str]) -> Data[EventShape]:
    return Data(data=to_shape(await call.read(service.get_event, event_id)))


@post("/{event_id:str}/ack", status_code=200)
async def acknowledge_event(call: Caller, event_id: FromPath[str]) -> Success:
    await call.write(service.acknowledge_event, event_id)
    return OK


@get("/")
async def get_subscription(call: Caller, follow: Scope = None, space_id: SpaceId = None) -> Data[SubscriptionShape]:
    return Data(data=to_subscription(await call.read(service.mint_subscription, follow or space_id)))


@get("/")
async def get_environment_subscription(call: Caller, environment_id: EnvironmentId = None) -> Data[SubscriptionShape]:
    if not environment_id:
        raise Invalid("environmentId must say which environment to follow.", "environmentId")
    return Data(data=to_subscription(await call.read(service.mint_subscription, environment_id)))


router = Router("/v1/events", route_handlers=[list_events, create_event, get_event, acknowledge_event], tags=["events"])
subscription_router = Router("/v1/subscription", route_handlers=[get_subscription], tags=["events"])
environment_subscription_router = Router(
    "/v1/environments/subscription-token", route_handlers=[get_environment_subscription], tags=["environments"]
)
