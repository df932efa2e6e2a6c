"""Every route, called by every kind of caller, answers as permission_table.py says and tells nobody of others'."""

from __future__ import annotations

import re
from collections.abc import Iterator

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from permission_needs import NEEDS, ROLE_USERS
from permission_table import ACTORS, PUBLIC, ROWS, Row
from scene import Scene
from sheetport.http.unsupported import UNSUPPORTED
from sheetport.web import (
    device_pages,
    health,
    pages,
    reference,
    reset_pages,
    security_pages,
    setup_pages,
    sign_in_pages,
    space_pages,
    sso_pages,
)
from worlds import World

#: Pages in a browser, with sessions and links of their own, and what watchers ask: tests/http/test_web.py and its like.
SIGN_IN = (device_pages, reset_pages, security_pages, setup_pages, sign_in_pages, sso_pages)
PAGES = tuple(module.__name__ for module in (health, pages, reference, space_pages, *SIGN_IN))


async def faults_of(scene: Scene, row: Row) -> list[str]:
    """Calls of the row that answer otherwise; what a call has used up is built anew."""
    faults = []
    for actor, expected in row.expected().items():
        if scene.world.db.shared and actor in ROLE_USERS and not row.route.startswith("GET"):
            continue  # who may is decided on SQLite by the same code; what a read finds is the database's
        reply = await scene.call(row, scene.tokens[actor])
        if reply.status != expected:
            faults.append(f"{row.route} by {actor}: {reply.status} instead of {expected}: {str(reply.body)[:150]}")
        faults += [f"{row.route} tells {actor} of {name}" for name in scene.betrayed(actor, reply, row)]
        if reply.status == 200 and row.spends:
            await scene.build()
    return faults


def handlers(router: Litestar) -> Iterator[tuple[str, HTTPRouteHandler]]:
    """("METHOD path", handler) of every route that does something, with its parameters' types left out."""
    for route in router.routes:
        if isinstance(route, HTTPRoute):
            for handler in (each for each in route.route_handlers if not each.opt.get(UNSUPPORTED)):
                for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
                    yield f"{method} {re.sub(r':[a-z]+}', '}', route.path)}", handler


def plain(route: str) -> str:
    """A route without the names of its parameters."""
    return re.sub(r"\{[^}]*\}", "{}", route)


async def test_every_route_has_one_row_and_every_row_a_route(world: World) -> None:
    known = dict(handlers(world.app.router))
    kept = {plain(name) for name, handler in known.items() if not handler.opt.get("public")}
    rows = [plain(row.route) for row in ROWS]
    assert sorted(kept - set(rows)) == [], "routes without a row in permission_table.py"
    assert sorted(set(rows) - kept) == [], "rows in permission_table.py without a route"
    assert len(rows) == len(set(rows))
    assert sorted({row.route for row in ROWS} - set(NEEDS)) == [], "rows whose needs are not in permission_needs.py"
    assert sorted(set(NEEDS) - {row.route for row in ROWS}) == [], "needs in permission_needs.py without a row"


async def test_no_route_is_public_but_those_listed_and_the_pages(world: World) -> None:
    known = dict(handlers(world.app.router))
    public = {name for name, handler in known.items() if handler.opt.get("public")}
    assert {name for name in public if known[name].fn.__module__ not in PAGES} == set(PUBLIC)
    for name, expected in PUBLIC.items():
        method, path = plain(name).replace("{}", "x").split(" ", 1)
        body = {} if method == "POST" else None
        for token in ("", world.pat, world.sk, world.sk_other):  # a bearer token changes nothing
            reply = await world.call(method, path, body, token=token)
            assert reply.status == expected, (name, reply.body)


async def test_every_caller_gets_what_the_table_says(world: World) -> None:
    scene = Scene(world)
    await scene.build()
    assert set(scene.tokens) == {*ACTORS, "revoked", "expired"}
    faults = [fault for row in ROWS for fault in await faults_of(scene, row)]
    assert faults == [], "\n".join(faults)


async def test_nobody_is_let_in_without_a_living_token(world: World) -> None:
    scene = Scene(world)
    await scene.build()
    tokens = {"none": "", "revoked": scene.tokens["revoked"], "expired": scene.tokens["expired"]}
    answers = [
        (row.route, name, (await scene.call(row, token)).status) for row in ROWS for name, token in tokens.items()
    ]
    assert [answer for answer in answers if answer[2] != 401] == []
