"""Routes by the standards of OAuth 2.0: RFC 8693, 7009, 7662 and 8414."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post

from sheetport.features.oauth import service
from sheetport.features.oauth.model import OAuthError
from sheetport.features.oauth.schemas import (
    Introspection,
    Metadata,
    Revocation,
    TokenReply,
    parse_exchange,
    parse_form,
    required,
    to_introspection,
    to_metadata,
    to_token_reply,
)
from sheetport.http.auth import PUBLIC, admit
from sheetport.http.dependencies import Caller
from sheetport.http.errors import refusal
from sheetport.http.rates import RATE
from sheetport.kernel.errors import SheetportError, Unauthenticated
from sheetport.kernel.rates import Bucket

AnyRequest = Request[Any, Any, Any]
#: Tokens in the clear belong in no cache on their way.
_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_WORDS = {401: "invalid_token", 403: "access_denied", 429: "slow_down", 503: "temporarily_unavailable"}


@post("/token", status_code=200, opt=PUBLIC)
async def exchange_token(request: AnyRequest) -> TokenReply:
    """Exchanges a token for a narrower one (RFC 8693), sent as a form or as a JSON object of texts."""
    token, wanted = parse_exchange(await _fields(request))
    state = request.app.state
    try:
        subject = await state.verifier.know(token)
    except Unauthenticated:
        raise OAuthError("invalid_request", "The subject token is not good.", "subject_token") from None
    admit(subject.actor, request.scope)
    exchanged = await state.db.write(lambda uow: service.exchange(uow, subject, wanted))
    return to_token_reply(exchanged, state.db.clock.now())


@post("/revoke", status_code=200, opt={**PUBLIC, RATE: Bucket.REVOCATIONS})
async def revoke_token(request: AnyRequest) -> Revocation:
    """Ends a token that its holder shows (RFC 7009); the answer is the same whether it was known."""
    token = required(await _fields(request), "token")
    await request.app.state.db.write(lambda uow: service.revoke_token(uow, token))
    return Revocation(success=True)


@post("/introspect", status_code=200)
async def introspect_token(request: AnyRequest, call: Caller) -> Introspection:
    """Tells what a token is (RFC 7662); one that is none of the caller's business is like one that is not active."""
    token = required(await _fields(request), "token")
    try:
        known = await request.app.state.verifier.know(token)
    except Unauthenticated:
        return to_introspection(None, "")
    return to_introspection(service.introspect(call.actor, known), call.settings.http.base_url)


@get("/.well-known/oauth-authorization-server", opt=PUBLIC)
async def get_metadata(request: AnyRequest) -> Metadata:
    """Says where what is (RFC 8414)."""
    return to_metadata(request.app.state.settings.http.base_url)


async def _fields(request: AnyRequest) -> dict[str, str]:
    return parse_form(request.headers.get("content-type", ""), await request.body())


def _on_error(_: AnyRequest, error: SheetportError) -> Response[Any]:
    """The one shape of refusals, with the standards' members beside."""
    status, headers, body = refusal(error)
    word = error.code if isinstance(error, OAuthError) else _WORDS.get(status, "invalid_request")
    told = {"error": word, "error_description": error.message, **body}
    return Response(told, status_code=status, headers=headers | _HEADERS)


router = Router(
    "/v1/oauth",
    route_handlers=[exchange_token, revoke_token, introspect_token],
    response_headers=_HEADERS,
    exception_handlers={SheetportError: _on_error},
    tags=["oauth"],
)
metadata_router = Router("/", route_handlers=[get_metadata], tags=["oauth"])
