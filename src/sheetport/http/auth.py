"""Deny by default: every route needs a verified caller unless it is declared ``public``."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from litestar.enums import ScopeType
from litestar.middleware import ASGIMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send

from sheetport.http.rates import RATE
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Forbidden, Unauthenticated
from sheetport.kernel.operations import is_within, permits
from sheetport.kernel.origins import allows
from sheetport.kernel.proofs import Proof, ProofRefused, read_proof
from sheetport.kernel.rates import Bucket

Authenticate = Callable[[str], Awaitable[Actor]]

BEARER, DPOP = "Bearer", "DPoP"
_KINDS = {b"bearer": BEARER, b"dpop": DPOP}
#: Methods that change nothing.
SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
#: Put on a route handler that checks its caller itself, or serves anyone.
PUBLIC: dict[str, Any] = {"public": True}
#: The option of such a route that says what opens it: the name of a security scheme of our OpenAPI document.
OPENED_BY = "opened_by"


class AuthMiddleware(ASGIMiddleware):
    """Puts the Actor of the bearer token on the request, or refuses it; so too where it calls too often."""

    scopes = (ScopeType.HTTP,)

    async def handle(self, scope: Scope, receive: Receive, send: Send, next_app: ASGIApp) -> None:
        handler = scope["route_handler"]
        bucket = handler.opt.get(RATE)
        if not handler.opt.get("public") and scope.get("method") != "OPTIONS":
            state = scope["litestar_app"].state
            known = scope["state"]["known"] = await _known(scope, state)
            actor = scope["state"]["actor"] = known.actor
            await state.gate.admit(scope, actor, bucket)
            admit(actor, scope)
        elif bucket is not None or scope.get("method") not in SAFE:
            await scope["litestar_app"].state.gate.admit_address(scope, bucket or Bucket.EXCHANGES)
        await next_app(scope, receive, send)


async def _known(scope: Scope, state: Any) -> Any:
    """The verified caller, who has proved to hold the key that the token is bound to, if it is."""
    kind, token = shown_token(scope)
    if kind == BEARER:
        return await state.verifier.know(token)
    proof = proof_of(scope, state, token)
    if proof is None:
        raise ProofRefused("A token that is sent as DPoP needs a proof, in the header DPoP.")
    known = await state.verifier.know(token, proof.key)
    await state.verifier.prove(proof)
    return known


def proof_of(scope: Scope, state: Any, token: str | None = None) -> Proof | None:
    """The proof that came with a request, which holds for it; None without one. It may have been used before.

    Its address is the one that this server knows itself by: what a Host header says is the sender's choice.
    Raises ProofRefused.
    """
    sent = [value for name, value in scope["headers"] if name == b"dpop"]
    if not sent:
        return None
    if len(sent) > 1:
        raise ProofRefused("There is more than one DPoP header.")
    url = f"{state.settings.http.base_url}{scope['path']}"
    return read_proof(sent[0].decode("latin-1"), str(scope.get("method")), url, state.db.clock.now(), token)


def bearer_token(scope: Scope) -> str:
    """The token of the Authorization header, sent as Bearer. Raises Unauthenticated."""
    kind, token = shown_token(scope)
    if kind != BEARER:
        raise Unauthenticated
    return token


def shown_token(scope: Scope) -> tuple[str, str]:
    """How the Authorization header sends its token (BEARER or DPOP), and that. Raises Unauthenticated."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            kind, _, token = value.partition(b" ")
            if (found := _KINDS.get(kind.lower())) and (token := token.strip()):
                return found, str(token, "latin-1")
    raise Unauthenticated


def origin_of(scope: Scope) -> str | None:
    """The page that a browser says it sends for; None when the caller is no page."""
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == b"origin"), None)


def admit(actor: Actor, scope: Scope) -> None:
    """Refuse a token where it is not for: on this page, from this address, for this call. Raises Forbidden.

    Wherever a token has become an actor, this comes next.
    """
    if actor.origins:
        require_origin(actor, scope)
    if actor.networks:
        address = scope["client"][0] if scope["client"] else None
        if not is_within(actor.networks, address):
            raise Forbidden(f"This token may not be used from {address}; its owner can allow it.", "address")
    if actor.operations:
        method = str(scope.get("method"))
        if not permits(actor.operations, method, scope["path"]):
            raise Forbidden(
                f"This token may not be used for {method} {scope['path'][:100]}: it is for other calls.", "path"
            )


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
