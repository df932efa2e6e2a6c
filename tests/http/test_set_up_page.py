"""The set-up link's page over HTTP: it gives a password once, and keeps its token out of sight."""

from __future__ import annotations

import os
import time

import pytest

from sheetport.features.setup import service as setup
from sheetport.kernel.clock import MINUTE
from sheetport.storage import data_directory
from sheetport.web.first_run import expiring_first_run
from worlds import World

FORM = {"email": "grace@example.com", "password": "a password of five words"}


async def link(world: World) -> str:
    made = await world.db.write(
        lambda uow: setup.create_first_account(uow, account_name="Acme", email="new@localhost", password_hash=None)
    )
    return await world.db.write(lambda uow: setup.create_setup_link(uow, made.account.id, made.user.id))


async def test_the_token_leaves_the_address_at_once(world: World) -> None:
    token = await link(world)
    reply = await world.client.get(f"/setup?token={token}")
    assert (reply.status_code, reply.headers["location"]) == (303, "/setup")
    assert reply.headers["referrer-policy"] == "no-referrer"
    cookie = reply.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "path=/;", "samesite=lax", "max-age=1800"))
    page = await world.client.get("/setup")
    assert (page.status_code, token in page.text, "new@localhost" in page.text) == (200, False, False)
    assert page.headers["content-security-policy"].startswith("default-src 'none'")


async def test_a_password_is_chosen_once_and_signs_in(world: World) -> None:
    token = await link(world)
    file = world.app.settings.storage.data / data_directory.FIRST_RUN_FILE
    data_directory.write_private(file, token)
    await world.client.get(f"/setup?token={token}")
    reply = await world.post_form("/setup", FORM, page="/setup")
    assert (reply.status_code, reply.headers["location"], file.exists()) == (303, "/", False)
    assert "grace@example.com" in (await world.client.get("/")).text
    assert (await world.call("POST", "/v1/auth", FORM, token="")).status == 200
    await world.client.get(f"/setup?token={token}")
    for again in (await world.client.get("/setup"), await world.post_form("/setup", FORM)):
        assert (again.status_code, "sheetport account link" in again.text) == (404, True)


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({**FORM, "password": "short"}, 400, "at least 15 characters"),
        ({**FORM, "email": "nonsense"}, 400, "email must be an address"),
        ({**FORM, "email": "admin@example.com"}, 409, "already a user"),
        ({}, 400, "at least 15 characters"),
    ],
)
async def test_what_cannot_be_used_is_said_and_the_link_stays_good(
    world: World, form: dict[str, str], status: int, said: str
) -> None:
    await world.client.get(f"/setup?token={await link(world)}")
    refused = await world.post_form("/setup", form, page="/setup")
    assert (refused.status_code, said in refused.text) == (status, True)
    assert FORM["password"] not in refused.text
    assert (await world.post_form("/setup", FORM, page="/setup")).status_code == 303


@pytest.mark.parametrize("token", ["", "setup_unknown", "a;b", "x" * 300])
async def test_a_wrong_link_is_refused_with_the_way_to_a_new_one(world: World, token: str) -> None:
    assert (await world.client.get(f"/setup?token={token}")).status_code == 303
    reply = await world.client.get("/setup")
    assert (reply.status_code, "sheetport account link" in reply.text) == (404, True)


async def test_an_expired_link_is_refused(world: World) -> None:
    await world.client.get(f"/setup?token={await link(world)}")
    world.clock.advance(30 * MINUTE)
    assert (await world.post_form("/setup", FORM)).status_code == 404


async def test_another_sites_form_sets_no_password(world: World) -> None:
    await world.client.get(f"/setup?token={await link(world)}")
    reply = await world.post_form("/setup", FORM, page="/setup", headers={"Origin": "https://evil.example"})
    assert reply.status_code == 403
    assert (await world.post_form("/setup", FORM, page="/setup")).status_code == 303


async def test_a_body_that_is_no_form_is_refused(world: World) -> None:
    for content in (b"\xff\xfe", b"&".join([b"a=1"] * 30), b"a=" + b"x" * 70_000):
        reply = await world.client.post("/setup", content=content, headers={"Content-Type": "text/plain"})
        assert (reply.status_code, "errors" in reply.json()) == (400, True)


async def test_the_file_of_an_expired_link_goes_away(world: World) -> None:
    data = world.app.settings.storage.data
    file = data / data_directory.FIRST_RUN_FILE
    data_directory.write_private(file, "a link")
    async with expiring_first_run(data):
        assert data_directory.keep_first_run(data, 60)
    os.utime(file, times=(time.time() - 3_600,) * 2)
    assert not data_directory.keep_first_run(data, 1_800)
    assert not file.exists()
