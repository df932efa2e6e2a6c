"""A forgotten password: asking for a link, and choosing a new password by it.

Asking is answered before anything is looked up, so an address that is known here takes the time and gives the bytes of
one that is not.
"""

from __future__ import annotations

import asyncio
import re
from typing import Any

import structlog
from litestar import Response, Router, get, post
from litestar.response import Redirect

from sheetport.features.logins import service as logins
from sheetport.features.logins.model import RESET_LIFETIME
from sheetport.features.mail import service as mail
from sheetport.features.users.model import User
from sheetport.http.auth import PUBLIC
from sheetport.http.errors import status_of
from sheetport.http.visitors import visitor_of
from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import NotFound, SheetportError
from sheetport.kernel.visitor import Visitor
from sheetport.storage.unit_of_work import UnitOfWork
from sheetport.web.cookies import AnyRequest, cookie, cookie_value
from sheetport.web.forms import form_of
from sheetport.web.rendering import HEADERS, page
from sheetport.web.sign_in_pages import sign_in_page

COOKIE = "sheetport_reset"
#: Wishes that wait to be looked at; more are passed over, so that nobody fills the memory with them.
MAX_WAITING = 200
_TOKEN = re.compile(r"[A-Za-z0-9_.-]{1,2000}")
_CHANGED = "Your password is changed. Sign in."
_log = structlog.get_logger()
_asked: set[asyncio.Task[None]] = set()


@get("/forgot")
async def get_forgot(request: AnyRequest) -> Response[Any]:
    return page(request, "forgot.html", asked=False, mails=_mails(request))


@post("/forgot", status_code=200)
async def post_forgot(request: AnyRequest) -> Response[Any]:
    (email,) = await form_of(request, "email", signs_in=True)
    if len(_asked) < MAX_WAITING and _mails(request):
        task = asyncio.create_task(_send_link(request.app.state, email, visitor_of(request)))
        _asked.add(task)
        task.add_done_callback(_asked.discard)
    return page(request, "forgot.html", asked=True, mails=_mails(request))


@get("/reset")
async def get_reset(request: AnyRequest) -> Response[Any]:
    token = request.query_params.get("token")
    if token is not None:  # out of the address bar and the history before anything is shown
        kept = token if _TOKEN.fullmatch(token) else ""
        cookies = [cookie(request, COOKIE, kept, RESET_LIFETIME // SECOND)]
        headers = {**HEADERS, "Referrer-Policy": "no-referrer"}
        return Redirect("/reset", status_code=303, cookies=cookies, headers=headers)
    try:
        user: User = await request.app.state.db.read(lambda uow: logins.find_reset(uow, _token(request)))
    except NotFound:
        return page(request, "reset_ended.html", 404)
    return page(request, "reset.html", refusal=None, email=user.email)


@post("/reset", status_code=200)
async def post_reset(request: AnyRequest) -> Response[Any]:
    (password,) = await form_of(request, "password", signs_in=True)
    db = request.app.state.db
    try:
        user = await db.read(lambda uow: logins.find_reset(uow, _token(request)))
        await logins.use_reset(db, _token(request), password)
    except NotFound:
        return page(request, "reset_ended.html", 404)
    except SheetportError as error:
        return page(request, "reset.html", status_of(error), refusal=error.message, email=user.email)
    answer = await sign_in_page(request, email=user.email, told=_CHANGED)
    answer.cookies.append(cookie(request, COOKIE, "", 0))
    return answer


async def settle() -> None:
    """Return once every wish for a link so far is done with."""
    await asyncio.gather(*_asked, return_exceptions=True)


async def _send_link(state: Any, email: str, visitor: Visitor) -> None:
    async def work(uow: UnitOfWork) -> None:
        asked = await logins.ask_for_reset(uow, email, visitor)
        if asked is not None:
            user, ticket = asked
            link = f"{state.settings.http.base_url}/reset?token={ticket}"
            await mail.enqueue(uow, user.account_id, user.email, "reset", name=user.name, link=link)

    try:
        await state.db.write(work)
    except Exception as error:  # noqa: BLE001 - nobody waits for it; it is asked for again
        _log.warning("reset.not-sent", error=type(error).__name__)


def _mails(request: AnyRequest) -> bool:
    return mail.configured(request.app.state.settings)


def _token(request: AnyRequest) -> str:
    return cookie_value(request, COOKIE)


router = Router(
    "/",
    route_handlers=[get_forgot, post_forgot, get_reset, post_reset],
    opt=PUBLIC,
    include_in_schema=False,
)
