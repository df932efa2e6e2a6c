"""The set-up link's page: the first administrator chooses an address and a password, once, within 30 minutes."""

from __future__ import annotations

import re
from typing import Any

from litestar import Response, Router, get, post
from litestar.response import Redirect

from sheetport.features.auth import service as auth
from sheetport.features.setup import service as setup
from sheetport.features.setup.model import LINK_LIFETIME
from sheetport.features.users import service as users
from sheetport.http.auth import PUBLIC
from sheetport.http.errors import status_of
from sheetport.kernel.clock import SECOND
from sheetport.kernel.errors import NotFound, SheetportError
from sheetport.storage import data_directory
from sheetport.storage.unit_of_work import UnitOfWork
from sheetport.web.rendering import HEADERS, page
from sheetport.web.sessions import AnyRequest, cookie, form_of, require_same_origin, sign_in

COOKIE = "sheetport_setup"
_TOKEN = re.compile(r"[A-Za-z0-9_]{1,200}")
#: The address of a user who has not chosen one yet ends so.
_NO_ADDRESS = "@localhost"


@get("/")
async def get_setup(request: AnyRequest) -> Response[Any]:
    token = request.query_params.get("token")
    if token is not None:  # out of the address bar and the history before anything is shown
        kept = token if _TOKEN.fullmatch(token) else ""
        seconds = LINK_LIFETIME // SECOND
        cookies = [cookie(request, COOKIE, kept, seconds, "/setup")]
        headers = {**HEADERS, "Referrer-Policy": "no-referrer"}
        return Redirect("/setup", status_code=303, cookies=cookies, headers=headers)
    try:
        email = await request.app.state.db.read(lambda uow: _address(uow, _token(request)))
    except NotFound:
        return page("setup_ended.html", 404)
    return page("setup.html", refusal=None, email=email)


@post("/", status_code=200)
async def post_setup(request: AnyRequest) -> Response[Any]:
    require_same_origin(request)
    email, password = await form_of(request, "email", "password")
    try:
        await _use_link(request, email, password)
    except NotFound:
        return page("setup_ended.html", 404)
    except SheetportError as error:
        return page("setup.html", status_of(error), refusal=error.message, email=email)
    cookies = [await sign_in(request, email, password), cookie(request, COOKIE, "", 0, "/setup")]
    return Redirect("/", status_code=303, cookies=cookies)


async def _use_link(request: AnyRequest, email: str, password: str) -> None:
    state = request.app.state
    token = _token(request)
    await state.db.read(lambda uow: setup.find_setup_link(uow, token))  # before a hash is worth its time
    password_hash = await auth.hash_password(password, (email,))
    await state.db.write(lambda uow: setup.use_setup_link(uow, token, password_hash, email))
    data_directory.forget_first_run(state.settings.storage.data)


async def _address(uow: UnitOfWork, token: str) -> str:
    """The address that the link's user has, "" for one who has none yet. Raises NotFound."""
    link = await setup.find_setup_link(uow, token)
    user = await users.find_user(uow, link.user_id)
    return "" if user is None or user.email.endswith(_NO_ADDRESS) else user.email


def _token(request: AnyRequest) -> str:
    return request.cookies.get(COOKIE, "")


router = Router("/setup", route_handlers=[get_setup, post_setup], opt=PUBLIC, include_in_schema=False)
