"""Letting a program in that shows a code: a person enters it, sees who asks for what, and decides (RFC 8628).

The address may hold the code; nothing is looked up by it before the person has sent the form.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

from litestar import Response, Router, get, post
from litestar.response import Redirect

from sheetport.features.oauth import service as oauth
from sheetport.features.oauth.model import DEVICE_TOKEN_LIFETIME, DeviceLogin
from sheetport.http.auth import PUBLIC
from sheetport.http.errors import status_of
from sheetport.http.rates import RATE
from sheetport.http.visitors import visitor_of
from sheetport.kernel.actor import Actor
from sheetport.kernel.clock import DAY, SECOND
from sheetport.kernel.errors import SheetportError
from sheetport.kernel.rates import Bucket
from sheetport.web.cookies import AnyRequest
from sheetport.web.forms import form_of
from sheetport.web.onward import arrived, onward_cookie
from sheetport.web.rendering import HEADERS, page
from sheetport.web.sessions import signed_in

_CODE = re.compile(r"[A-Za-z-]{0,20}")
_DECISIONS = {"approve": True, "deny": False}


@get("/device")
async def get_device(request: AnyRequest) -> Response[Any]:
    code = _given_code(request.query_params.get("user_code", ""))
    if await signed_in(request) is None:
        return _to(request, "/", code)
    answer = page(request, "device.html", refusal=None, code=code)
    answer.cookies.append(arrived(request))
    return answer


@post("/device", status_code=200, opt={RATE: Bucket.SIGN_INS})
async def post_device(request: AnyRequest) -> Response[Any]:
    """One form each, told apart by ``do``."""
    do, typed = await form_of(request, "do", "user_code")
    actor, code = await signed_in(request), _given_code(typed)
    if actor is None:
        return _to(request, "/", code)
    try:
        return await _do(request, actor, do, code)
    except SheetportError as error:
        if error.key == "recentSignIn":
            return _to(request, "/security/prove", code)
        return page(request, "device.html", status_of(error), refusal=error.message, code=code)


async def _do(request: AnyRequest, actor: Actor, do: str, code: str) -> Response[Any]:
    db, visitor = request.app.state.db, visitor_of(request)
    if do not in _DECISIONS:
        login = await oauth.find_asked(db, actor, code, visitor)
        return page(
            request, "device_asks.html", code=_spelled(code), days=DEVICE_TOKEN_LIFETIME // DAY, **_shown(login)
        )
    login = await oauth.decide(db, actor, code, visitor, approved=_DECISIONS[do])
    return page(request, "device_decided.html", approved=_DECISIONS[do], client=login.client_id)


def _shown(login: DeviceLogin) -> dict[str, Any]:
    asked = datetime.fromtimestamp(login.created_at / SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")
    known = {"client": login.client_id, "address": login.address or "unknown", "agent": login.agent or "unknown"}
    return known | {"asked": asked, "permissions": login.permissions}


def _to(request: AnyRequest, path: str, code: str) -> Redirect:
    """Another page of ours first, and back here afterwards."""
    return Redirect(path, status_code=303, cookies=[onward_cookie(request, code)], headers=HEADERS)


def _given_code(text: str) -> str:
    text = text.strip().replace(" ", "-")
    return text if _CODE.fullmatch(text) else ""


def _spelled(code: str) -> str:
    plain = oauth.plain_code(code)
    return f"{plain[:4]}-{plain[4:]}"


router = Router("/", route_handlers=[get_device, post_device], opt=PUBLIC, include_in_schema=False)
