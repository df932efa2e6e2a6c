"""A forgotten password over HTTP: who asks learns nothing, and the link of the mail works once."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

from sheetport.config import MailSettings
from sheetport.features.mail import service as mail
from sheetport.web import reset_pages
from worlds import PASSWORD, World

EMAIL, NEW = "admin@example.com", "violet tram under quiet snow"


@pytest.fixture
def mailing(world: World) -> World:
    """The world with mail: nothing sends it, and what waits in the outbox can be looked at."""
    state = world.app.router.state
    state["settings"] = replace(state["settings"], mail=MailSettings("localhost", 25, sender="us@example.com"))
    return world


async def ask(world: World, email: str) -> httpx.Response:
    reply = await world.post_form("/forgot", {"email": email}, page="/forgot")
    await reset_pages.settle()
    return reply


async def link(world: World) -> str | None:
    """The link of the mail that waits, which is taken out."""
    parcel = await world.db.write(mail.claim_mail)
    return None if parcel is None else str(parcel.values["link"])


async def test_asking_says_the_same_for_every_address(mailing: World) -> None:
    known, unknown = await ask(mailing, EMAIL), await ask(mailing, "nobody@example.com")
    assert (known.status_code, known.content, known.headers.keys()) == (200, unknown.content, unknown.headers.keys())
    assert await link(mailing) is not None
    assert await link(mailing) is None
    assert len(await mailing.audits("password:reset-link")) == 1


async def test_the_link_of_the_mail_works_once(mailing: World) -> None:
    session = (await mailing.call("POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD}, token="")).body
    await ask(mailing, EMAIL)
    address = await link(mailing)
    assert address is not None
    path = address.removeprefix("http://127.0.0.1:4010")
    led = await mailing.client.get(path)
    assert (led.status_code, led.headers["location"], led.headers["referrer-policy"]) == (303, "/reset", "no-referrer")
    assert EMAIL in (await mailing.client.get("/reset")).text
    short = await mailing.post_form("/reset", {"password": "short"}, page="/forgot")
    assert (short.status_code, "at least 15" in short.text) == (400, True)
    assert "is changed" in (await mailing.post_form("/reset", {"password": NEW}, page="/forgot")).text
    assert (await mailing.call("GET", "/v1/auth/sessions", token=session["accessToken"])).status == 401
    await mailing.client.get(path)
    assert (await mailing.client.get("/reset")).status_code == 404
    assert (await mailing.post_form("/reset", {"password": PASSWORD}, page="/forgot")).status_code == 404
    assert (await mailing.call("POST", "/v1/auth", {"email": EMAIL, "password": NEW}, token="")).status == 200
    assert len(await mailing.audits("password:reset")) == 1


async def test_without_mail_the_page_says_who_can_help(world: World) -> None:
    assert "sheetport account link" in (await world.client.get("/forgot")).text
    await ask(world, EMAIL)
    assert await world.audits("password:reset-link") == []


@pytest.mark.parametrize("token", ["", "x", "1.2.3", "%0d%0aSet-Cookie:a", "9" * 2_100])
async def test_a_link_that_is_none_is_told_to_be_over(world: World, token: str) -> None:
    reply = await world.client.get(f"/reset?token={token}")
    assert re.match(r"sheetport_reset=[\w.\"-]*;", reply.headers["set-cookie"])
    assert (await world.client.get("/reset")).status_code == 404
