"""CORS of the route that pages call with a publishable key in the address, by the key's own list of origins.

Every other route is open to every origin: a token is what protects it. Here the key is public, so a browser is told
that only the pages of its list may read the answers; a page that may not is told so before it sends anything.
"""

from __future__ import annotations

from urllib.parse import parse_qs

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from sheetport.http.auth import Authenticate, admit, origin_of
from sheetport.http.errors import refusal
from sheetport.kernel.errors import Forbidden, Unauthenticated
from sheetport.kernel.json import dumps

PATH = "/v1/internal/spaces/init"
_ALLOW = "Access-Control-Allow-Origin"


class PageOrigins:
    """Stands behind the front, which spells paths one way, and before what answers for CORS."""

    def __init__(self, app: ASGIApp, authenticate: Authenticate) -> None:
        self._app = app
        self._authenticate = authenticate

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP or scope["path"].rstrip("/") != PATH or origin_of(scope) is None:
            await self._app(scope, receive, send)
            return
        key = parse_qs(scope["query_string"].decode("latin-1")).get("publishableKey", [""])[0]
        try:
            actor = await self._authenticate(key)
            admit(actor, scope)
        except Unauthenticated:
            await self._app(scope, receive, send)
        except Forbidden as error:
            await _refuse(send, error)
        else:
            own = origin_of(scope) if actor.origins else None
            await self._app(scope, receive, _only_for(own, send) if own else send)


def _only_for(origin: str, send: Send) -> Send:
    async def narrowed(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableScopeHeaders.from_message(message)
            headers[_ALLOW] = origin
            headers.extend_header_value("Vary", "Origin")
        await send(message)

    return narrowed


async def _refuse(send: Send, error: Forbidden) -> None:
    status, _, body = refusal(error)
    content = dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(content)), (b"vary", b"Origin")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": content, "more_body": False})
