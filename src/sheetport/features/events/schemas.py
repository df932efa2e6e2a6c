"""Wire shapes of events, and of the stream that listeners follow."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from sheetport.features.events.model import Event, EventDraft, Subscription
from sheetport.http.wire import Wire
from sheetport.kernel.clock import iso, iso_or_none

#: One key for all: what a subscriber may read is in its token.
SUBSCRIBE_KEY = "sub-c-sheetport"
#: The stream's time tokens are 17 digits: this and a position.
FIRST_TIME = 17_000_000_000_000_000


class EventConfig(Wire):
    """What a caller says of an event to be written."""

    topic: str
    domain: str
    context: dict[str, Any]
    payload: dict[str, Any]
    attributes: dict[str, Any] | None = None
    callback_url: str | None = None
    data_url: str | None = None
    target: str | None = None
    origin: dict[str, Any] | None = None
    namespaces: list[str] | None = None


class EventShape(Wire):
    """An event, the same in lists and on the stream: a filter looks into every key, so there is none beside these."""

    id: str
    topic: str
    domain: str
    context: dict[str, Any]
    payload: dict[str, Any]
    created_at: str
    attributes: dict[str, Any] | None = None
    callback_url: str | None = None
    data_url: str | None = None
    target: str | None = None
    origin: dict[str, Any] | None = None
    namespaces: list[str] | None = None
    acknowledged_at: str | None = None
    acknowledged_by: str | None = None


class SubscriptionShape(Wire):
    """Leave to follow a channel. ``ttl`` is in minutes."""

    account_id: str
    subscribe_key: str
    ttl: int
    token: str


def to_draft(config: EventConfig) -> EventDraft:
    return EventDraft(**msgspec.structs.asdict(config))


def to_shape(event: Event) -> EventShape:
    return EventShape(
        id=event.id,
        topic=event.topic,
        domain=event.domain,
        context=event.context,
        payload=event.payload,
        created_at=iso(event.created_at),
        attributes=event.attributes,
        callback_url=event.callback_url,
        data_url=event.data_url,
        target=event.target,
        origin=event.origin,
        namespaces=event.namespaces or None,
        acknowledged_at=iso_or_none(event.acknowledged_at),
        acknowledged_by=event.acknowledged_by,
    )


def to_subscription(subscription: Subscription) -> SubscriptionShape:
    return SubscriptionShape(
        account_id=subscription.account_id,
        subscribe_key=SUBSCRIBE_KEY,
        ttl=subscription.minutes,
        token=subscription.token,
    )


def stream_message(event: Event, channel: str) -> bytes:
    """An event as a message of the stream: JSON, ready to be sent to any number of subscribers."""
    body = msgspec.json.encode(to_shape(event))
    head = f'{{"a":"0","f":0,"p":{{"t":"{FIRST_TIME + (event.position or 0)}","r":1}}'
    return f'{head},"k":"{SUBSCRIBE_KEY}","c":"{channel}","d":'.encode() + body + b"}"


def stream_reply(position: int, messages: Iterable[bytes] = ()) -> bytes:
    """What a poll is answered: where the subscriber is now, and its messages."""
    return b'{"t":{"t":"%d","r":1},"m":[%s]}' % (FIRST_TIME + position, b",".join(messages))


#: How long a browser waits before it opens a stream again, milliseconds.
RETRY = 2_000


def tail_event(event: Event) -> bytes:
    """An event as one of a stream of server-sent events: JSON has no line ends of its own."""
    head = f"id: {event.position}\nevent: {event.topic}\ndata: ".encode()
    return head + msgspec.json.encode(to_shape(event)) + b"\n\n"


def tail_place(position: int) -> bytes:
    """Moves the place from which a stream is resumed, and keeps its connection busy; a reader sees no event."""
    return b":\nid: %d\n\n" % position


def tail_begin(position: int) -> bytes:
    """How a stream begins."""
    return b"retry: %d\nid: %d\n\n" % (RETRY, position)


def tail_gap(after: int, position: int) -> bytes:
    """Says that what lies between two positions cannot be delivered; the stream goes on behind the second."""
    said = {
        "lastEventId": str(after),
        "resumedAt": str(position),
        "message": "The log does not hold what followed lastEventId any more; the stream goes on behind resumedAt. "
        "List what there is anew.",
    }
    return b"id: %d\nevent: gap\ndata: %s\n\n" % (position, msgspec.json.encode(said))


def tail_end(message: str) -> bytes:
    """Why a stream ends, for whoever looks at it."""
    return b": %s\n\n" % message.encode()


def stream_refusal(status: int, message: str) -> dict[str, Any]:
    """A refusal on the stream."""
    return {"error": True, "message": message, "service": "Access Manager", "status": status}
