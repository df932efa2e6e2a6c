"""Signing in by the page: password, then a code or the set-up of one; or a passkey."""

from __future__ import annotations

from typing import Any

import segno
from litestar import Response, Router, get, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody
from litestar.response import Redirect

from sheetport.features.auth import service as auth
from sheetport.features.factors import service as factors
from sheetport.features.factors.model import Enrolment
from sheetport.features.logins import service as logins
from sheetport.features.logins.model import (
    CHALLENGE_LIFETIME,
    DEVICE_LIFETIME,
    STEP_LIFETIME,
    Login,
    Needed,
    Pending,
)
from sheetport.features.sso import service as sso
from sheetport.http.auth import PUBLIC
from sheetport.http.errors import status_of
from sheetport.http.rates import RATE
from sheetport.http.visitors import visitor_of
from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import Forbidden, Invalid, SheetportError
from sheetport.kernel.rates import Bucket
from sheetport.kernel.visitor import Visitor
from sheetport.web.cookies import SESSION, AnyRequest, cookie, cookie_value
from sheetport.web.forms import FIELD, form_of, require_script_token
from sheetport.web.onward import onward
from sheetport.web.rendering import HEADERS, page
from sheetport.web.sessions import signed_in, site_of

STEP, DEVICE, CHALLENGE = "sheetport_step", "sheetport_device", "sheetport_challenge"
_PLACES = {Needed.CODE: "/sign-in/code", Needed.ENROLMENT: "/sign-in/enrol"}


@post("/sign-in", status_code=200, opt={RATE: Bucket.SIGN_INS})
async def post_sign_in(request: AnyRequest) -> Response[Any]:
    try:
        email, password = await form_of(request, "email", "password", signs_in=True)
    except Forbidden as error:
        if error.key != FIELD:
            raise
        return await sign_in_page(request, error, status=403)
    return await answer_password(request, email, password)


async def answer_password(request: AnyRequest, email: str, password: str) -> Response[Any]:
    """The session of a right password, or the page of the next step."""
    try:
        done = await logins.sign_in(request.app.state.db, email, password, visitor(request))
    except SheetportError as error:
        return await sign_in_page(request, error, email=email)
    if isinstance(done, Pending):
        place, kept = next_step(request, done)
        return Redirect(place, status_code=303, cookies=[kept], headers=HEADERS)
    return Redirect(onward(request), status_code=303, cookies=session_cookies(request, done), headers=HEADERS)


def next_step(request: AnyRequest, pending: Pending) -> tuple[str, Cookie]:
    """The page of the second step, and the cookie that stands for the first."""
    return _PLACES[pending.needed], cookie(request, STEP, pending.ticket, STEP_LIFETIME // SECOND)


async def sign_in_page(
    request: AnyRequest,
    refused: SheetportError | None = None,
    *,
    status: int = 200,
    healthy: bool = True,
    email: str = "",
    told: str | None = None,
) -> Response[str]:
    """The page that everybody begins at; of a refusal the status is its own, unless one is given."""
    found = await request.app.state.db.read(sso.list_names) if healthy else []
    providers = [{"name": name, "start": f"/sso/{connection_id}/start"} for connection_id, name in found]
    shown: dict[str, Any] = {
        "healthy": healthy,
        "email": email,
        "told": told,
        "refusal": refused.message if refused else None,
    }
    status = status_of(refused) if refused and status == 200 else status
    return page(request, "sign_in.html", status, providers=providers, **shown)


@get("/sign-in/code")
async def get_code(request: AnyRequest) -> Response[Any]:
    return page(request, "code.html", refusal=None) if cookie_value(request, STEP) else Redirect("/", status_code=303)


@post("/sign-in/code", status_code=200, opt={RATE: Bucket.SIGN_INS})
async def post_code(request: AnyRequest) -> Response[Any]:
    (code,) = await form_of(request, "code", signs_in=True)
    try:
        done = await logins.sign_in_by_code(request.app.state.db, _step(request), code, visitor(request))
    except SheetportError as error:
        return page(request, "code.html", status_of(error), refusal=error.message)
    return Redirect(onward(request), status_code=303, cookies=session_cookies(request, done), headers=HEADERS)


@get("/sign-in/enrol")
async def get_enrol(request: AnyRequest) -> Response[Any]:
    try:
        return enrol_page(request, await _enrolment(request), "/sign-in/enrol")
    except SheetportError:
        return Redirect("/", status_code=303)


@post("/sign-in/enrol", status_code=200, opt={RATE: Bucket.SIGN_INS})
async def post_enrol(request: AnyRequest) -> Response[Any]:
    (code,) = await form_of(request, "code", signs_in=True)
    try:
        done, codes = await logins.finish_enrolment(request.app.state.db, _step(request), code, visitor(request))
    except Invalid as error:
        if error.key == "ticket":
            return await sign_in_page(request, error)
        return enrol_page(request, await _enrolment(request), "/sign-in/enrol", error)
    except SheetportError as error:
        return await sign_in_page(request, error)
    answer = page(request, "recovery_codes.html", codes=codes, onward=onward(request))
    answer.cookies.extend(session_cookies(request, done))
    return answer


@post("/sign-in/passkey/options", status_code=200)
async def post_passkey_options(request: AnyRequest) -> Response[Any]:
    require_script_token(request, signs_in=True)
    return challenge(request, "sign-in")


@post("/sign-in/passkey", status_code=200, opt={RATE: Bucket.SIGN_INS})
async def post_passkey(request: AnyRequest, data: JSONBody[dict[str, Any]]) -> Response[Any]:
    require_script_token(request, signs_in=True)
    ticket = cookie_value(request, CHALLENGE)
    done = await logins.sign_in_by_passkey(request.app.state.db, ticket, data, site_of(request), visitor(request))
    return Response({"data": {"onward": onward(request)}}, headers=HEADERS, cookies=session_cookies(request, done))


@post("/sign-out", status_code=200)
async def post_sign_out(request: AnyRequest) -> Redirect:
    await form_of(request)
    actor = await signed_in(request)
    if actor is not None:
        await request.app.state.db.write(lambda uow: auth.revoke_credential(uow, actor, actor.token_id))
    return Redirect("/", status_code=303, cookies=[cookie(request, SESSION, "", 0)], headers=HEADERS)


def session_cookies(request: AnyRequest, done: Login) -> list[Cookie]:
    """The session, the device that is known from now on, and the end of what led here."""
    device = cookie(request, DEVICE, done.device, DEVICE_LIFETIME // SECOND)
    ended = [cookie(request, STEP, "", 0), cookie(request, CHALLENGE, "", 0)]
    return [cookie(request, SESSION, done.signed_in.access.token), device, *ended]


def challenge(request: AnyRequest, what_for: str) -> Response[Any]:
    """What a browser needs to use a passkey; the cookie with it brings the challenge back."""
    db = request.app.state.db
    made, ticket = logins.make_challenge(db.keys, db.clock.now(), what_for)
    kept = cookie(request, CHALLENGE, ticket, CHALLENGE_LIFETIME // SECOND)
    return Response({"data": factors.assertion_options(site_of(request), made)}, headers=HEADERS, cookies=[kept])


def enrol_page(
    request: AnyRequest, enrolment: Enrolment, action: str, refused: SheetportError | None = None
) -> Response[str]:
    """The page that shows an app's secret, as a QR code and as text."""
    drawn = segno.make(enrolment.uri, error="m").svg_inline(scale=5, omitsize=True, lineclass=None)
    spaced = " ".join(enrolment.secret[at : at + 4] for at in range(0, len(enrolment.secret), 4))
    status, refusal = (status_of(refused), refused.message) if refused else (200, None)
    return page(request, "enrol.html", status, drawn=drawn, secret=spaced, action=action, refusal=refusal)


def visitor(request: AnyRequest) -> Visitor:
    """Who signs in, with what a device's cookie says of them."""
    db = request.app.state.db
    return logins.known_device(db.keys, db.clock.now(), visitor_of(request), cookie_value(request, DEVICE))


def _step(request: AnyRequest) -> str:
    return cookie_value(request, STEP)


async def _enrolment(request: AnyRequest) -> Enrolment:
    ticket = _step(request)
    made: Enrolment = await request.app.state.db.write(lambda uow: logins.begin_enrolment(uow, ticket))
    return made


router = Router(
    "/",
    route_handlers=[
        post_sign_in,
        get_code,
        post_code,
        get_enrol,
        post_enrol,
        post_passkey_options,
        post_passkey,
        post_sign_out,
    ],
    opt=PUBLIC,
    include_in_schema=False,
)
