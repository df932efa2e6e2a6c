"""The stream at the root, as PubNub's clients speak it: long polls with a token of their own in the address.

Nothing of these addresses is logged. A caller that goes away ends its poll.
"""

from __future__ import annotations

import asyncio
import re
from functools import partial
from typing import Annotated, Any
from urllib.parse import unquote_plus

from litestar import MediaType, Request, Response, Router, get
from litestar.enums import ScopeType
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from sheetport.features.events.schemas import stream_refusal
from sheetport.features.events.service.following import Following
from sheetport.http.auth import OPENED_BY, PUBLIC
from sheetport.http.errors import status_of
from sheetport.http.hang_up import HangUp
from sheetport.kernel.errors import SheetportError
from sheetport.kernel.json import dumps

_POLL = re.compile(r"/v2/subscribe/[^/]+/([^/]+)/0")
_TEMPLATE = "/v2/subscribe/{subscribe_key}/{channel}/0"
Token = Annotated[str, QueryParameter(name="auth")]
TimeToken = Annotated[str, QueryParameter(name="tt", description="Where the subscriber is; 0 or none is 'now'.")]


class PollMiddleware:
    """Answers polls in front of the router: with what that keeps of a request, waiting would cost twice as much."""

    def __init__(self, app: ASGIApp, following: Following) -> None:
        self._app = app
        self._following = following

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP and scope["method"] == "GET":
            found = _POLL.fullmatch(scope["path"])
            if found is not None and not any(name == b"origin" for name, _ in scope["headers"]):
                scope["path_template"] = _TEMPLATE
                await _answer(self._following, found[1], scope, receive, send)
                return
        await self._app(scope, receive, send)


@get(
    "/{channel:str}/0",
    responses={200: ResponseSpec(list[object], generate_examples=False, description="[messages, where they end]")},
)
async def subscribe(
    request: Request[Any, Any, Any], channel: FromPath[str], auth: Token = "", tt: TimeToken = "0"
) -> ASGIApp:
    """Waits for events of a channel, as PubNub's clients do; refusals have those clients' shape."""
    # For whoever is not answered in front: browsers, with their other origins.
    return partial(_answer, request.app.state.hub, channel)


async def _answer(following: Following, channel: str, scope: HTTPScope, receive: Receive, send: Send) -> None:
    query = _query(scope["query_string"])
    task = asyncio.current_task()
    hang_up = HangUp(receive, lambda: task and task.cancel())
    try:
        polling = following.subscribe(query.get("auth", ""), channel, query.get("tt", "0"), _name(query, scope))
        status, body = 200, await polling
    except SheetportError as error:
        status = status_of(error)
        body = dumps(stream_refusal(status, error.message)).encode()
    except asyncio.CancelledError:
        if not hang_up.hung_up:
            raise
        return  # nobody reads an answer
    finally:
        hang_up.stop()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def _query(text: bytes) -> dict[str, str]:
    """The parameters of a query; of a name that comes twice the last."""
    pairs = (part.partition("=") for part in text.decode("latin-1").split("&"))
    return {name: unquote_plus(value) for name, _, value in pairs}


def _name(query: dict[str, str], scope: HTTPScope) -> str:
    """What a listener calls itself."""
    agent = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"user-agent"), "")
    return f"{query.get('pnsdk') or agent or 'listener'} ({query.get('uuid') or 'no name'})"


@get("/{channel:str}/leave", responses={200: ResponseSpec(dict[str, object], generate_examples=False)})
async def leave(request: Request[Any, Any, Any], channel: FromPath[str], auth: Token = "") -> Response[bytes]:
    following: Following = request.app.state.hub
    try:
        following.leave(auth, channel)
    except SheetportError as error:
        return _refused(error)
    return _json(dumps({"status": 200, "message": "OK", "action": "leave", "service": "Presence"}).encode())


@get("/{channel:str}/heartbeat", responses={200: ResponseSpec(dict[str, object], generate_examples=False)})
async def heartbeat(request: Request[Any, Any, Any], channel: FromPath[str], auth: Token = "") -> Response[bytes]:
    following: Following = request.app.state.hub
    try:
        following.check(auth, channel)
    except SheetportError as error:
        return _refused(error)
    return _json(dumps({"status": 200, "message": "OK", "service": "Presence"}).encode())


@get("/0", responses={200: ResponseSpec(list[int], generate_examples=False)})
async def time(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The time in units of 100 ns; clients only ask whether the server can be reached."""
    return _json(b"[%d]" % (request.app.state.db.clock.now() * 10_000))


def _json(body: bytes, status: int = 200) -> Response[bytes]:
    return Response(body, status_code=status, media_type=MediaType.JSON)


def _refused(error: SheetportError) -> Response[bytes]:
    status = status_of(error)
    return _json(dumps(stream_refusal(status, error.message)).encode(), status)


_OPENED = {**PUBLIC, OPENED_BY: "subscriptionToken"}

routers = [
    Router("/v2/subscribe/{subscribe_key:str}", route_handlers=[subscribe], opt=_OPENED, tags=["stream"]),
    Router(
        "/v2/presence/sub-key/{subscribe_key:str}/channel",
        route_handlers=[leave, heartbeat],
        opt=_OPENED,
        tags=["stream"],
    ),
    Router("/time", route_handlers=[time], opt=PUBLIC, tags=["stream"]),
]
