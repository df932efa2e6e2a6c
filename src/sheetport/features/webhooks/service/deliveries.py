"""The delivery log: listed, read, and sent again."""

from __future__ import annotations

from sheetport.features.audit import service as audit
from sheetport.features.events import service as events
from sheetport.features.webhooks.model import Delivery, State, Webhook
from sheetport.features.webhooks.service import rules
from sheetport.features.webhooks.service.webhooks import reach_webhook
from sheetport.features.webhooks.store import deliveries as store
from sheetport.kernel.actor import Actor
from sheetport.kernel.clock import parse_iso
from sheetport.kernel.errors import Conflict, Invalid, NotFound
from sheetport.kernel.paging import Page, Paged
from sheetport.kernel.permissions import Permission, require
from sheetport.storage.unit_of_work import UnitOfWork


async def list_deliveries(
    uow: UnitOfWork, actor: Actor, webhook_id: str, state: str | None, page: Page
) -> Paged[Delivery]:
    """A webhook's deliveries, the newest event first, all or those of one state. Raises NotFound, Invalid."""
    actor = require(actor, Permission.WEBHOOK_READ)
    webhook = await reach_webhook(uow, actor, webhook_id)
    found, total = await store.list_deliveries(uow, webhook, rules.checked_delivery_state(state), page)
    return Paged(found, page, total)


async def get_delivery(uow: UnitOfWork, actor: Actor, webhook_id: str, event_id: str) -> Delivery:
    """What became of an event. Raises NotFound."""
    actor = require(actor, Permission.WEBHOOK_READ)
    webhook = await reach_webhook(uow, actor, webhook_id)
    return await _get(uow, webhook, event_id)


async def replay_delivery(uow: UnitOfWork, actor: Actor, webhook_id: str, event_id: str) -> Delivery:
    """Send an event once more, whatever became of it. Raises NotFound, and Conflict when that cannot be."""
    actor = require(actor, Permission.WEBHOOK_WRITE)
    webhook = await _reach_enabled(uow, actor, webhook_id)
    await _get(uow, webhook, event_id)
    if not await events.read_events(uow, webhook.environment_id, [event_id]):
        raise Conflict("The log does not hold this event any more, so it cannot be sent again.", "eventId")
    await store.replay_delivery(uow, webhook, event_id)
    await _record(uow, actor, webhook, event=event_id)
    return await _get(uow, webhook, event_id)


async def replay_dead(uow: UnitOfWork, actor: Actor, webhook_id: str, since: str | None) -> int:
    """Send every dead delivery made since an ISO time (or ever) once more; how many. Raises NotFound, Invalid."""
    actor = require(actor, Permission.WEBHOOK_WRITE)
    webhook = await _reach_enabled(uow, actor, webhook_id)
    try:
        moment = parse_iso(since) if since else 0
    except ValueError:
        raise Invalid("since must be an ISO 8601 time, such as 2027-01-31T12:00:00Z.", "since") from None
    count = await store.replay_dead(uow, webhook, moment)
    await _record(uow, actor, webhook, count=count)
    return count


async def _reach_enabled(uow: UnitOfWork, actor: Actor, webhook_id: str) -> Webhook:
    webhook = await reach_webhook(uow, actor, webhook_id)
    if webhook.state is not State.ENABLED:
        raise Conflict(f"The webhook is {webhook.state.value}, and nothing is sent: enable it first.", "state")
    return webhook


async def _get(uow: UnitOfWork, webhook: Webhook, event_id: str) -> Delivery:
    found = await store.find_delivery(uow, webhook, event_id)
    if found is None:
        raise NotFound(f"This webhook has no delivery of an event {event_id[:60]!r}.", "eventId")
    return found


async def _record(uow: UnitOfWork, actor: Actor, webhook: Webhook, **detail: object) -> None:
    await audit.record(uow, actor, "webhook:replay", webhook.id, environment_id=webhook.environment_id, **detail)
