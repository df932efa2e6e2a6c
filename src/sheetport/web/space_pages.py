"""A space's page for guests: lets them in by a link, by the space's address or by a mail, and says what they can do.

It speaks the public API. A token in the address is out of it before the browser asks for anything else: the answer to
such an address is a page of one script, which puts the token away for this tab and goes on without it.
"""

from __future__ import annotations

import base64
import hashlib

from litestar import Response, Router, get
from litestar.params import FromPath

from sheetport.features.embeds import service as embeds
from sheetport.http.auth import PUBLIC
from sheetport.web.cookies import AnyRequest
from sheetport.web.rendering import HEADERS, framed_by, page

_TAKE = (
    "(function(){var p=new URLSearchParams(location.search),t=p.get('token')||'';p.delete('token');"
    "try{sessionStorage.setItem('sheetport.space.'+location.pathname.split('/')[2],t)}catch(e){}"
    "var q=p.toString();location.replace(location.pathname+(q?'?'+q:''))})()"
)
_HASH = base64.b64encode(hashlib.sha256(_TAKE.encode()).digest()).decode()
#: Nothing may be loaded at all.
_TAKING = f"default-src 'none'; script-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"
_TAKING_PAGE = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><title>Opening…</title>'
    f"<script>{_TAKE}</script><noscript>This page needs JavaScript.</noscript></html>"
)


@get("/{space_id:str}")
async def get_space_page(request: AnyRequest, space_id: FromPath[str]) -> Response[str]:
    origins = await request.app.state.db.read(lambda uow: embeds.list_framing_origins(uow, space_id))
    headers = {**HEADERS, "Referrer-Policy": "no-referrer"}
    if "token" in request.query_params:
        headers = framed_by({**headers, "Content-Security-Policy": _TAKING}, origins)
        return Response(_TAKING_PAGE, media_type="text/html; charset=utf-8", headers=headers)
    shown = page(request, "space.html")
    shown.headers = framed_by(headers, origins)
    return shown


router = Router("/space", route_handlers=[get_space_page], opt=PUBLIC, include_in_schema=False)
