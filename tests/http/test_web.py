"""The first page over HTTP: who sees what, and what it never does."""

from __future__ import annotations

import re

import httpx

from sheetport import NAME, __version__
from sheetport.preload import PRELOAD_PATH
from worlds import PASSWORD, World

FORM = {"email": "admin@example.com", "password": PASSWORD}


async def sign_in(world: World) -> httpx.Response:
    return await world.client.post("/sign-in", data=FORM)


async def test_health_is_public(world: World) -> None:
    reply = await world.call("GET", "/healthz", token="")
    assert (reply.status, reply.body) == (200, {"data": {"status": "ok", "version": __version__}})


async def test_the_preload_is_served(world: World) -> None:
    reply = await world.client.get("/preload.cjs")
    assert reply.content == PRELOAD_PATH.read_bytes()
    assert reply.headers["content-type"].startswith("text/javascript")


async def test_signed_out_there_is_a_form_and_no_id(world: World) -> None:
    reply = await world.client.get("/")
    assert (reply.status_code, NAME in reply.text, __version__ in reply.text) == (200, True, True)
    assert 'action="/sign-in"' in reply.text
    assert world.dev not in reply.text


async def test_a_page_allows_nothing_inline_or_from_elsewhere(world: World) -> None:
    reply = await world.client.get("/")
    policy = reply.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (reply.headers["referrer-policy"], reply.headers["cache-control"]) == ("no-referrer", "no-store")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert re.findall(r'(?:src|href)="(?!/|#)', reply.text) == []


async def test_assets_are_cached_for_good(world: World) -> None:
    addresses = re.findall(r'(?:src|href)="(/assets/[^"]+)"', (await world.client.get("/")).text)
    assert len(addresses) == 2
    for address in addresses:
        reply = await world.client.get(address)
        assert (reply.status_code, "immutable" in reply.headers["cache-control"]) == (200, True)
    assert (await world.client.get("/assets/x/pages.py")).status_code == 404


async def test_signing_in_shows_the_checklist_with_masked_keys(world: World) -> None:
    reply = await sign_in(world)
    cookie = reply.headers["set-cookie"].lower()
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    html = (await world.client.get("/")).text
    assert world.dev in html
    assert world.prod in html
    assert world.other_env not in html
    assert html.count("data-step=") == 8
    assert re.findall(r"sk_(?:dev|prod)_[A-Za-z0-9]{8}", html) == []


async def test_a_wrong_password_and_a_wrong_address_read_the_same(world: World) -> None:
    wrong = []
    for email in ("admin@example.com", "nobody@example.com"):
        reply = await world.client.post("/sign-in", data={"email": email, "password": "x" * 15})
        assert (reply.status_code, "set-cookie" in reply.headers) == (401, False)
        wrong.append(reply.text.replace(email, ""))
    assert wrong[0] == wrong[1]


async def test_the_cookie_opens_no_api_route(world: World) -> None:
    await sign_in(world)
    assert (await world.client.get("/v1/environments")).status_code == 401


async def test_another_sites_form_is_refused(world: World) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        reply = await world.client.post("/sign-in", data=FORM, headers=headers)
        assert (reply.status_code, "set-cookie" in reply.headers) == (403, False)


async def test_signing_out_ends_the_session_itself(world: World) -> None:
    await sign_in(world)
    token = world.client.cookies["sheetport_session"]
    assert (await world.client.post("/sign-out")).status_code == 303
    assert (await world.call("GET", "/v1/environments", token=token)).status == 401
    assert world.dev not in (await world.client.get("/")).text


async def test_names_are_escaped(world: World) -> None:
    assert (await world.call("PATCH", "/v1/accounts/current", {"name": "<script>x"}, token=world.pat)).status == 200
    await sign_in(world)
    html = (await world.client.get("/")).text
    assert "&lt;script&gt;x" in html
    assert "<script>x" not in html
