"""The page of a link by which a user chooses a password: the first administrator, or who was invited."""

from __future__ import annotations

import re
from typing import Any

from litestar import Response, Router, get, post
from litestar.response import Redirect

from sheetport.features.accounts import service as accounts
from sheetport.features.auth import service as auth
from sheetport.features.links.model import LIFETIMES, Purpose
from sheetport.features.setup import service as setup
from sheetport.features.users import service as users
from sheetport.features.users.model import User
from sheetport.http.auth import PUBLIC
from sheetport.http.errors import status_of
from sheetport.http.rates import RATE
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import NotFound, SheetportError
from sheetport.kernel.rates import Bucket
from sheetport.storage import data_directory
from sheetport.storage.unit_of_work import UnitOfWork
from sheetport.web.cookies import AnyRequest, cookie, cookie_value
from sheetport.web.forms import form_of
from sheetport.web.rendering import HEADERS, page
from sheetport.web.sign_in_pages import answer_password

COOKIE = "sheetport_setup"
_TOKEN = re.compile(r"[A-Za-z0-9_]{1,200}")
#: The address of a user who has not chosen one yet ends so.
_NO_ADDRESS = "@localhost"


@get("/")
async def get_setup(request: AnyRequest) -> Response[Any]:
    token = request.query_params.get("token")
    if token is not None:  # out of the address bar and the history before anything is shown
        kept = token if _TOKEN.fullmatch(token) else ""
        seconds = LIFETIMES[Purpose.SETUP] // SECOND
        cookies = [cookie(request, COOKIE, kept, seconds)]
        headers = {**HEADERS, "Referrer-Policy": "no-referrer"}
        return Redirect("/setup", status_code=303, cookies=cookies, headers=headers)
    try:
        shown = await request.app.state.db.read(lambda uow: _find(uow, _token(request)))
    except NotFound:
        return page(request, "setup_ended.html", 404)
    return page(request, "setup.html", refusal=None, **shown)


@post("/", status_code=200, opt={RATE: Bucket.SIGN_INS})
async def post_setup(request: AnyRequest) -> Response[Any]:
    email, password = await form_of(request, "email", "password", signs_in=True)
    shown = {"email": email, "invited_to": ""}
    try:
        found = await request.app.state.db.read(lambda uow: _find(uow, _token(request)))  # before a hash is worth it
        shown = found if found["invited_to"] else shown
        user = await _use_link(request, shown, password)
    except NotFound:
        return page(request, "setup_ended.html", 404)
    except SheetportError as error:
        return page(request, "setup.html", status_of(error), refusal=error.message, **shown)
    answer = await answer_password(request, user.email, password)
    answer.cookies.append(cookie(request, COOKIE, "", 0))
    return answer


async def _use_link(request: AnyRequest, shown: dict[str, str], password: str) -> User:
    state = request.app.state
    token, email = _token(request), shown["email"]
    password_hash = await auth.hash_password(password, (email,))
    user: User = await state.db.write(lambda uow: setup.use_setup_link(uow, token, password_hash, email))
    if not shown["invited_to"]:
        data_directory.forget_first_run(state.settings.storage.data)
    return user


async def _find(uow: UnitOfWork, token: str) -> dict[str, str]:
    """What the page shows: the address of the link's user, "" for one who has none yet, and the name of the account
    that one was invited to, "" for who was not. Raises NotFound."""
    link = await setup.find_setup_link(uow, token)
    user = await users.find_user(uow, link.user_id)
    invited_to = ""
    if link.purpose is Purpose.INVITATION:
        account = await accounts.get_current_account(uow, system_actor(link.account_id))
        invited_to = account.name
    return {"email": "" if user is None or user.email.endswith(_NO_ADDRESS) else user.email, "invited_to": invited_to}


def _token(request: AnyRequest) -> str:
    return cookie_value(request, COOKIE)


router = Router("/setup", route_handlers=[get_setup, post_setup], opt=PUBLIC, include_in_schema=False)
