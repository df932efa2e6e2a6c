"""Sessions, passwords, second factors and the rules for sign-ins over the API."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyotp
import pytest
from argon2 import PasswordHasher

from sheetport.features.auth.service import passwords
from sheetport.features.factors import service as factors
from sheetport.features.logins import jobs
from sheetport.features.logins import service as logins
from sheetport.features.logins.model import Login, Needed, Pending
from sheetport.features.users import service as users
from sheetport.kernel.clock import DAY, MINUTE, SECOND
from sheetport.kernel.errors import Invalid, NotFound, TooMany, Unauthenticated, Unavailable
from sheetport.kernel.visitor import Visitor
from sheetport.storage.tables.logins import totp_factors
from worlds import PASSWORD, World

EMAIL, NEW = "admin@example.com", "violet tram under quiet snow"
STEP = 30 * SECOND
#: Two places that failures count against.
HERE = Visitor("192.0.2.1", "test", limited=True)
THERE = Visitor("198.51.100.7", "test", limited=True)


@pytest.fixture(autouse=True)
async def cheap_hashes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes of the least cost: these tests fail a hundred sign-ins, and what a hash costs is another test's."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    monkeypatch.setattr(passwords, "_hasher", cheap)
    monkeypatch.setattr(passwords, "DUMMY_HASH", cheap.hash("nobody's"))
    made = await passwords.hash_password(PASSWORD)
    for user in (world.user_id, world.other_user_id):
        await world.db.write(lambda uow, user=user: users.set_password(uow, user, made))  # type: ignore[misc]


async def token(world: World, agent: str = "Firefox") -> str:
    """A session by password over the API."""
    world.clock.advance(SECOND)
    body = {"email": EMAIL, "password": PASSWORD}
    reply = await world.call("POST", "/v1/auth", body, token="", headers={"User-Agent": agent})
    assert reply.status == 200, reply.body
    return str(reply.body["accessToken"])


async def enrolled(world: World, session: str) -> tuple[pyotp.TOTP, list[str]]:
    """An authenticator app of the user, and the recovery codes."""
    made = (await world.call("POST", "/v1/auth/factors/totp", token=session)).data
    app = pyotp.TOTP(made["secret"])
    assert pyotp.parse_uri(made["uri"]) == app or made["secret"] in made["uri"]
    body = {"code": code(world, app)}
    return app, (await world.call("POST", "/v1/auth/factors/totp/confirm", body, token=session)).data["recoveryCodes"]


def code(world: World, app: pyotp.TOTP, steps: int = 0) -> str:
    return app.generate_otp(world.clock.now() // STEP + steps)


async def pending(world: World, visitor: Visitor = HERE) -> Pending:
    made = await logins.sign_in(world.db, EMAIL, PASSWORD, visitor)
    assert isinstance(made, Pending)
    return made


async def test_sessions_are_listed_with_place_agent_and_way(world: World) -> None:
    first, second = await token(world, "Firefox"), await token(world, "x" * 1_000)
    listed = (await world.call("GET", "/v1/auth/sessions", token=second)).data
    assert [(each["current"], each["method"]) for each in listed] == [(True, "password"), (False, "password")]
    assert [len(each["agent"]) for each in listed] == [300, 7]
    assert listed[0]["address"] == "127.0.0.1"
    assert (await world.call("GET", "/v1/auth/sessions", token=world.pat_other)).data == []
    assert first != second


async def test_a_session_that_was_ended_is_refused_at_once(world: World) -> None:
    first, second, third = [await token(world) for _ in range(3)]
    listed = (await world.call("GET", "/v1/auth/sessions", token=first)).data
    (oldest,) = [each["id"] for each in listed if each["current"]]
    assert (await world.call("DELETE", f"/v1/auth/sessions/{oldest}", token=world.pat_other)).status == 404
    assert (await world.call("DELETE", f"/v1/auth/sessions/{oldest}", token=second)).status == 200
    assert (await world.call("GET", "/v1/auth/sessions", token=first)).status == 401
    assert (await world.call("DELETE", "/v1/auth/sessions?which=others", token=third)).data == {"ended": 1}
    assert (await world.call("GET", "/v1/auth/sessions", token=second)).status == 401
    assert (await world.call("DELETE", "/v1/auth/sessions?which=all", token=third)).data == {"ended": 1}
    assert (await world.call("GET", "/v1/auth/sessions", token=third)).status == 401
    assert (await world.call("DELETE", "/v1/auth/sessions?which=none", token=world.pat)).error["key"] == "which"
    assert len(await world.audits("access:delete")) == 3


async def test_changing_the_password_needs_the_present_one_and_ends_other_sessions(world: World) -> None:
    mine, other = await token(world), await token(world)
    for current, new, key in ((NEW, NEW, "currentPassword"), (PASSWORD, "short", "password")):
        body = {"currentPassword": current, "newPassword": new}
        reply = await world.call("POST", "/v1/auth/password", body, token=mine)
        assert (reply.status, reply.error["key"]) == (400, key)
    body = {"currentPassword": PASSWORD, "newPassword": NEW}
    assert (await world.call("POST", "/v1/auth/password", body, token=mine)).status == 200
    assert (await world.call("GET", "/v1/auth/sessions", token=other)).status == 401
    assert len((await world.call("GET", "/v1/auth/sessions", token=mine)).data) == 1
    assert (await world.call("POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD}, token="")).status == 401
    assert (await world.call("POST", "/v1/auth", {"email": EMAIL, "password": NEW}, token="")).status == 200
    (audit,) = await world.audits("password:change")
    assert (audit["actor_id"], audit["target"]) == (world.user_id, world.user_id)


async def test_an_authenticator_app_is_asked_for_from_then_on(world: World) -> None:
    session = await token(world)
    app, codes = await enrolled(world, session)
    assert (len(codes), len(set(codes))) == (10, 10)
    factors = (await world.call("GET", "/v1/auth/factors", token=session)).data
    assert factors == {"totp": True, "recoveryCodes": 10, "passkeys": []}
    reply = await world.call("POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD}, token="")
    assert (reply.status, "personal access token" in reply.error["message"]) == (403, True)
    assert (await world.call("GET", "/v1/auth/sessions", token=world.pat)).status == 200
    world.clock.advance(STEP)
    login = await logins.sign_in_by_code(world.db, (await pending(world)).ticket, code(world, app), HERE)
    listed = (await world.call("GET", "/v1/auth/sessions", token=login.signed_in.access.token)).data
    assert listed[0]["method"] == "password+totp"
    assert [each["target"] for each in await world.audits("factor:create")] == [world.user_id] * 2


async def test_a_code_is_good_once_and_one_step_early_or_late(world: World) -> None:
    app, _ = await enrolled(world, await token(world))
    for steps in (-2, 0, 2):  # the present one has confirmed the app
        with pytest.raises(Unauthenticated):
            await logins.sign_in_by_code(world.db, (await pending(world)).ticket, code(world, app, steps), HERE)
    await logins.sign_in_by_code(world.db, (await pending(world)).ticket, code(world, app, 1), HERE)
    with pytest.raises(Unauthenticated):
        await logins.sign_in_by_code(world.db, (await pending(world)).ticket, code(world, app, 1), HERE)
    world.clock.advance(3 * STEP)
    spaced = code(world, app, -1)[:3] + " " + code(world, app, -1)[3:]
    await logins.sign_in_by_code(world.db, (await pending(world)).ticket, spaced, HERE)
    assert len(await world.audits("auth:refused")) == 4


async def test_a_right_password_waits_ten_minutes_for_one_second_step(world: World) -> None:
    app, _ = await enrolled(world, await token(world))
    world.clock.advance(STEP)
    ticket = (await pending(world)).ticket
    await logins.sign_in_by_code(world.db, ticket, code(world, app), HERE)
    late = (await pending(world)).ticket
    world.clock.advance(STEP)
    forged = ticket[:-1] + ("A" if ticket[-1] != "A" else "B")
    for bad in (ticket, forged, "", "1.2.3", ticket.replace(".", "!"), "9" * 3_000):
        with pytest.raises(Invalid, match="begin again"):
            await logins.sign_in_by_code(world.db, bad, code(world, app), HERE)
        world.clock.advance(STEP)
    world.clock.advance(10 * MINUTE)
    with pytest.raises(Invalid, match="begin again"):
        await logins.sign_in_by_code(world.db, late, code(world, app), HERE)


async def test_a_recovery_code_works_once_however_it_is_spelled(world: World) -> None:
    session = await token(world)
    _, codes = await enrolled(world, session)
    ticket = (await pending(world)).ticket
    await logins.sign_in_by_code(world.db, ticket, f" {codes[0].upper().replace('-', ' ')} ", HERE)
    with pytest.raises(Unauthenticated):
        await logins.sign_in_by_code(world.db, (await pending(world)).ticket, codes[0], HERE)
    assert (await world.call("GET", "/v1/auth/factors", token=session)).data["recoveryCodes"] == 9
    fresh = (await world.call("POST", "/v1/auth/factors/recovery-codes", token=session)).data["recoveryCodes"]
    with pytest.raises(Unauthenticated):
        await logins.sign_in_by_code(world.db, (await pending(world)).ticket, codes[1], HERE)
    await logins.sign_in_by_code(world.db, (await pending(world)).ticket, fresh[1], HERE)


async def test_factors_are_changed_only_soon_after_a_proof(world: World) -> None:
    session = await token(world)
    app, codes = await enrolled(world, session)
    assert (await world.call("DELETE", "/v1/auth/factors/totp", token=world.pat)).error["key"] == "recentSignIn"
    world.clock.advance(11 * MINUTE)
    assert (await world.call("DELETE", "/v1/auth/factors/totp", token=session)).error["key"] == "recentSignIn"
    for body in ({"password": PASSWORD}, {"password": NEW, "code": codes[0]}, {"password": PASSWORD, "code": "000000"}):
        assert (await world.call("POST", "/v1/auth/sessions/current/proof", body, token=session)).status == 400
    body = {"password": PASSWORD, "code": code(world, app)}
    assert (await world.call("POST", "/v1/auth/sessions/current/proof", body, token=session)).status == 200
    assert (await world.call("DELETE", "/v1/auth/factors/totp", token=session)).status == 200
    factors = (await world.call("GET", "/v1/auth/factors", token=session)).data
    assert factors == {"totp": False, "recoveryCodes": 0, "passkeys": []}
    assert len(await world.audits("factor:delete")) == 1


async def test_an_account_that_asks_for_a_second_factor_has_it_set_up_at_the_next_sign_in(world: World) -> None:
    session = await token(world)
    body: dict[str, Any] = {"mfaRequired": True}
    reply = await world.call("PATCH", "/v1/auth/login-policy", body, token=world.pat)
    assert reply.data == {"mfaRequired": True, "passwordTokens": True}
    assert (await world.call("POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD}, token="")).status == 403
    first = await pending(world)
    assert first.needed is Needed.ENROLMENT
    enrolment = await world.db.write(lambda uow: logins.begin_enrolment(uow, first.ticket))
    again = await world.db.write(lambda uow: logins.begin_enrolment(uow, first.ticket))
    assert enrolment == again
    app = pyotp.TOTP(enrolment.secret)
    with pytest.raises(Invalid):
        await logins.finish_enrolment(world.db, first.ticket, "000000", HERE)
    login, codes = await logins.finish_enrolment(world.db, first.ticket, code(world, app), HERE)
    assert (login.signed_in.user.id, len(codes)) == (world.user_id, 10)
    assert (await pending(world)).needed is Needed.CODE
    refused = await world.call("DELETE", "/v1/auth/factors/totp", token=login.signed_in.access.token)
    assert "set up another" in refused.error["message"]
    assert (await world.call("GET", "/v1/auth/factors", token=session)).data["totp"] is True


async def test_an_account_may_give_no_tokens_for_passwords(world: World) -> None:
    await world.call("PATCH", "/v1/auth/login-policy", {"passwordTokens": False}, token=world.pat)
    right, wrong = [
        await world.call("POST", "/v1/auth", {"email": EMAIL, "password": each}, token="") for each in (PASSWORD, NEW)
    ]
    assert (right.status, wrong.status) == (403, 401)
    assert isinstance(await logins.sign_in(world.db, EMAIL, PASSWORD, HERE), Login)
    other = {"email": "other_admin@example.com", "password": PASSWORD}
    assert (await world.call("POST", "/v1/auth", other, token="")).status == 200


async def fail(world: World, email: str, visitor: Visitor, times: int) -> None:
    for _ in range(times):
        with pytest.raises(Unauthenticated):
            await logins.sign_in(world.db, email, NEW, visitor)


async def test_guessing_is_stopped_alike_for_accounts_that_exist_and_not(world: World) -> None:
    said = []
    for email in (EMAIL, "nobody@example.com"):
        await fail(world, email, HERE, 10)
        with pytest.raises(TooMany) as stopped:
            await logins.sign_in(world.db, email, PASSWORD, HERE)
        said.append((stopped.value.message, stopped.value.retry_after))
    assert said[0] == said[1]
    assert isinstance(await logins.sign_in(world.db, EMAIL, PASSWORD, THERE), Login)
    world.clock.advance(15 * MINUTE)
    assert isinstance(await logins.sign_in(world.db, EMAIL, PASSWORD, HERE), Login)


async def test_who_fails_from_everywhere_does_not_lock_out_a_known_device(world: World) -> None:
    login = await logins.sign_in(world.db, EMAIL, PASSWORD, THERE)
    assert isinstance(login, Login)
    for network in range(10):
        await fail(world, EMAIL, Visitor(f"203.0.113.{network}", limited=True), 10)
    with pytest.raises(TooMany):
        await logins.sign_in(world.db, EMAIL, PASSWORD, THERE)
    device = logins.known_device(world.db.keys, world.clock.now(), THERE, login.device)
    assert isinstance(await logins.sign_in(world.db, EMAIL, PASSWORD, device), Login)
    stranger = logins.known_device(world.db.keys, world.clock.now() + 181 * DAY, THERE, login.device)
    assert stranger.device is None


async def test_the_second_step_bears_five_wrong_codes(world: World) -> None:
    app, codes = await enrolled(world, await token(world))
    world.clock.advance(STEP)
    ticket = (await pending(world)).ticket
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await logins.sign_in_by_code(world.db, ticket, "000000", HERE)
    with pytest.raises(TooMany):
        await logins.sign_in_by_code(world.db, ticket, code(world, app), HERE)
    await logins.sign_in_by_code(world.db, ticket, codes[3], HERE)


async def test_a_reset_link_works_once_and_ends_every_session(world: World) -> None:
    session = await token(world)
    asked = await world.db.write(lambda uow: logins.ask_for_reset(uow, f" {EMAIL.upper()}", HERE))
    again = await world.db.write(lambda uow: logins.ask_for_reset(uow, EMAIL, HERE))
    assert asked is not None
    assert again is not None
    with pytest.raises(Invalid):
        await logins.use_reset(world.db, asked[1], "short")
    await logins.use_reset(world.db, asked[1], NEW)
    for used in (asked[1], again[1], session, ""):
        with pytest.raises(NotFound):
            await logins.use_reset(world.db, used, PASSWORD)
    assert (await world.call("GET", "/v1/auth/sessions", token=session)).status == 401
    assert (await world.call("POST", "/v1/auth", {"email": EMAIL, "password": NEW}, token="")).status == 200
    assert len(await world.audits("password:reset")) == 1


async def test_reset_links_end_after_half_an_hour_and_are_few(world: World) -> None:
    asked = await world.db.write(lambda uow: logins.ask_for_reset(uow, EMAIL, HERE))
    assert asked is not None
    ticket = asked[1]
    world.clock.advance(30 * MINUTE)
    with pytest.raises(NotFound):
        await world.db.read(lambda uow: logins.find_reset(uow, ticket))
    for _ in range(4):
        await world.db.write(lambda uow: logins.ask_for_reset(uow, EMAIL, HERE))
    assert await world.db.write(lambda uow: logins.ask_for_reset(uow, EMAIL, THERE)) is None
    assert await world.db.write(lambda uow: logins.ask_for_reset(uow, "nobody@example.com", THERE)) is None


async def test_a_sign_in_from_elsewhere_is_told(world: World) -> None:
    for visitor in (HERE, HERE, THERE):
        await logins.sign_in(world.db, EMAIL, PASSWORD, visitor)
    (told,) = await world.audits("login:new-place")
    (event,) = await world.events("login:new-place")
    assert (told["actor_id"], world.user_id in event["payload"]) == (world.user_id, True)


async def test_what_is_out_of_date_is_forgotten(world: World) -> None:
    await fail(world, EMAIL, HERE, 1)
    asked = await world.db.write(lambda uow: logins.ask_for_reset(uow, EMAIL, HERE))
    assert asked is not None
    await logins.use_reset(world.db, asked[1], NEW)
    assert isinstance(await logins.sign_in(world.db, EMAIL, NEW, HERE), Login)
    assert await world.db.write(jobs.sweep) == 0
    world.clock.advance(181 * DAY)
    assert await world.db.write(jobs.sweep) == 5  # a network's failure, two counts of resets, a session, a ticket


async def test_an_apps_secret_follows_the_key_that_seals_it(world: World) -> None:
    app, _ = await enrolled(world, await token(world))
    old = world.db.keys
    world.db.keys = replace(old, keks={**old.keks, "kek_new": bytes(32)}, current_kek="kek_new")
    assert await world.db.write(factors.reseal_totp) == 1
    assert await world.db.write(factors.reseal_totp) == 0
    world.db.keys = replace(old, keks={"kek_new": bytes(32)}, current_kek="kek_new")
    world.clock.advance(STEP)
    await logins.sign_in_by_code(world.db, (await pending(world)).ticket, code(world, app), HERE)


async def test_an_apps_secret_that_was_moved_or_altered_is_told_of_and_left(world: World) -> None:
    app, codes = await enrolled(world, await token(world))
    altered = totp_factors.update().values(account_id="us_acc_other")
    await world.db.write(lambda uow: uow.execute(altered))
    world.clock.advance(STEP)
    with pytest.raises(Unavailable, match="recovery code"):
        await logins.sign_in_by_code(world.db, (await pending(world)).ticket, code(world, app), HERE)
    await logins.sign_in_by_code(world.db, (await pending(world)).ticket, codes[0], HERE)
    old = world.db.keys
    world.db.keys = replace(old, keks={**old.keks, "kek_new": bytes(32)}, current_kek="kek_new")
    assert await world.db.write(factors.reseal_totp) == 0
