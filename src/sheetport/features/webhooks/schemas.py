"""Wire shapes of webhooks and of their deliveries, and the message that a receiver gets."""

from __future__ import annotations

from typing import Any

import msgspec

from sheetport.features.events.model import Event
from sheetport.features.events.schemas import EventShape
from sheetport.features.events.schemas import to_shape as to_event
from sheetport.features.webhooks.model import Delivery, Draft, Outcome, Webhook, WebhookKey
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none
from sheetport.kernel.ids import new_id

#: A message is shorter than this, bytes.
MAX_MESSAGE = 20_000
TEST_TOPIC = "webhook:test"
#: The ids that stay in a context when all else of it is too long.
_IDS = ("accountId", "environmentId", "spaceId", "workbookId", "sheetId", "jobId", "fileId", "documentId", "actorId")
_LONGEST_ID = 200


class CreateWebhook(Wire):
    """``topics`` are every topic by default; ``namespaces``, such as space:red, any."""

    url: str
    environment_id: str | None = None
    space_id: str | None = None
    topics: list[str] | None = None
    namespaces: list[str] | None = None
    description: str | None = None
    state: str | None = None
    reason: str | None = None


class UpdateWebhook(Wire):
    """What is absent stays; an empty text takes it away."""

    url: str | None = None
    topics: list[str] | None = None
    namespaces: list[str] | None = None
    description: str | None = None
    state: str | None = None
    reason: str | None = None


class RotateWebhook(Wire):
    """For how many seconds the key before signs beside the new one: a day by default, 0 not at all."""

    overlap_seconds: int | None = None


class ReplayDeliveries(Wire):
    """``since`` is an ISO 8601 time; without it every dead delivery is sent again."""

    since: str | None = None


class WebhookKeyShape(Wire):
    """``endsAt`` is when the key signs no more; the current one has none."""

    id: str
    public_key: str
    created_at: str
    ends_at: str | None = None


class WebhookShape(Wire):
    """``secret`` is there once, when the webhook is made and when its key is rotated."""

    id: str
    environment_id: str
    url: str
    topics: list[str]
    namespaces: list[str]
    state: str
    keys: list[WebhookKeyShape]
    created_at: str
    updated_at: str
    created_by: str
    space_id: str | None = None
    description: str | None = None
    reason: str | None = None
    failing_since: str | None = None
    held_until: str | None = None
    secret: str | None = None


class DeliveryShape(Wire):
    """``state`` is pending, delivered or dead; ``duration`` is the last attempt's, in milliseconds."""

    event_id: str
    webhook_id: str
    topic: str
    state: str
    attempts: int
    created_at: str
    space_id: str | None = None
    next_attempt_at: str | None = None
    attempted_at: str | None = None
    status: int | None = None
    error: str | None = None
    response: str | None = None
    duration: int | None = None


class TestShape(Wire):
    """What came of a test message."""

    ok: bool
    message_id: str
    duration: int
    status: int | None = None
    error: str | None = None
    response: str | None = None


class ReplayedShape(Wire):
    replayed: int


class Message(Wire):
    """What is posted: the shape of Standard Webhooks, with the event as the API gives it."""

    type: str
    timestamp: str
    data: EventShape | dict[str, Any]


def to_draft(asked: CreateWebhook | UpdateWebhook) -> Draft:
    return Draft(
        asked.url,
        None if asked.topics is None else tuple(asked.topics),
        None if asked.namespaces is None else tuple(asked.namespaces),
        asked.description,
        asked.state,
        asked.reason,
    )


def to_webhook(webhook: Webhook, keys: list[WebhookKey], secret: str | None = None) -> WebhookShape:
    return WebhookShape(
        id=webhook.id,
        environment_id=webhook.environment_id,
        url=webhook.url,
        topics=list(webhook.topics),
        namespaces=list(webhook.namespaces),
        state=webhook.state.value,
        keys=[_to_key(each) for each in keys],
        created_at=iso(webhook.created_at),
        updated_at=iso(webhook.updated_at),
        created_by=webhook.created_by,
        space_id=webhook.space_id,
        description=webhook.description,
        reason=webhook.reason,
        failing_since=iso_or_none(webhook.failing_since),
        held_until=iso_or_none(webhook.held_until),
        secret=secret,
    )


def to_delivery(delivery: Delivery) -> DeliveryShape:
    return DeliveryShape(
        event_id=delivery.event_id,
        webhook_id=delivery.webhook_id,
        topic=delivery.topic,
        state=delivery.state.value,
        attempts=delivery.attempts,
        created_at=iso(delivery.created_at),
        space_id=delivery.space_id,
        next_attempt_at=iso_or_none(delivery.next_attempt_at),
        attempted_at=iso_or_none(delivery.attempted_at),
        status=delivery.status,
        error=delivery.error,
        response=delivery.response,
        duration=delivery.duration,
    )


def to_test(outcome: Outcome) -> TestShape:
    return TestShape(
        ok=outcome.ok,
        message_id=outcome.event_id,
        duration=outcome.duration,
        status=outcome.status,
        error=outcome.error,
        response=outcome.response,
    )


def message_of(event: Event, base_url: str) -> bytes:
    """An event as it is posted. One that is too long says where the whole of it is, and keeps what is short."""
    shape = to_event(event)
    body = _encoded(shape)
    if len(body) < MAX_MESSAGE:
        return body
    whole = {"truncated": True, "eventUrl": f"{base_url}/v1/events/{event.id}"}
    kept: dict[str, Any] = {**msgspec.to_builtins(shape), **whole, "payload": {}}
    for dropped in ("attributes", "origin", "context", "namespaces", "dataUrl", "callbackUrl", "target"):
        body = _message(event, kept)
        if len(body) < MAX_MESSAGE:
            return body
        kept.pop(dropped, None)
        if dropped == "context":
            kept["context"] = {name: event.context[name] for name in _IDS if _is_short(event.context.get(name))}
    return _message(event, kept)


def test_message(webhook: Webhook, now: int) -> tuple[str, bytes]:
    """The id and the body of a message that only tries the way."""
    message_id = new_id("evt", webhook.environment_id)
    said = {"webhookId": webhook.id, "environmentId": webhook.environment_id, "message": "This is a test."}
    return message_id, msgspec.json.encode(Message(type=TEST_TOPIC, timestamp=iso(now), data=said))


def _message(event: Event, data: dict[str, Any]) -> bytes:
    return msgspec.json.encode(Message(type=event.topic, timestamp=iso(event.created_at), data=data))


def _encoded(shape: EventShape) -> bytes:
    return msgspec.json.encode(Message(type=shape.topic, timestamp=shape.created_at, data=shape))


def _is_short(value: Any) -> bool:
    return isinstance(value, str) and len(value) < _LONGEST_ID


def _to_key(key: WebhookKey) -> WebhookKeyShape:
    return WebhookKeyShape(
        id=key.id, public_key=key.public_key, created_at=iso(key.created_at), ends_at=iso_or_none(key.ends_at)
    )
