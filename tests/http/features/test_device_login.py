"""Device login (RFC 8628): a program shows a code, a person decides on a page, the program fetches its token once."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx
import pyotp
import pytest
from argon2 import PasswordHasher
from sqlalchemy import select

from proving import Prover
from sheetport.features.auth.service import passwords
from sheetport.features.oauth import jobs
from sheetport.features.oauth import service as oauth
from sheetport.features.oauth.model import CODE_LETTERS
from sheetport.features.users import service as users
from sheetport.kernel.clock import DAY, HOUR, MINUTE, SECOND
from sheetport.kernel.errors import NotFound, TooMany
from sheetport.kernel.visitor import Visitor
from sheetport.storage.tables.auth import credentials, device_logins
from sheetport.storage.tables.core import users as users_table
from sheetport.storage.tables.mail import mails
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import PASSWORD, Reply, World

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
FORM = {"email": "admin@example.com", "password": PASSWORD}
CLIENT = "sheetport on laptop"
STEP = 30 * SECOND


@pytest.fixture(autouse=True)
async def cheap_hashes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of the least cost: what a hash costs is another test's."""
    monkeypatch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    made = await passwords.hash_password(PASSWORD)
    await world.db.write(lambda uow: users.set_password(uow, world.user_id, made))


async def form(world: World, path: str, headers: dict[str, str] | None = None, /, **fields: str) -> Reply:
    sent = {"Content-Type": "application/x-www-form-urlencoded", **(headers or {})}
    return await world.call("POST", path, token="", headers=sent, content=urlencode(fields))


async def begun(world: World, **fields: str) -> dict[str, Any]:
    reply = await form(world, "/v1/oauth/device_authorization", client_id=fields.pop("client_id", CLIENT), **fields)
    assert reply.status == 200, reply.body
    body: dict[str, Any] = reply.body
    return body


async def polled(world: World, device_code: str, client_id: str = CLIENT, proof: str | None = None) -> Reply:
    headers = {"DPoP": proof} if proof else {}
    fields = {"grant_type": GRANT, "device_code": device_code, "client_id": client_id}
    return await form(world, "/v1/oauth/token", headers, **fields)


async def word(world: World, device_code: str, client_id: str = CLIENT) -> str:
    """The standard's word for why there is no token."""
    reply = await polled(world, device_code, client_id)
    assert reply.status == 400, reply.body
    assert reply.headers["cache-control"] == "no-store"
    return str(reply.body["error"])


async def signed_in(world: World) -> None:
    assert (await world.post_form("/sign-in", FORM)).status_code == 303


async def did(world: World, do: str, code: str) -> httpx.Response:
    return await world.post_form("/device", {"do": do, "user_code": code}, page="/device")


async def test_a_program_is_let_in_by_a_person_and_gets_its_token_once(world: World) -> None:
    asked = await begun(world)
    base = world.app.settings.http.base_url
    assert (asked["verification_uri"], asked["expires_in"], asked["interval"]) == (f"{base}/device", 600, 5)
    assert asked["verification_uri_complete"] == f"{base}/device?user_code={asked['user_code']}"
    assert re.fullmatch(rf"[{CODE_LETTERS}]{{4}}-[{CODE_LETTERS}]{{4}}", asked["user_code"])
    assert await word(world, asked["device_code"]) == "authorization_pending"
    await signed_in(world)
    shown = await world.client.get(f"/device?user_code={asked['user_code']}")
    assert f'value="{asked["user_code"]}"' in shown.text
    assert CLIENT not in shown.text, "an address alone looks nothing up"
    asks = await did(world, "find", asked["user_code"].lower().replace("-", " "))
    for told in (CLIENT, asked["user_code"], "127.0.0.1", "everything that you may do", "2027-01-15"):
        assert told in asks.text
    assert "Approved" in (await did(world, "approve", asked["user_code"])).text
    world.clock.advance(5 * SECOND)
    given = await polled(world, asked["device_code"])
    assert (given.status, given.body["token_type"], given.body["expires_in"]) == (200, "Bearer", 90 * 86_400)
    assert "token:write" in given.body["scope"]
    token = given.body["access_token"]
    assert token.startswith("pat_")
    assert await word(world, asked["device_code"]) == "invalid_grant"
    listed = (await world.call("GET", "/v1/auth/personal-access-tokens", token=token)).data
    (mine,) = [each for each in listed if each["name"] == f"{CLIENT} (device login)"]
    (approved,) = await world.audits("device:approve")
    (created,) = [each for each in await world.audits("personal:create") if each["target"] == mine["id"]]
    assert (approved["actor_id"], json.loads(approved["detail"])["client"]) == (world.user_id, CLIENT)
    assert created["actor_id"] == world.user_id
    world.clock.advance(90 * DAY)
    assert (await world.call("GET", "/v1/environments", token=token)).status == 401


async def test_neither_code_nor_token_is_kept(world: World) -> None:
    asked = await begun(world)
    await signed_in(world)
    await did(world, "approve", asked["user_code"])
    token = (await polled(world, asked["device_code"])).body["access_token"]

    async def everything(uow: UnitOfWork) -> str:
        rows = [row for table in (device_logins, credentials) for row in await uow.fetch_all(select(table))]
        return repr([[row[name] for name in row.keys()] for row in rows])  # noqa: SIM118 - rows are not dicts

    kept = await world.db.read(everything) + repr(await world.audits())
    for secret in (asked["device_code"], asked["user_code"], asked["user_code"].replace("-", ""), token):
        assert secret not in kept


async def test_who_asks_too_soon_is_slowed_down(world: World) -> None:
    code = (await begun(world))["device_code"]
    assert await word(world, code) == "authorization_pending"
    world.clock.advance(4 * SECOND)
    assert await word(world, code) == "slow_down"
    world.clock.advance(6 * SECOND)
    assert await word(world, code) == "slow_down"  # ten seconds by now
    world.clock.advance(15 * SECOND)
    assert await word(world, code) == "authorization_pending"


async def test_a_denial_an_end_and_a_wrong_code_have_each_their_word(world: World) -> None:
    denied, late, other = [await begun(world) for _ in range(3)]
    await signed_in(world)
    assert "was not let in" in (await did(world, "deny", denied["user_code"])).text
    assert [await word(world, denied["device_code"]) for _ in range(2)] == ["access_denied", "access_denied"]
    (record,) = await world.audits("device:deny")
    assert record["actor_id"] == world.user_id
    assert await word(world, other["device_code"], "another program") == "invalid_grant"
    assert await word(world, "dvc_nothing") == "invalid_grant"
    await did(world, "approve", late["user_code"])
    world.clock.advance(10 * MINUTE)
    assert await word(world, late["device_code"]) == "expired_token"
    assert await word(world, other["device_code"]) == "expired_token"
    assert (await did(world, "approve", other["user_code"])).status_code == 404
    assert await world.db.write(jobs.sweep) == 0
    world.clock.advance(HOUR)
    assert await world.db.write(jobs.sweep) == 3
    assert await word(world, late["device_code"]) == "invalid_grant"


async def test_a_decision_is_made_once(world: World) -> None:
    asked = await begun(world)
    await signed_in(world)
    await did(world, "deny", asked["user_code"])
    assert (await did(world, "approve", asked["user_code"])).status_code == 404
    assert await word(world, asked["device_code"]) == "access_denied"


@pytest.mark.parametrize(
    ("fields", "code", "key"),
    [
        ({}, "invalid_request", "client_id"),
        ({"client_id": "x" * 101}, "invalid_request", "client_id"),
        ({"client_id": "a\nb"}, "invalid_request", "client_id"),
        ({"client_id": " "}, "invalid_request", "client_id"),
        ({"client_id": "x", "scope": "nonsense"}, "invalid_scope", "scope"),
    ],
)
async def test_bad_requests_name_the_field(world: World, fields: dict[str, str], code: str, key: str) -> None:
    reply = await form(world, "/v1/oauth/device_authorization", **fields)
    assert (reply.status, reply.body["error"], reply.error["key"]) == (400, code, key)


async def test_it_may_ask_for_less_and_gets_no_more_than_that(world: World) -> None:
    asked = await begun(world, scope="environment:read token:write")
    await signed_in(world)
    shown = (await did(world, "find", asked["user_code"])).text
    assert "<code>environment:read</code>" in shown
    await did(world, "approve", asked["user_code"])
    given = (await polled(world, asked["device_code"])).body
    assert given["scope"] == "environment:read", "what is narrowed makes no tokens"
    assert (await world.call("GET", "/v1/environments", token=given["access_token"])).status == 200
    assert (await world.call("GET", "/v1/spaces", token=given["access_token"])).status == 403
    told = await world.call("POST", "/v1/oauth/introspect", {"token": given["access_token"]}, token=world.pat)
    for change in ({"readOnly": False}, {"networks": []}, {"environmentId": world.dev}, {"environmentId": None}):
        changed = await world.call("PATCH", f"/v1/auth/credentials/{told.body['jti']}", change, token=world.pat)
        assert changed.status == 200, changed.body
        assert (await world.call("GET", "/v1/environments", token=given["access_token"])).status == 200
        assert (await world.call("GET", "/v1/spaces", token=given["access_token"])).status == 403, change


async def test_who_is_signed_out_signs_in_and_comes_back(world: World) -> None:
    asked = await begun(world)
    away = await world.client.get(f"/device?user_code={asked['user_code']}")
    assert (away.status_code, away.headers["location"]) == (303, "/")
    back = await world.post_form("/sign-in", FORM)
    assert back.headers["location"] == f"/device?user_code={asked['user_code']}"
    assert (await world.client.get(back.headers["location"])).status_code == 200


async def test_a_token_in_the_cookie_and_a_form_of_another_site_approve_nothing(world: World) -> None:
    asked = await begun(world)
    world.client.cookies.set("sheetport_session", world.pat)
    reply = await did(world, "approve", asked["user_code"])
    assert (reply.status_code, "a token approves nothing" in reply.text) == (403, True)
    world.client.cookies.delete("sheetport_session")
    await signed_in(world)
    body = {"do": "approve", "user_code": asked["user_code"]}
    assert (await world.client.post("/device", data=body)).status_code == 403
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert (await world.post_form("/device", body, page="/device", headers=headers)).status_code == 403
    assert await word(world, asked["device_code"]) == "authorization_pending"


async def test_who_has_a_second_factor_has_to_have_used_it(world: World) -> None:
    asked = await begun(world)
    await signed_in(world)
    shown = (await world.post_form("/security", {"do": "begin-totp"})).text
    found = re.search(r'id="secret">([A-Z2-7 ]+)<', shown)
    assert found is not None
    app = pyotp.TOTP(found[1].replace(" ", ""))
    await world.post_form("/security/totp", {"code": app.generate_otp(world.clock.now() // STEP)})
    reply = await did(world, "approve", asked["user_code"])
    assert (reply.status_code, reply.headers["location"]) == (303, "/security/prove")
    assert await word(world, asked["device_code"]) == "authorization_pending"
    refused = await world.call("POST", "/v1/auth", FORM, token="")
    assert (refused.status, "sheetport login" in refused.error["message"]) == (403, True)
    world.clock.advance(STEP)
    code = app.generate_otp(world.clock.now() // STEP)
    back = await world.post_form("/security/prove", {"password": PASSWORD, "code": code})
    assert back.headers["location"] == f"/device?user_code={asked['user_code']}"
    assert "Approved" in (await did(world, "approve", asked["user_code"])).text
    assert (await polled(world, asked["device_code"])).status == 200


async def test_wrong_codes_are_counted_by_who_enters_them(world: World) -> None:
    asked = await begun(world)
    await signed_in(world)
    actor = await world.app.verifier.verify(world.client.cookies["sheetport_session"])
    here = Visitor("127.0.0.1", limited=True)
    for _ in range(10):
        with pytest.raises(NotFound):
            await oauth.find_asked(world.db, actor, "BBBB-BBBB", here)
    refused = [json.loads(record["detail"]) for record in await world.audits("auth:refused")]
    assert [each["origin"] for each in refused] == ["device login"] * 10
    assert len({each["claimed"] for each in refused}) == 1
    with pytest.raises(TooMany, match="try again in 15 minutes, and enter the code as the program shows it then"):
        await oauth.find_asked(world.db, actor, asked["user_code"], here)
    with pytest.raises(TooMany):
        await oauth.decide(world.db, actor, asked["user_code"], here, approved=True)
    assert await word(world, asked["device_code"]) == "authorization_pending"
    world.clock.advance(15 * MINUTE)
    fresh = await begun(world)
    await oauth.decide(world.db, actor, fresh["user_code"], here, approved=True)
    assert (await polled(world, fresh["device_code"])).status == 200


async def test_whoever_is_disabled_meanwhile_lets_nobody_in(world: World) -> None:
    asked = await begun(world)
    await signed_in(world)
    await did(world, "approve", asked["user_code"])
    await world.db.write(lambda uow: _disable(uow, world))
    assert await word(world, asked["device_code"]) == "access_denied"


async def _disable(uow: UnitOfWork, world: World) -> None:
    await uow.execute(users_table.update().where(users_table.c.id == world.user_id).values(disabled_at=uow.now))


async def test_keys_live_no_longer_than_the_account_lets_them(world: World) -> None:
    await world.call("PUT", "/v1/auth/key-policy", {"maxAgeDays": 7}, token=world.pat)
    asked = await begun(world)
    await signed_in(world)
    await did(world, "approve", asked["user_code"])
    assert (await polled(world, asked["device_code"])).body["expires_in"] == 7 * 86_400


async def test_a_program_from_elsewhere_is_told_of(world: World) -> None:
    """By its address, and whose program it is: who was talked into entering a code finds out."""
    await signed_in(world)
    here = await begun(world)
    await did(world, "approve", here["user_code"])
    assert (await polled(world, here["device_code"])).status == 200
    assert await world.events("login:new-place") == []
    elsewhere = httpx.ASGITransport(app=world.client._transport.app, client=("203.0.113.9", 1))  # type: ignore[attr-defined]
    async with httpx.AsyncClient(transport=elsewhere, base_url="http://sheetport.test") as other:
        there = await begun(replace(world, client=other))
    shown = await did(world, "find", there["user_code"])
    assert "203.0.113.9" in shown.text
    await did(world, "approve", there["user_code"])
    token = (await polled(world, there["device_code"])).body["access_token"]
    token_id = (await world.call("POST", "/v1/oauth/introspect", {"token": token}, token=token)).body["jti"]
    (event,) = await world.events("login:new-place")
    assert (event["target"], world.user_id in event["payload"]) == (token_id, True)
    (record,) = await world.audits("login:new-place")
    assert (record["actor_id"], record["target"]) == (world.user_id, token_id)
    rows = await world.db.read(lambda uow: uow.fetch_all(select(mails.c.recipient, mails.c.template)))
    assert [(row["recipient"], row["template"]) for row in rows] == [(FORM["email"], "alert")]


async def test_its_token_can_be_bound_to_a_key(world: World) -> None:
    prover, asked = Prover(), await begun(world)
    await signed_in(world)
    await did(world, "approve", asked["user_code"])
    base, now = world.app.settings.http.base_url, world.clock.now()
    bad = await polled(world, asked["device_code"], proof=prover.prove("GET", f"{base}/v1/oauth/token", now))
    assert (bad.status, bad.body["error"]) == (400, "invalid_dpop_proof")
    good = prover.prove("POST", f"{base}/v1/oauth/token", now)
    given = (await polled(world, asked["device_code"], proof=good)).body
    token = given["access_token"]
    assert given["token_type"] == "DPoP"
    assert (await world.call("GET", "/v1/environments", token=token)).status == 401
    headers = {"Authorization": f"DPoP {token}", "DPoP": prover.prove("GET", f"{base}/v1/environments", now, token)}
    assert (await world.call("GET", "/v1/environments", token="", headers=headers)).status == 200


async def test_the_metadata_names_the_endpoint(world: World) -> None:
    metadata = (await world.call("GET", "/.well-known/oauth-authorization-server", token="")).body
    base = world.app.settings.http.base_url
    assert metadata["device_authorization_endpoint"] == f"{base}/v1/oauth/device_authorization"
    assert GRANT in metadata["grant_types_supported"]
