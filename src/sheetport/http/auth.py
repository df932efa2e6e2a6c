"""Deny by default: every route needs a verified caller unless it is declared ``public``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Unauthenticated

Authenticate = Callable[[str], Awaitable[Actor]]

#: Put on a route handler that checks its caller itself, or serves anyone.
PUBLIC: dict[str, Any] = {"public": True}


class AuthMiddleware(ASGIMiddleware):
    """Puts the Actor of the bearer token on the request, or refuses it."""

    scopes = (ScopeType.HTTP,)

    def __init__(self, authenticate: Authenticate) -> None:
        self._authenticate = authenticate

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        handler = scope["route_handler"]
        if not handler.opt.get("public") and scope.get("method") != "OPTIONS":
            scope["state"]["actor"] = await self._authenticate(bearer_token(scope))
        await next_app(scope, receive, send)


def bearer_token(scope: Scope) -> str:
    """The token of the Authorization header. Raises Unauthenticated."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.decode("latin-1").partition(" ")
            if kind.lower() == "bearer" and token.strip():
                return str(token.strip())
    raise Unauthenticated
