"""Routes by the standards of OAuth 2.0: RFC 8693, 8628, 9449, 7009, 7662 and 8414."""

from __future__ import annotations

from typing import Any

from litestar import Request, Response, Router, get, post

from sheetport.features.oauth import service
from sheetport.features.oauth.model import DEVICE_CODE, OAuthError
from sheetport.features.oauth.schemas import (
    DeviceAuthorization,
    Introspection,
    Metadata,
    Revocation,
    TokenReply,
    parse_exchange,
    parse_form,
    required,
    to_device_authorization,
    to_introspection,
    to_metadata,
    to_token_reply,
)
from sheetport.http.auth import PUBLIC, admit, proof_of
from sheetport.http.dependencies import Caller
from sheetport.http.errors import refusal
from sheetport.http.rates import RATE
from sheetport.http.visitors import visitor_of
from sheetport.kernel.errors import SheetportError, Unauthenticated
from sheetport.kernel.proofs import ProofRefused
from sheetport.kernel.rates import Bucket

AnyRequest = Request[Any, Any, Any]
#: Tokens in the clear belong in no cache on their way.
_HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}
_WORDS = {401: "invalid_token", 403: "access_denied", 429: "slow_down", 503: "temporarily_unavailable"}


@post("/token", status_code=200, opt=PUBLIC)
async def exchange_token(request: AnyRequest) -> TokenReply:
    """Exchanges a token for a narrower one (RFC 8693), or a device code that was approved for a token (RFC 8628).

    Sent as a form or as a JSON object of texts. With a proof in the header DPoP (RFC 9449) the new token is bound to
    the proof's key.
    """
    fields, state = await _fields(request), request.app.state
    if required(fields, "grant_type") == DEVICE_CODE:
        return await _redeem(request, required(fields, "device_code"), required(fields, "client_id"))
    token, wanted = parse_exchange(fields)
    key = await _proved_key(request)
    try:
        subject = await state.verifier.find(token)
    except Unauthenticated:
        raise OAuthError("invalid_request", "The subject token is not good.", "subject_token") from None
    admit(subject.actor, request.scope)
    exchanged = await state.db.write(lambda uow: service.exchange(uow, subject, wanted, key))
    return to_token_reply(exchanged, state.db.clock.now())


async def _redeem(request: AnyRequest, device_code: str, client_id: str) -> TokenReply:
    state, key = request.app.state, await _proved_key(request)
    longest = state.settings.key_max_age_days
    given = await state.db.write(lambda uow: service.redeem(uow, device_code, client_id, longest, key))
    if isinstance(given, OAuthError):
        raise given
    return to_token_reply(given, state.db.clock.now())


async def _proved_key(request: AnyRequest) -> str | None:
    """The thumbprint of the key that the caller has proved to hold, None without a proof. Raises OAuthError."""
    state = request.app.state
    try:
        proof = proof_of(request.scope, state)
        return None if proof is None else str(await state.verifier.prove(proof))
    except ProofRefused as error:
        raise OAuthError("invalid_dpop_proof", error.message, error.key) from None


@post("/device_authorization", status_code=200, opt=PUBLIC)
async def authorize_device(request: AnyRequest) -> DeviceAuthorization:
    """Begins a device login (RFC 8628): a code for a person to enter, and one to fetch the token with."""
    fields, state = await _fields(request), request.app.state
    client_id, scope = required(fields, "client_id"), fields.get("scope", "")
    asked = await state.db.write(lambda uow: service.ask(uow, client_id, scope, visitor_of(request)))
    return to_device_authorization(asked, state.settings.http.base_url)


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
        known = await request.app.state.verifier.find(token)
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
    route_handlers=[authorize_device, exchange_token, revoke_token, introspect_token],
    response_headers=_HEADERS,
    exception_handlers={SheetportError: _on_error},
    tags=["oauth"],
)
metadata_router = Router("/", route_handlers=[get_metadata], tags=["oauth"])
