"""Deny by default: every route needs a verified caller unless it is declared ``public``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Forbidden, Unauthenticated
from sheetport.kernel.origins import allows

Authenticate = Callable[[str], Awaitable[Actor]]

#: Put on a route handler that checks its caller itself, or serves anyone.
PUBLIC: dict[str, Any] = {"public": True}
#: The option of such a route that says what opens it: the name of a security scheme of our OpenAPI document.
OPENED_BY = "opened_by"


class AuthMiddleware(ASGIMiddleware):
    """Puts the Actor of the bearer token on the request, or refuses it."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        handler = scope["route_handler"]
        if not handler.opt.get("public") and scope.get("method") != "OPTIONS":
            actor = scope["state"]["actor"] = await scope["litestar_app"].state.verifier.verify(bearer_token(scope))
            require_origin(actor, scope)
        await next_app(scope, receive, send)


def bearer_token(scope: Scope) -> str:
    """The token of the Authorization header. Raises Unauthenticated."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.partition(b" ")
            if kind.lower() == b"bearer" and (token := token.strip()):
                return str(token, "latin-1")
    raise Unauthenticated


def origin_of(scope: Scope) -> str | None:
    """The page that a browser says it sends for; None when the caller is no page."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), None)


def require_origin(actor: Actor, scope: Scope) -> None:
    """Refuse a publishable key on a page that it is not for. Raises Forbidden.

    Without an Origin header there is no page: a program can say what it likes, so the list could not bind it.
    """
    if not actor.origins:
        return
    origin = origin_of(scope)
    if origin is not None and not allows(actor.origins, origin):
        raise Forbidden(
            f"This publishable key may not be used on {origin[:100]}. Add it: sheetport env origins"
            f" {actor.environment_id} --allow {origin[:100]}",
            "Origin",
        )
