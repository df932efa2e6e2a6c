"""Signing in and the security page over HTTP, as a browser without scripts does it."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pyotp
import pytest
from argon2 import PasswordHasher

from authenticator import SoftPasskey
from sheetport.features.auth.service import passwords
from sheetport.features.users import service as users
from sheetport.kernel.clock import MINUTE, SECOND
from worlds import PASSWORD, World

FORM = {"email": "admin@example.com", "password": PASSWORD}
NEW = "violet tram under quiet snow"
STEP = 30 * SECOND


@pytest.fixture(autouse=True)
async def cheap_hashes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of the least cost: what a hash costs is another test's."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
    made = await passwords.hash_password(PASSWORD)
    await world.db.write(lambda uow: users.set_password(uow, world.user_id, made))


async def post(world: World, path: str, **form: str) -> httpx.Response:
    return await world.post_form(path, form)


async def sign_in(world: World) -> httpx.Response:
    return await world.post_form("/sign-in", FORM)


async def set_up_app(world: World) -> pyotp.TOTP:
    shown = (await post(world, "/security", do="begin-totp")).text
    assert "<svg" in shown
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', shown)
    assert found is not None
    app = pyotp.TOTP(found[1].replace(" ", ""))
    wrong = await post(world, "/security/totp", code="000000")
    assert (wrong.status_code, found[1] in wrong.text) == (400, True)
    codes = await post(world, "/security/totp", code=code(world, app))
    assert len(re.findall(r"[a-z2-9]{4}(?:-[a-z2-9]{4}){3}", codes.text)) == 10
    return app


def code(world: World, app: pyotp.TOTP) -> str:
    return app.generate_otp(world.clock.now() // STEP)


async def test_a_password_alone_signs_in_who_has_no_second_factor(world: World) -> None:
    reply = await sign_in(world)
    assert (reply.status_code, reply.headers["location"]) == (303, "/")
    cookies = " ".join(reply.headers.get_list("set-cookie")).lower()
    assert cookies.count("httponly") == 4
    shown = (await world.client.get("/security")).text
    assert "this one" in shown
    assert "You have none" in shown


async def test_with_an_app_the_second_step_is_asked_for(world: World) -> None:
    await sign_in(world)
    app = await set_up_app(world)
    await post(world, "/sign-out")
    world.clock.advance(STEP)
    reply = await sign_in(world)
    assert (reply.status_code, reply.headers["location"]) == (303, "/sign-in/code")
    assert "sheetport_session" not in reply.headers["set-cookie"]
    assert (await world.client.get("/security")).status_code == 303
    assert 'name="code"' in (await world.client.get("/sign-in/code")).text
    wrong = await post(world, "/sign-in/code", code="000000")
    assert (wrong.status_code, 'role="alert"' in wrong.text) == (401, True)
    assert (await post(world, "/sign-in/code", code=code(world, app))).headers["location"] == "/"
    assert "password and app" in (await world.client.get("/security")).text


async def test_who_must_have_a_second_factor_sets_it_up_while_signing_in(world: World) -> None:
    await sign_in(world)
    await post(world, "/security", do="policy", mfa="on", tokens="on")
    await post(world, "/sign-out")
    assert (await sign_in(world)).headers["location"] == "/sign-in/enrol"
    shown = (await world.client.get("/sign-in/enrol")).text
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', shown)
    assert found is not None
    app = pyotp.TOTP(found[1].replace(" ", ""))
    assert found[1] in (await post(world, "/sign-in/enrol", code="000000")).text
    done = await post(world, "/sign-in/enrol", code=code(world, app))
    assert "Keep your recovery codes" in done.text
    assert (await world.client.get("/security")).status_code == 200


async def test_changes_are_made_soon_after_a_proof_only(world: World) -> None:
    await sign_in(world)
    world.clock.advance(11 * MINUTE)
    for do in ("begin-totp", "new-codes", "remove-totp", "policy"):
        reply = await post(world, "/security", do=do)
        assert (reply.status_code, reply.headers.get("location")) == (303, "/security/prove")
    assert (await post(world, "/security/prove", password=NEW)).status_code == 400
    assert (await post(world, "/security/prove", password=PASSWORD)).headers["location"] == "/security"
    assert "<svg" in (await post(world, "/security", do="begin-totp")).text


async def test_other_sessions_end_by_a_button_and_by_a_new_password(world: World) -> None:
    token = (await world.call("POST", "/v1/auth", FORM, token="")).body["accessToken"]
    await sign_in(world)
    assert (await world.client.get("/security")).text.count('value="end-session"') == 2
    await post(world, "/security", do="end-others")
    assert (await world.call("GET", "/v1/auth/sessions", token=token)).status == 401
    token = (await world.call("POST", "/v1/auth", FORM, token="")).body["accessToken"]
    wrong = await post(world, "/security", do="password", current=NEW, new=NEW)
    assert (wrong.status_code, "current password is not right" in wrong.text) == (400, True)
    assert "is changed" in (await post(world, "/security", do="password", current=PASSWORD, new=NEW)).text
    assert (await world.call("GET", "/v1/auth/sessions", token=token)).status == 401


async def test_a_form_of_another_site_does_nothing(world: World) -> None:
    await sign_in(world)
    for path in ("/security", "/security/prove", "/security/totp", "/sign-in", "/sign-in/code", "/sign-in/enrol"):
        reply = await world.client.post(path, data=FORM, headers={"Sec-Fetch-Site": "cross-site"})
        assert reply.status_code == 403, path


async def made_passkey(world: World, key: SoftPasskey, name: str = "Key") -> httpx.Response:
    options = (await world.post_script("/security/passkeys/options", {})).json()["data"]
    return await world.post_script("/security/passkeys", {"credential": key.register(options), "name": name})


async def used_passkey(world: World, key: SoftPasskey) -> httpx.Response:
    options = (await world.post_script("/sign-in/passkey/options", {})).json()["data"]
    return await world.post_script("/sign-in/passkey", key.sign(options))


async def test_a_passkey_signs_in_by_itself(world: World) -> None:
    await sign_in(world)
    key = SoftPasskey()
    made = (await made_passkey(world, key, " My   laptop ")).json()["data"]
    assert (len(made["recoveryCodes"]), "My laptop" in (await world.client.get("/security")).text) == (10, True)
    second = await made_passkey(world, SoftPasskey())
    assert second.json()["data"]["recoveryCodes"] == []
    await post(world, "/sign-out")
    assert (await sign_in(world)).headers["location"] == "/sign-in/code"
    world.client.cookies.clear()
    assert (await used_passkey(world, key)).status_code == 200
    assert "by passkey" in (await world.client.get("/security")).text
    assert (await used_passkey(world, key)).status_code == 200


@pytest.mark.parametrize(
    "change",
    [
        {"origin": "http://elsewhere.test"},
        {"rp_id": "elsewhere.test"},
        {"flags": 0x01},  # present, not verified
        {"sign_count": 0},  # a copy that has signed less
        {"credential": b"unknown"},
        {"user_handle": "c29tZWJvZHk"},
    ],
)
async def test_a_bad_passkey_is_refused_alike(world: World, change: dict[str, Any]) -> None:
    await sign_in(world)
    key = SoftPasskey(sign_count=5)
    assert (await made_passkey(world, key)).status_code == 200
    world.client.cookies.clear()
    for name, value in change.items():
        setattr(key, name, value)
    reply = await used_passkey(world, key)
    assert (reply.status_code, reply.json()["errors"][0]["key"]) == (401, "passkey")
    assert (await world.client.get("/security")).status_code == 303


async def test_an_answer_of_a_passkey_is_good_once_and_for_minutes(world: World) -> None:
    await sign_in(world)
    key = SoftPasskey()
    await made_passkey(world, key)
    options = (await world.post_script("/sign-in/passkey/options", {})).json()["data"]
    kept, answer = world.client.cookies.get("sheetport_challenge"), key.sign(options)
    assert kept is not None
    assert (await world.post_script("/sign-in/passkey", answer)).status_code == 200
    world.client.cookies.set("sheetport_challenge", kept)
    assert (await world.post_script("/sign-in/passkey", answer)).status_code == 400
    options = (await world.post_script("/sign-in/passkey/options", {})).json()["data"]
    world.clock.advance(5 * MINUTE)
    assert (await world.post_script("/sign-in/passkey", key.sign(options))).status_code == 400


@pytest.mark.parametrize("junk", [{}, {"rawId": 5}, {"rawId": "!!"}, {"rawId": "AA", "response": []}, {"rawId": None}])
async def test_junk_is_no_passkey(world: World, junk: Any) -> None:
    await sign_in(world)
    await world.post_script("/sign-in/passkey/options", {})
    assert (await world.post_script("/sign-in/passkey", junk)).status_code == 401
    await world.post_script("/security/passkeys/options", {})
    assert (await world.post_script("/security/passkeys", {"credential": junk})).status_code == 400
