"""Routes of the first page."""

from __future__ import annotations

from typing import Any, Literal

from litestar import Response, Router, get, post
from litestar.params import FromPath, JSONBody

from sheetport.features.auth import service as auth
from sheetport.features.auth.model import CredentialKind
from sheetport.features.environments import service as environments
from sheetport.features.places import service as places
from sheetport.features.sessions import service as sessions
from sheetport.http.auth import PUBLIC
from sheetport.http.errors import refusal
from sheetport.http.wire import Wire
from sheetport.kernel.actor import Actor
from sheetport.kernel.errors import Forbidden, NotFound
from sheetport.kernel.paging import Page
from sheetport.kernel.permissions import Permission, require
from sheetport.preload import PRELOAD_PATH
from sheetport.storage import identity
from sheetport.storage.unit_of_work import UnitOfWork
from sheetport.web.cookies import AnyRequest
from sheetport.web.forms import require_script_token
from sheetport.web.guide import CLIENT_ID, CLIENT_SECRET, DEV_KEY, PROD_KEY
from sheetport.web.marks import list_marks
from sheetport.web.onward import first_page_cookie
from sheetport.web.reader import address_of, place_of, read_first_page
from sheetport.web.rendering import HEADERS, asset, page
from sheetport.web.sessions import require_signed_in, signed_in
from sheetport.web.sign_in_pages import sign_in_page


class Wanted(Wire):
    """What a button of the page makes."""

    kind: Literal["development", "production", "client"]


@get("/preload.cjs", include_in_schema=True, media_type="text/javascript", tags=["server"])
async def get_preload() -> Response[bytes]:
    """What Node.js loads first, so that the unmodified packages reach this server."""
    return Response(PRELOAD_PATH.read_bytes(), media_type="text/javascript; charset=utf-8")


@get("/assets/{asset_version:str}/{name:str}")
async def get_asset(asset_version: FromPath[str], name: FromPath[str]) -> Response[bytes]:
    found = asset(name)
    if found is None:
        raise NotFound(f"There is no file {name[:60]!r} in {asset_version[:20]!r}.", "path")
    return found


@get("/")
async def get_first_page(request: AnyRequest) -> Response[str]:
    healthy = await _healthy(request)
    actor = await signed_in(request) if healthy else None
    if actor is None:
        return await sign_in_page(request, healthy=healthy)
    address = address_of(request)
    values = await request.app.state.db.read(lambda uow: read_first_page(uow, actor, address))
    return page(request, "first_page.html", place=place_of(request.app.state.settings), **values)


@get("/first-page/marks")
async def get_marks(request: AnyRequest) -> Response[Any]:
    actor = await require_signed_in(request)
    marks = await request.app.state.db.read(lambda uow: list_marks(uow, actor.account_id))
    data = [
        {"step": number, "state": mark.state if mark else "waiting", "reason": mark.reason if mark else None}
        for number, mark in enumerate(marks, 1)
    ]
    return Response({"data": data}, headers=HEADERS)


@post("/first-page/keys", status_code=200)
async def post_keys(request: AnyRequest, data: JSONBody[Wanted]) -> Response[Any]:
    require_script_token(request)
    actor = await require_signed_in(request)
    try:
        made = await request.app.state.db.write(lambda uow: _make(uow, actor, data.kind))
    except Forbidden as error:
        if error.key != "recentSignIn":
            raise
        status, _, body = refusal(error)
        return Response(body, status_code=status, headers=HEADERS, cookies=[first_page_cookie(request)])
    return Response({"data": made}, headers=HEADERS)


async def _make(uow: UnitOfWork, actor: Actor, kind: str) -> dict[str, str]:
    """What stands in the snippets, and the new value to put there; it is kept nowhere.

    Raises Forbidden unless the person has proved themselves just now: a browser that was left open gives no keys away.
    """
    await sessions.require_recent(uow, actor.token_id)
    if kind == "client":
        client = await auth.create_client(uow, actor, actor.id, actor.account_id)
        return {CLIENT_ID: client.credential.id, CLIENT_SECRET: client.token}
    is_prod = kind == "production"
    listed = await environments.list_environments(uow, actor, Page(1, 100))
    environment = next((each for each in listed.items if each.is_prod is is_prod), None)
    if environment is None:
        raise NotFound(f"This account has no {kind} environment; create one.", "kind")
    actor = require(actor, Permission.API_KEY_WRITE)
    await places.get_place(uow, actor, environment.id, "env")
    made = await auth.mint(
        uow, actor, CredentialKind.SECRET_KEY, "first page", environment_id=environment.id, is_prod=is_prod
    )
    return {PROD_KEY if is_prod else DEV_KEY: made.token}


async def _healthy(request: AnyRequest) -> bool:
    try:
        await request.app.state.db.read(identity.is_claimed)
    except Exception:  # noqa: BLE001 - whatever keeps the database away, the answer is that it is
        return False
    return True


router = Router(
    "/",
    route_handlers=[
        get_preload,
        get_asset,
        get_first_page,
        get_marks,
        post_keys,
    ],
    opt=PUBLIC,
    include_in_schema=False,
)
