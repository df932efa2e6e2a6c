"""What a user sees and changes of their own sign-ins: sessions, password, second factors, the account's rules."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Response, Router, get, post
from litestar.params import JSONBody
from litestar.response import Redirect

from sheetport.features.factors.model import MAX_PASSKEYS, Policy
from sheetport.features.logins import service as logins
from sheetport.features.logins.model import CHALLENGE_LIFETIME
from sheetport.features.sessions import service as sessions
from sheetport.features.sso import service as sso
from sheetport.http.auth import PUBLIC
from sheetport.http.errors import status_of
from sheetport.http.visitors import visitor_of
from sheetport.http.wire import Wire
from sheetport.kernel.actor import Actor
from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import SheetportError
from sheetport.kernel.permissions import Permission, may
from sheetport.storage.unit_of_work import UnitOfWork
from sheetport.web.cookies import AnyRequest, cookie, cookie_value
from sheetport.web.forms import form_of, require_script_token
from sheetport.web.onward import onward
from sheetport.web.rendering import HEADERS, page
from sheetport.web.sessions import require_signed_in, signed_in, site_of
from sheetport.web.sign_in_pages import CHALLENGE, challenge, enrol_page

_FIELDS = ("do", "which", "current", "new", "mfa", "tokens")
_WAYS = {
    "password": "password",
    "password+totp": "password and app",
    "password+recovery": "password and recovery code",
    "passkey": "passkey",
    "sso": "single sign-on",
    "sso+totp": "single sign-on and app",
    "sso+recovery": "single sign-on and recovery code",
}


class MadePasskey(Wire):
    """What the browser has made, and what its user calls it."""

    credential: dict[str, Any]
    name: str = ""


@get("/security")
async def get_security(request: AnyRequest) -> Response[Any]:
    actor = await signed_in(request)
    return Redirect("/", status_code=303) if actor is None else await _security(request, actor)


@post("/security", status_code=200)
async def post_security(request: AnyRequest) -> Response[Any]:
    """One form each, told apart by ``do``."""
    actor = await signed_in(request)
    if actor is None:
        return Redirect("/", status_code=303)
    sent = dict(zip(_FIELDS, await form_of(request, *_FIELDS), strict=True))
    try:
        return await _do(request, actor, sent)
    except SheetportError as error:
        if error.key == "recentSignIn":
            return Redirect("/security/prove", status_code=303, headers=HEADERS)
        return await _security(request, actor, error)


@get("/security/prove")
async def get_prove(request: AnyRequest) -> Response[Any]:
    actor = await signed_in(request)
    return Redirect("/", status_code=303) if actor is None else await _prove(request, actor)


@post("/security/prove", status_code=200)
async def post_prove(request: AnyRequest) -> Response[Any]:
    actor = await require_signed_in(request)
    password, code = await form_of(request, "password", "code")
    try:
        await logins.prove_again(request.app.state.db, actor, password, code, visitor_of(request))
    except SheetportError as error:
        return await _prove(request, actor, error)
    return Redirect(onward(request, "/security"), status_code=303, headers=HEADERS)


@post("/security/prove/options", status_code=200)
async def post_prove_options(request: AnyRequest) -> Response[Any]:
    require_script_token(request)
    await require_signed_in(request)
    return challenge(request, "again")


@post("/security/prove/passkey", status_code=200)
async def post_prove_passkey(request: AnyRequest, data: JSONBody[dict[str, Any]]) -> Response[Any]:
    require_script_token(request)
    actor = await require_signed_in(request)
    ticket = cookie_value(request, CHALLENGE)
    await logins.prove_again_by_passkey(request.app.state.db, actor, ticket, data, site_of(request))
    return Response({"data": {"onward": onward(request, "/security")}}, headers=HEADERS)


@post("/security/passkeys/options", status_code=200)
async def post_passkey_options(request: AnyRequest) -> Response[Any]:
    require_script_token(request)
    actor = await require_signed_in(request)
    db, site = request.app.state.db, site_of(request)
    made, ticket = logins.make_challenge(db.keys, db.clock.now(), actor.id)
    options = await db.read(lambda uow: logins.passkey_options(uow, actor, site, made))
    kept = cookie(request, CHALLENGE, ticket, CHALLENGE_LIFETIME // SECOND)
    return Response({"data": options}, headers=HEADERS, cookies=[kept])


@post("/security/passkeys", status_code=200)
async def post_passkeys(request: AnyRequest, data: JSONBody[MadePasskey]) -> Response[Any]:
    require_script_token(request)
    actor = await require_signed_in(request)
    given = cookie_value(request, CHALLENGE), data.credential, site_of(request), data.name
    _, codes = await request.app.state.db.write(lambda uow: logins.add_passkey(uow, actor, *given))
    return Response({"data": {"onward": "/security", "recoveryCodes": codes}}, headers=HEADERS)


@post("/security/totp", status_code=200)
async def post_totp(request: AnyRequest) -> Response[Any]:
    """Confirm the app by its first code."""
    actor = await require_signed_in(request)
    (code,) = await form_of(request, "code")
    try:
        codes = await request.app.state.db.write(lambda uow: logins.confirm_totp(uow, actor, code))
    except SheetportError as error:
        return await _unconfirmed(request, actor, error)
    if codes:
        return page(request, "recovery_codes.html", codes=codes, onward="/security")
    return Redirect("/security", status_code=303, headers=HEADERS)


async def _unconfirmed(request: AnyRequest, actor: Actor, error: SheetportError) -> Response[Any]:
    """The page of the app's key again, with why the code was not taken."""
    if error.key == "recentSignIn":
        return Redirect("/security/prove", status_code=303, headers=HEADERS)
    pending = await request.app.state.db.read(lambda uow: logins.pending_totp(uow, actor))
    if pending is None:
        return await _security(request, actor, error)
    return enrol_page(request, pending, "/security/totp", error)


async def _do(request: AnyRequest, actor: Actor, sent: dict[str, str]) -> Response[Any]:
    db = request.app.state.db
    if sent["do"] == "begin-totp":
        return enrol_page(request, await db.write(lambda uow: logins.begin_totp(uow, actor)), "/security/totp")
    if sent["do"] == "new-codes":
        codes = await db.write(lambda uow: logins.new_recovery_codes(uow, actor))
        return page(request, "recovery_codes.html", codes=codes, onward="/security")
    if sent["do"] == "password":
        await logins.change_password(db, actor, sent["current"], sent["new"], visitor_of(request))
        return await _security(request, actor, told="Your password is changed; your other sessions have ended.")
    await db.write(lambda uow: _change(uow, actor, sent))
    return Redirect("/security", status_code=303, headers=HEADERS)


async def _change(uow: UnitOfWork, actor: Actor, sent: dict[str, str]) -> None:
    do, which = sent["do"], sent["which"]
    if do == "end-session":
        await logins.end_session(uow, actor, which)
    elif do == "end-others":
        await logins.end_sessions(uow, actor, "others")
    elif do == "remove-totp":
        await logins.delete_totp(uow, actor)
    elif do == "remove-passkey":
        await logins.delete_passkey(uow, actor, which)
    elif do == "policy":
        await sessions.require_recent(uow, actor.token_id)
        await logins.set_policy(uow, actor, sent["mfa"] == "on", sent["tokens"] == "on")


async def _security(
    request: AnyRequest, actor: Actor, refused: SheetportError | None = None, told: str | None = None
) -> Response[str]:
    async def read(uow: UnitOfWork) -> dict[str, Any]:
        rules: Policy = await logins.get_policy(uow, actor)
        return {
            "user": await logins.own_user(uow, actor),
            "sessions": [_shown(each) for each in await logins.list_sessions(uow, actor)],
            "factors": await logins.find_factors(uow, actor),
            "rules": rules,
            "recent": await sessions.is_recent(uow, actor.token_id),
        }

    values = await request.app.state.db.read(read)
    status, refusal = (status_of(refused), refused.message) if refused else (200, None)
    values |= {"may_rule": may(actor, Permission.ACCOUNT_WRITE), "most": MAX_PASSKEYS, "day": _day}
    return page(request, "security.html", status, refusal=refusal, told=told, **values)


async def _prove(request: AnyRequest, actor: Actor, refused: SheetportError | None = None) -> Response[str]:
    async def read(uow: UnitOfWork) -> dict[str, Any]:
        session = await sessions.find_session(uow, actor.token_id)
        by_sso = session is not None and session.way.startswith("sso")
        return {
            "factors": await logins.find_factors(uow, actor),
            "provider": await sso.find_connection(uow, actor.account_id) if by_sso else None,
        }

    values = await request.app.state.db.read(read)
    status, refusal = (status_of(refused), refused.message) if refused else (200, None)
    return page(request, "prove.html", status, refusal=refusal, **values)


def _shown(session: Any) -> dict[str, Any]:
    seen = session.last_seen_at or session.created_at
    way = _WAYS.get(session.way, session.way)
    return {"one": session, "way": way, "began": _day(session.created_at), "seen": _day(seen)}


def _day(at: int) -> str:
    return datetime.fromtimestamp(at / SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")


router = Router(
    "/",
    route_handlers=[
        get_security,
        post_security,
        get_prove,
        post_prove,
        post_prove_options,
        post_prove_passkey,
        post_passkey_options,
        post_passkeys,
        post_totp,
    ],
    opt=PUBLIC,
    include_in_schema=False,
)
