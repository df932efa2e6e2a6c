"""What browsers are told, of every page and every kind of answer; and forms that only our own pages can send."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from servers.data_places import DataPlace
from sheetport.config import HttpSettings, StorageSettings
from sheetport.features.setup import service as setup
from sheetport.web import rendering
from worlds import PASSWORD, World, opened_world

FORM = {"email": "admin@example.com", "password": PASSWORD}
#: Headers of every answer, and of those that are pages.
COMMON = {"x-content-type-options": "nosniff"}
PAGE = COMMON | {
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "referrer-policy": "same-origin",
    "x-frame-options": "DENY",
}
API = COMMON | {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
}
PAGES = ("/", "/setup", "/device", "/reference", "/reference/compatibility")
#: A route of each class: its path, its status, and "key" where it takes the secret key.
ANSWERS = [
    ("/v1/environments", 200, "key"),
    ("/v1/environments/{dev}", 200, "key"),
    ("/v1/secrets?environmentId={dev}", 200, "key"),
    ("/v1/auth/personal-access-tokens", 200, "pat"),
    ("/v1/auth/api-keys?environmentId={dev}", 200, "pat"),
    ("/v1/environments", 401, ""),
    ("/v1/environments/us_env_none", 404, "key"),
    ("/nowhere", 404, ""),
    ("/healthz", 200, ""),
    ("/readyz", 200, ""),
    ("/metrics", 200, ""),
    ("/first-page/marks", 401, ""),
    ("/v1/events/stream?environmentId={dev}", 200, "key"),
    ("/v2/subscribe/sub/space.none/0?auth=wrong&tt=0", 403, ""),
    ("/time/0", 200, ""),
    ("/v1/environments?pageSize=%00", 400, "key"),
]


@pytest.fixture
async def web(sqlite_place: DataPlace) -> AsyncIterator[World]:
    """A world on SQLite: no header depends on the database."""
    storage = StorageSettings(sqlite_place.data, sqlite_place.data.with_suffix(".key"))
    async with opened_world(storage) as world:
        yield world


def missing(reply: httpx.Response, wanted: dict[str, str]) -> dict[str, str | None]:
    """Headers that are not as wanted, or are there twice."""
    return {name: reply.headers.get(name) for name, value in wanted.items() if reply.headers.get_list(name) != [value]}


async def test_every_page_and_every_kind_of_answer_says_how_it_may_be_used(web: World) -> None:
    found = {}
    for signed_in in (False, True):
        for path in PAGES:
            reply = await web.client.get(path)
            policy = reply.headers["content-security-policy"]
            assert all(part in policy for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"))
            assert not re.search(r"unsafe|\*|https?:", policy)
            found[path, signed_in] = missing(reply, PAGE)
        await web.post_form("/sign-in", FORM)
    web.client.cookies.clear()
    for path, status, token in ANSWERS:
        reply = await web.call("GET", path.format(dev=web.dev), token={"key": web.sk, "pat": web.pat, "": ""}[token])
        assert reply.status == status, path
        found[path, status] = missing(httpx.Response(200, headers=reply.headers), API)
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


async def test_what_is_public_may_be_kept(web: World) -> None:
    for path in re.findall(r'(?:src|href)="(/assets/[^"]+)"', (await web.client.get("/")).text):
        reply = await web.client.get(path)
        assert missing(reply, COMMON | {"cache-control": "public, max-age=31536000, immutable"}) == {}
    reply = await web.client.get("/openapi.json")
    assert missing(reply, COMMON | {"cache-control": "public, no-cache"}) == {}


#: Their scripts speak the API, and no cookie lets anybody in there.
SENT_BY_SCRIPT = {"space.html"}


def test_every_form_carries_the_token_and_nothing_is_inline() -> None:
    forms = 0
    for path in sorted((Path(rendering.__file__).parent / "templates").glob("*.html")):
        text = path.read_text()
        for form in re.findall(r"<form\b.*?</form>", text, re.DOTALL):
            assert 'method="post"' in form, path.name
            token = '<input type="hidden" name="form_token" value="{{ form_token }}">'
            assert token in form or path.name in SENT_BY_SCRIPT, path.name
            forms += 1
        assert re.findall(r"<style|<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|javascript:", text) == [], path.name
    assert forms >= 3


async def test_a_form_without_this_browsers_token_is_refused(web: World) -> None:
    token = await web.form_token()
    assert (await web.client.post("/sign-in", data=FORM)).status_code == 403
    for forged in ("", "x", "é", token[:-1], token + "A"):
        assert (await web.client.post("/sign-in", data=FORM | {"form_token": forged})).status_code == 403
    web.client.cookies.clear()
    assert (await web.client.post("/sign-in", data=FORM | {"form_token": token})).status_code == 403
    again = await web.post_form("/sign-in", FORM)
    assert (again.status_code, "sheetport_session" in again.headers["set-cookie"]) == (303, True)


async def test_a_token_of_another_session_changes_nothing(web: World) -> None:
    before = await web.form_token()
    await web.post_form("/sign-in", FORM)
    assert (await web.client.post("/sign-out", data={"form_token": before})).status_code == 403
    keys = {"url": "/first-page/keys", "json": {"kind": "client"}}
    for headers in ({}, {"X-Form-Token": before}):
        assert (await web.client.post(**keys, headers=headers)).status_code == 403
    assert (await web.post_script("/first-page/keys", {"kind": "client"})).status_code == 200
    assert (await web.client.get("/first-page/marks")).status_code == 200


async def test_a_signed_in_user_who_came_from_elsewhere_can_still_sign_in(web: World) -> None:
    """A link from another site brings no strict cookie: the page has not seen the session that the form then sends."""
    before = await web.form_token()
    await web.post_form("/sign-in", FORM)
    assert (await web.client.post("/sign-in", data=FORM | {"form_token": before})).status_code == 303


async def test_cookies_over_https_can_be_set_by_no_other_host(sqlite_place: DataPlace) -> None:
    storage = StorageSettings(sqlite_place.data, sqlite_place.data.with_suffix(".key"))
    async with opened_world(storage, HttpSettings(public_url="https://sheetport.test")) as world:
        world.client.base_url = httpx.URL("https://sheetport.test")
        made = await world.db.write(lambda uow: setup.create_setup_link(uow, world.account_id, world.user_id))
        replies = [
            await world.client.get(f"/setup?token={made}"),
            await world.client.get("/"),
            await world.post_form("/sign-in", FORM),
        ]
        cookies = [cookie for reply in replies for cookie in reply.headers.get_list("set-cookie")]
        names = {cookie.partition("=")[0] for cookie in cookies}
        assert names >= {f"__Host-sheetport_{name}" for name in ("setup", "form", "session")}
        assert all(name.startswith("__Host-") for name in names)
        for cookie in cookies:
            said = {part.strip().lower() for part in cookie.split(";")}
            assert {"secure", "httponly", "path=/"} <= said
            assert not any(part.startswith("domain") for part in said)
            assert ("samesite=strict" in said) == cookie.startswith("__Host-sheetport_session=")
        page = await world.client.get("/")
        assert (world.dev in page.text, page.headers["strict-transport-security"]) == (True, "max-age=31536000")
