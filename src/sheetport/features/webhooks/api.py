"""Routes of webhooks and of their deliveries."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Router, delete, get, patch, post
from litestar.params import FromPath, JSONBody, QueryParameter

from sheetport.features.egress.model import EgressFailed, EgressRefused
from sheetport.features.webhooks import service
from sheetport.features.webhooks.model import Scope
from sheetport.features.webhooks.schemas import (
    CreateWebhook,
    DeliveryShape,
    ReplayDeliveries,
    ReplayedShape,
    RotateWebhook,
    TestShape,
    UpdateWebhook,
    WebhookShape,
    test_message,
    to_delivery,
    to_draft,
    to_test,
    to_webhook,
)
from sheetport.features.webhooks.service.rules import checked_url
from sheetport.http.dependencies import Caller
from sheetport.http.envelope import OK, Data, Listed, Success, pagination_of
from sheetport.http.parameters import EnvironmentId, PageNumber, PageSize, SpaceId
from sheetport.kernel.errors import Invalid
from sheetport.kernel.paging import page_of

DeliveryStateName = Annotated[
    str | None, QueryParameter(name="state", description="Only deliveries that are pending, delivered or dead.")
]


@get("/")
async def list_webhooks(
    call: Caller,
    environment_id: EnvironmentId = None,
    space_id: SpaceId = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[WebhookShape]:
    page = page_of(page_number, page_size, 20)
    paged = await call.read(service.list_webhooks, environment_id, space_id, page)
    return Listed(data=[to_webhook(*each) for each in paged.items], pagination=pagination_of(paged))


@post("/", status_code=200)
async def create_webhook(
    request: Request[Any, Any, Any], call: Caller, data: JSONBody[CreateWebhook]
) -> Data[WebhookShape]:
    scope = await call.read(service.get_scope, data.environment_id, data.space_id)
    await _require_reachable(request, scope, data.url)
    webhook, key = await call.write(service.create_webhook, scope, to_draft(data))
    _, keys = await call.read(service.get_webhook, webhook.id)
    return Data(data=to_webhook(webhook, keys, key.secret))


@get("/{webhook_id:str}")
async def get_webhook(call: Caller, webhook_id: FromPath[str]) -> Data[WebhookShape]:
    return Data(data=to_webhook(*await call.read(service.get_webhook, webhook_id)))


@patch("/{webhook_id:str}")
async def update_webhook(
    request: Request[Any, Any, Any], call: Caller, webhook_id: FromPath[str], data: JSONBody[UpdateWebhook]
) -> Data[WebhookShape]:
    if data.url is not None:
        await _require_reachable(request, await call.read(service.get_scope_of, webhook_id), data.url)
    return Data(data=to_webhook(*await call.write(service.update_webhook, webhook_id, to_draft(data))))


@delete("/{webhook_id:str}", status_code=200)
async def delete_webhook(call: Caller, webhook_id: FromPath[str]) -> Success:
    await call.write(service.delete_webhook, webhook_id)
    return OK


@post("/{webhook_id:str}/rotate", status_code=200)
async def rotate_webhook(
    call: Caller, webhook_id: FromPath[str], data: JSONBody[RotateWebhook | None] = None
) -> Data[WebhookShape]:
    overlap = None if data is None else data.overlap_seconds
    webhook, keys, key = await call.write(service.rotate_webhook, webhook_id, overlap)
    return Data(data=to_webhook(webhook, keys, key.secret))


@post("/{webhook_id:str}/test", status_code=200)
async def send_test(request: Request[Any, Any, Any], call: Caller, webhook_id: FromPath[str]) -> Data[TestShape]:
    webhook, keys = await call.write(service.get_signing, webhook_id)
    message_id, body = test_message(webhook, call.db.clock.now())
    calls = request.app.state.kept_calls
    return Data(data=to_test(await service.send_message(calls, call.db.clock, webhook, keys, message_id, body)))


@post("/{webhook_id:str}/replay", status_code=200)
async def replay_dead(
    call: Caller, webhook_id: FromPath[str], data: JSONBody[ReplayDeliveries | None] = None
) -> Data[ReplayedShape]:
    since = None if data is None else data.since
    return Data(data=ReplayedShape(replayed=await call.write(service.replay_dead, webhook_id, since)))


@get("/{webhook_id:str}/deliveries")
async def list_deliveries(
    call: Caller,
    webhook_id: FromPath[str],
    wanted: DeliveryStateName = None,
    page_number: PageNumber = None,
    page_size: PageSize = None,
) -> Listed[DeliveryShape]:
    page = page_of(page_number, page_size, 50)
    paged = await call.read(service.list_deliveries, webhook_id, wanted, page)
    return Listed(data=[to_delivery(each) for each in paged.items], pagination=pagination_of(paged))


@get("/{webhook_id:str}/deliveries/{event_id:str}")
async def get_delivery(call: Caller, webhook_id: FromPath[str], event_id: FromPath[str]) -> Data[DeliveryShape]:
    return Data(data=to_delivery(await call.read(service.get_delivery, webhook_id, event_id)))


@post("/{webhook_id:str}/deliveries/{event_id:str}/replay", status_code=200)
async def replay_delivery(call: Caller, webhook_id: FromPath[str], event_id: FromPath[str]) -> Data[DeliveryShape]:
    return Data(data=to_delivery(await call.write(service.replay_delivery, webhook_id, event_id)))


async def _require_reachable(request: Request[Any, Any, Any], scope: Scope, url: str) -> None:
    """Look, before anything is saved, whether this server may call the address. Raises Invalid."""
    try:
        await request.app.state.kept_calls.check(checked_url(url), scope.account_id, scope.environment_id)
    except (EgressRefused, EgressFailed) as error:
        raise Invalid(error.message, "url") from None


router = Router(
    "/v1/webhooks",
    route_handlers=[
        list_webhooks,
        create_webhook,
        get_webhook,
        update_webhook,
        delete_webhook,
        rotate_webhook,
        send_test,
        replay_dead,
        list_deliveries,
        get_delivery,
        replay_delivery,
    ],
    response_headers={"Cache-Control": "no-store"},
    tags=["webhooks"],
)
