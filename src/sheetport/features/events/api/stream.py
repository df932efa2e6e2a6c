"""Our own stream: events as they happen, as server-sent events."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any

from litestar import Request, Router, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromQuery, HeaderParameter, QueryParameter
from litestar.types import ASGIApp, Receive, Scope, Send

from sheetport.features.events import service
from sheetport.features.events.model import ALERT, ALERTS, DOMAINS, TOPICS, Channel, Grant, Wanted
from sheetport.features.events.service.following import Tail
from sheetport.http.dependencies import Call, Caller
from sheetport.http.hang_up import HangUp
from sheetport.http.parameters import EnvironmentId, SpaceId
from sheetport.http.rates import RATE
from sheetport.kernel.errors import Invalid
from sheetport.kernel.rates import Bucket

LastEventHeader = Annotated[
    str | None, HeaderParameter(name="Last-Event-ID", description="The id of the last event that was seen.")
]
LastEventId = Annotated[str | None, QueryParameter(name="lastEventId", description="The same; the header counts.")]
_POSITION_DIGITS = 18
_HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]
#: As the router answers any origin.
_ORIGINS = [
    (b"access-control-allow-origin", b"*"),
    (b"access-control-expose-headers", b"X-Request-Id, RateLimit, RateLimit-Policy, Retry-After"),
]
PATH = "/v1/events/stream"
_SENDING = "sending"


@get(
    "/stream",
    opt={RATE: Bucket.STREAMS},
    media_type="text/event-stream",
    responses={200: ResponseSpec(data_container=str, media_type="text/event-stream", generate_examples=False)},
)
async def stream_events(
    request: Request[Any, Any, Any],
    call: Caller,
    environment_id: EnvironmentId = None,
    space_id: SpaceId = None,
    topic: FromQuery[str | None] = None,
    domain: FromQuery[str | None] = None,
    last_event: LastEventHeader = None,
    last_event_id: LastEventId = None,
) -> ASGIApp:
    """Events as they happen, from where the caller left off. Begun here, so that the router answers a refusal."""
    wanted, after = _wanted(topic, domain), _position(last_event or last_event_id)
    channel, newest = await call.read(service.begin_stream, environment_id, space_id)
    grant = _granted(request, call, channel)
    tail: Tail = request.app.state.hub.follow(grant, newest if after is None else after, wanted)
    return partial(_hand_over, partial(_send_tail, tail))


def _granted(request: Request[Any, Any, Any], call: Call, channel: Channel) -> Grant:
    """What the caller may follow, for as long as its token is good."""
    known = request.scope["state"]["known"]
    return Grant("", channel, call.actor.account_id, call.actor.issuer, known.expires_at)


class StreamMiddleware:
    """Sends streams from in front of the router: what that holds of a request would stay as long as the stream."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app(scope, receive, send)
        if scope["path"] == PATH:
            sending = scope.get("state", {}).pop(_SENDING, None)
            if sending is not None:
                await sending(scope, receive, send)


async def _hand_over(sending: ASGIApp, scope: Scope, _: Receive, __: Send) -> None:
    scope["state"][_SENDING] = sending


async def _send_tail(tail: Tail, scope: Scope, receive: Receive, send: Send) -> None:
    hang_up = HangUp(receive, tail.end)
    from_elsewhere = any(name == b"origin" for name, _ in scope["headers"])
    try:
        headers = [*_HEADERS, *_ORIGINS] if from_elsewhere else _HEADERS
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        while (chunk := await tail.next()) is not None:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    finally:
        hang_up.stop()
        tail.close()


def _wanted(topic: str | None, domain: str | None) -> Wanted:
    if topic and topic not in TOPICS | ALERTS:
        raise Invalid(f"topic must be one of the API's, such as 'job:ready', not {topic[:60]!r}.", "topic")
    if domain and domain not in DOMAINS | {ALERT}:
        raise Invalid(f"domain must be one of {', '.join(sorted(DOMAINS))}.", "domain")
    return Wanted(topic or None, domain or None)


def _position(last: str | None) -> int | None:
    if not last:
        return None
    if not (last.isascii() and last.isdigit() and len(last) <= _POSITION_DIGITS):
        raise Invalid("lastEventId must be the id of an event of this stream, a number.", "lastEventId")
    return int(last)


router = Router("/v1/events", route_handlers=[stream_events], tags=["events"])
