"""Single sign-on by the page: off to an account's identity provider, and back."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from litestar import Response, Router, get
from litestar.datastructures import Cookie
from litestar.params import FromPath
from litestar.response import Redirect

from sheetport.features.logins import service as logins
from sheetport.features.logins.model import SSO_LIFETIME, Login, Pending
from sheetport.http.auth import PUBLIC
from sheetport.http.errors import status_of
from sheetport.http.rates import RATE
from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import SheetportError
from sheetport.kernel.rates import Bucket
from sheetport.web.cookies import AnyRequest, cookie, cookie_value
from sheetport.web.onward import onward
from sheetport.web.rendering import HEADERS, page
from sheetport.web.sessions import signed_in
from sheetport.web.sign_in_pages import next_step, session_cookies, visitor

COOKIE = "sheetport_sso"
_MAX_QUERY = 16 * 1024


@get("/{connection_id:str}/start", opt={RATE: Bucket.SIGN_INS})
async def get_start(request: AnyRequest, connection_id: FromPath[str]) -> Response[Any]:
    return await _depart(request, connection_id)


@get("/{connection_id:str}/again", opt={RATE: Bucket.SIGN_INS})
async def get_again(request: AnyRequest, connection_id: FromPath[str]) -> Response[Any]:
    """To the provider once more, by whoever is signed in here: before what needs a fresh proof."""
    actor = await signed_in(request)
    if actor is None:
        return Redirect("/", status_code=303, headers=HEADERS)
    return await _depart(request, connection_id, actor.token_id)


async def _depart(request: AnyRequest, connection_id: str, session: str = "") -> Response[Any]:
    state = request.app.state
    try:
        redirect_uri = _redirect_uri(request, connection_id)
        departure = await logins.begin_sso(state.db, state.providers, connection_id, redirect_uri, session)
    except SheetportError as error:
        return _refused(request, error)
    kept = cookie(request, COOKIE, departure.ticket, SSO_LIFETIME // SECOND)
    headers = {**HEADERS, "Referrer-Policy": "no-referrer"}
    return Redirect(departure.url, status_code=303, cookies=[kept], headers=headers)


@get("/{connection_id:str}/callback", opt={RATE: Bucket.SIGN_INS})
async def get_callback(request: AnyRequest, connection_id: FromPath[str]) -> Response[Any]:
    """A page of our own and no redirect: the browser comes from elsewhere, and would not send the session with one."""
    try:
        done = await _finish(request, connection_id)
    except SheetportError as error:
        return _refused(request, error)
    place, cookies = _place_of(request, done)
    answer = page(request, "sso_done.html", place=place)
    answer.headers["Referrer-Policy"] = "no-referrer"  # the code stands in this page's address
    answer.cookies.extend([cookie(request, COOKIE, "", 0), *cookies])
    return answer


def _place_of(request: AnyRequest, done: Login | Pending | None) -> tuple[str, list[Cookie]]:
    """Where the browser goes on to, and with which cookies."""
    if done is None:
        return onward(request, "/security"), []
    if isinstance(done, Pending):
        place, kept = next_step(request, done)
        return place, [kept]
    return "/", session_cookies(request, done)


async def _finish(request: AnyRequest, connection_id: str) -> Login | Pending | None:
    state, ticket = request.app.state, cookie_value(request, COOKIE)
    redirect_uri = _redirect_uri(request, connection_id)
    return await logins.finish_sso(
        state.db, state.providers, connection_id, _answer(request), ticket, redirect_uri, visitor(request)
    )


def _answer(request: AnyRequest) -> dict[str, list[str]]:
    """The parameters that the provider has sent, each with every value; none of a query that is too long."""
    query = request.scope["query_string"]
    try:
        text = query.decode("ascii") if len(query) <= _MAX_QUERY else ""
        return parse_qs(text, keep_blank_values=True, max_num_fields=20, errors="strict")
    except ValueError:
        return {}


def _redirect_uri(request: AnyRequest, connection_id: str) -> str:
    """Where the provider sends the browser back to: an address of each connection's own."""
    return f"{request.app.state.settings.http.base_url}/sso/{connection_id}/callback"


def _refused(request: AnyRequest, error: SheetportError) -> Response[str]:
    return page(request, "sso_refused.html", status_of(error), refusal=error.message)


router = Router("/sso", route_handlers=[get_start, get_again, get_callback], opt=PUBLIC, include_in_schema=False)
