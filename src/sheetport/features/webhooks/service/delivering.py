"""What the sender asks of the database: what there is to send, and what became of it.

A webhook is delivered by one process at a time, which says so with every turn. A turn is one transaction: outcomes of
attempts are written, new events become deliveries, the position goes on, and what is due is handed out. What was handed
out and not settled is due again as soon as another process has the webhook: so nothing is lost, and what is sent twice
has the same id.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace

from sheetport.features.alerts import service as alerts
from sheetport.features.events import service as events
from sheetport.features.events.model import Channel, Event
from sheetport.features.webhooks.model import (
    FAILING_LIMIT,
    MAX_RETRY_AFTER,
    SCHEDULE,
    Delivery,
    DeliveryState,
    Outcome,
    State,
    Webhook,
    Work,
    next_attempt,
)
from sheetport.features.webhooks.service.keys import open_keys
from sheetport.features.webhooks.store import deliveries
from sheetport.features.webhooks.store import webhooks as store
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import iso
from sheetport.kernel.standard_webhooks import SigningKey
from sheetport.storage.unit_of_work import UnitOfWork

#: So many events of the log are looked at in one go.
LOOKED_AT = 200
_SWEPT = 200
_random = random.Random()  # noqa: S311 - spreads attempts, guards nothing  # nosec B311


@dataclass(frozen=True, slots=True)
class Fresh:
    """Events behind a webhook's position that fit it, as far as ``position``; whether there may be more."""

    position: int
    events: list[Event] = field(default_factory=list)
    more: bool = False


@dataclass(frozen=True, slots=True)
class Parcel:
    """An attempt to be made."""

    delivery: Delivery
    event: Event


@dataclass(frozen=True, slots=True)
class Turn:
    """What a process gets that delivers for a webhook. Unless it ``delivers``, nothing more is to be sent now."""

    webhook: Webhook
    delivers: bool
    parcels: list[Parcel] = field(default_factory=list)
    keys: list[SigningKey] = field(default_factory=list)


async def list_work(uow: UnitOfWork) -> list[Work]:
    """Every enabled webhook with what there may be to do for it."""
    return await store.list_work(uow)


async def release_webhooks(uow: UnitOfWork, holder: str | None = None) -> None:
    """Leave what ``holder`` delivers to others; what anybody does, when it is sure that there is nobody any more."""
    await store.release_webhooks(uow, holder)


async def look_ahead(uow: UnitOfWork, webhook: Webhook, after: int) -> Fresh:
    """What the log holds for a webhook behind position ``after``."""
    newest = await events.find_newest_position(uow, webhook.environment_id)
    if newest <= after:
        return Fresh(after)
    found = await events.read_channel(uow, Channel(webhook.environment_id, webhook.space_id), after, LOOKED_AT)
    is_full = len(found) == LOOKED_AT
    position = (found[-1].position or after) if is_full else newest
    return Fresh(position, [event for event in found if webhook.fits(event)], is_full)


async def take_turn(
    uow: UnitOfWork, webhook: Webhook, holder: str, outcomes: list[Outcome], fresh: Fresh, sending: set[str], most: int
) -> Turn | None:
    """Settle ``outcomes`` and hand out at most ``most`` deliveries beside those that are being sent.

    None when another process delivers for the webhook, or it is gone: what was not settled is its business then.
    """
    held = await store.hold_webhook(uow, webhook.environment_id, webhook.id, holder)
    if held is None:
        return None
    held = await _settle(uow, held, outcomes)
    if held.state is not State.ENABLED or (held.held_until or 0) > uow.now:
        return Turn(held, delivers=False)
    if fresh.position > held.position:
        await deliveries.insert_deliveries(uow, [_delivery(uow, held, event) for event in fresh.events])
        await store.advance_webhook(uow, held, fresh.position)
    parcels = await _due(uow, held, sending, most) if most > 0 else []
    return Turn(held, delivers=True, parcels=parcels, keys=await open_keys(uow, held) if parcels or sending else [])


async def sweep_deliveries(uow: UnitOfWork, before: int) -> bool:
    """Delete some of the deliveries made before a moment; whether there may be more."""
    return await deliveries.delete_before(uow, before, _SWEPT) == _SWEPT


async def _due(uow: UnitOfWork, webhook: Webhook, sending: set[str], most: int) -> list[Parcel]:
    due = await deliveries.list_due(uow, webhook, most + len(sending))
    due = [each for each in due if each.event_id not in sending][:most]
    found = await events.read_events(uow, webhook.environment_id, [each.event_id for each in due])
    lost = [each for each in due if each.event_id not in found]
    said = "The log does not hold the event any more."
    gone = [replace(each, state=DeliveryState.DEAD, next_attempt_at=None, error=said) for each in lost]
    await deliveries.settle_deliveries(uow, gone)
    return [Parcel(each, found[each.event_id]) for each in due if each.event_id in found]


async def _settle(uow: UnitOfWork, webhook: Webhook, outcomes: list[Outcome]) -> Webhook:
    """Write what attempts came to, and what that says of the receiver."""
    if not outcomes:
        return webhook
    await deliveries.settle_deliveries(uow, [_settled(uow, webhook, each) for each in outcomes])
    last = max(outcomes, key=lambda each: each.at)
    succeeded = any(each.ok for each in outcomes)
    since = None if last.ok else (uow.now if succeeded or webhook.failing_since is None else webhook.failing_since)
    asked = max((min(each.retry_after or 0, MAX_RETRY_AFTER) for each in outcomes), default=0)
    held_until = uow.now + asked if asked else (webhook.held_until if (webhook.held_until or 0) > uow.now else None)
    if (since, held_until) != (webhook.failing_since, webhook.held_until):
        await store.set_health(uow, webhook, since, held_until)
        webhook = replace(webhook, failing_since=since, held_until=held_until)
    if webhook.state is not State.ENABLED:
        return webhook
    if any(each.gone for each in outcomes):
        return await _disable(uow, webhook, "gone", "The receiver answered 410: it takes nothing any more.")
    if since is not None and since <= uow.now - FAILING_LIMIT:
        return await _disable(uow, webhook, "failing", f"Every delivery has failed since {iso(since)}.")
    return webhook


def _settled(uow: UnitOfWork, webhook: Webhook, outcome: Outcome) -> Delivery:
    """The delivery as an attempt leaves it; only what the attempt changed is written."""
    again = None
    if outcome.ok:
        state = DeliveryState.DELIVERED
    else:
        again = next_attempt(outcome.attempts + 1, uow.now, _random.random(), outcome.retry_after)
        state = DeliveryState.DEAD if again is None else DeliveryState.PENDING
    return Delivery(
        webhook.environment_id,
        webhook.id,
        outcome.event_id,
        0,
        "",
        None,
        state,
        min(outcome.attempts + 1, len(SCHEDULE)),
        again,
        0,
        outcome.status,
        outcome.error,
        outcome.response,
        outcome.duration,
        outcome.at,
    )


async def _disable(uow: UnitOfWork, webhook: Webhook, word: str, reason: str) -> Webhook:
    """Send nothing more, and tell of it."""
    disabled = replace(webhook, state=State.DISABLED, reason=reason, updated_at=uow.now)
    await store.update_webhook(uow, disabled)
    await deliveries.give_up_pending(uow, disabled, f"The webhook was disabled. {reason}")
    actor = system_actor(webhook.account_id, webhook.environment_id)
    name = webhook.description or webhook.id
    await alerts.raise_alert(
        uow, actor, "webhook:disabled", webhook.id, environment_id=webhook.environment_id, reason=word, name=name
    )
    return disabled


def _delivery(uow: UnitOfWork, webhook: Webhook, event: Event) -> Delivery:
    return Delivery(
        webhook.environment_id,
        webhook.id,
        event.id,
        event.position or 0,
        event.topic,
        event.space_id,
        DeliveryState.PENDING,
        0,
        uow.now,
        uow.now,
    )
