"""The stream at the root, as PubNub's clients speak it: long polls with a token of their own in the address.

Nothing of these addresses is logged. A caller that goes away ends its poll.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Annotated, Any

from litestar import MediaType, Request, Response, Router, get
from litestar.params import FromPath, QueryParameter

from sheetport.features.events.schemas import stream_refusal
from sheetport.features.events.service.subscriptions import Stream
from sheetport.http.auth import PUBLIC
from sheetport.http.errors import status_of
from sheetport.kernel.errors import SheetportError
from sheetport.kernel.json import dumps

Token = Annotated[str, QueryParameter(name="auth")]
TimeToken = Annotated[str, QueryParameter(name="tt", description="Where the subscriber is; 0 or none is 'now'.")]


@get("/{channel:str}/0")
async def subscribe(
    request: Request[Any, Any, Any], channel: FromPath[str], auth: Token = "", tt: TimeToken = "0"
) -> Response[bytes]:
    stream: Stream = request.app.state.hub
    polling = stream.subscribe(auth, channel, tt, _name(request))
    try:
        return _json(await _while_connected(request, polling))
    except SheetportError as error:
        return _refused(error)


@get("/{channel:str}/leave")
async def leave(request: Request[Any, Any, Any], channel: FromPath[str], auth: Token = "") -> Response[bytes]:
    stream: Stream = request.app.state.hub
    try:
        stream.leave(auth, channel)
    except SheetportError as error:
        return _refused(error)
    return _json(dumps({"status": 200, "message": "OK", "action": "leave", "service": "Presence"}).encode())


@get("/{channel:str}/heartbeat")
async def heartbeat(request: Request[Any, Any, Any], channel: FromPath[str], auth: Token = "") -> Response[bytes]:
    stream: Stream = request.app.state.hub
    try:
        stream.check(auth, channel)
    except SheetportError as error:
        return _refused(error)
    return _json(dumps({"status": 200, "message": "OK", "service": "Presence"}).encode())


@get("/0")
async def time(request: Request[Any, Any, Any]) -> Response[bytes]:
    """The time in units of 100 ns; clients only ask whether the server can be reached."""
    return _json(b"[%d]" % (request.app.state.db.clock.now() * 10_000))


async def _while_connected(request: Request[Any, Any, Any], work: Coroutine[Any, Any, bytes]) -> bytes:
    """The work's result; when the caller goes away first, the work ends and nobody reads the empty one."""
    working = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(_gone(request))
    try:
        await asyncio.wait({working, gone}, return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else b""
    finally:
        working.cancel()
        gone.cancel()


async def _gone(request: Request[Any, Any, Any]) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _name(request: Request[Any, Any, Any]) -> str:
    """What a listener calls itself."""
    query, headers = request.query_params, request.headers
    return f"{query.get('pnsdk') or headers.get('user-agent') or 'listener'} ({query.get('uuid') or 'no name'})"


def _json(body: bytes, status: int = 200) -> Response[bytes]:
    return Response(body, status_code=status, media_type=MediaType.JSON)


def _refused(error: SheetportError) -> Response[bytes]:
    status = status_of(error)
    return _json(dumps(stream_refusal(status, error.message)).encode(), status)


routers = [
    Router("/v2/subscribe/{subscribe_key:str}", route_handlers=[subscribe], opt=PUBLIC, include_in_schema=False),
    Router(
        "/v2/presence/sub-key/{subscribe_key:str}/channel",
        route_handlers=[leave, heartbeat],
        opt=PUBLIC,
        include_in_schema=False,
    ),
    Router("/time", route_handlers=[time], opt=PUBLIC, include_in_schema=False),
]
