"""Single sign-on with a real OpenID provider."""

from __future__ import annotations

import json
from collections.abc import Iterator
from urllib.parse import urlsplit

import pyotp
import pytest
from sqlalchemy import select, text, update

from servers.openid import SECRET, OpenIdProvider, running_provider
from sheetport.features.logins import jobs
from sheetport.features.sso import service as sso
from sheetport.features.users import service as users
from sheetport.features.users.model import RoleWanted
from sheetport.kernel.actor import system_actor
from sheetport.kernel.clock import SECOND
from sheetport.storage.statements import statement
from sheetport.storage.tables.logins import sessions
from sheetport.storage.tables.sso import sso_connections, sso_identities
from sheetport.web.cookies import SESSION
from sso_world import EMAIL, change, come_back, depart, own_sessions, refusals, set_up, user_of
from worlds import PASSWORD, World


def person(email: str, *, is_verified: bool = True) -> dict[str, object]:
    return {"login": email, "claims": {"email": email, "email_verified": is_verified, "name": "Ada"}}


_OLD = statement(update(sessions).values(authenticated_at=sessions.c.authenticated_at - 3_600 * SECOND))
PEOPLE = [
    person(EMAIL),
    person("strong@example.com") | {"amr": ["pwd", "mfa"]},
    person("new@example.com"),
    person("invited@example.com"),
    person("other_admin@example.com"),
    person("doubtful@example.com", is_verified=False),
    person("ada@elsewhere.test"),
    {"login": "namesake", "claims": {"email": EMAIL, "email_verified": True}},
    {"login": "nameless", "claims": {}},
]


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenIdProvider]:
    with running_provider(tmp_path_factory.mktemp("openid") / "provider", PEOPLE) as made:
        yield made


async def signed_in(world: World, provider: OpenIdProvider, start: str, login: str = EMAIL) -> int:
    """One sign-in in a fresh browser; the status of the page at its end."""
    world.client.cookies.clear()
    back = await come_back(world, provider.sign_in(await depart(world, start), login))
    return back.status_code


async def test_a_user_signs_in_is_linked_once_and_known_by_issuer_and_subject(
    world: World, provider: OpenIdProvider
) -> None:
    start = await set_up(world, provider.issuer)
    assert "Continue with Example" in (await world.client.get("/")).text
    reply = await world.client.get(start)
    kept = reply.headers["set-cookie"]
    assert all(each in kept for each in ("sheetport_sso=", "HttpOnly", "SameSite=lax", "Max-Age=600")), kept
    url = provider.sign_in(reply.headers["location"], EMAIL)
    back = await come_back(world, url)
    assert (back.status_code, 'content="0;url=/"' in back.text) == (200, True)
    assert "Sign out" in (await world.client.get("/")).text
    assert await own_sessions(world) == ["sso"]
    replayed = await come_back(world, url)
    assert (replayed.status_code, "begin again" in replayed.text) == (400, True)
    await world.db.write(lambda uow: users.update_user(uow, system_actor(world.account_id), world.user_id, name="Eve"))
    assert await signed_in(world, provider, start) == 200
    assert [each["target"] for each in await world.audits("sso:link")] == [world.user_id]
    first, second = await world.audits("sso:sign-in")
    assert json.loads(first["detail"])["issuer"] == provider.issuer == json.loads(second["detail"])["issuer"]
    shown = await world.call("GET", "/v1/audit?action=sso:sign-in", token=world.pat)
    assert EMAIL in json.dumps(shown.data), "the subject stands in the audit record"
    assert await refusals(world) == ["not-begun"], "the cookie is gone with the first answer"


async def test_an_answer_is_good_only_in_the_browser_that_asked_and_once(
    world: World, provider: OpenIdProvider
) -> None:
    start = await set_up(world, provider.issuer)
    url = provider.sign_in(await depart(world, start), EMAIL)
    mine = dict(world.client.cookies)
    world.client.cookies.clear()
    assert (await come_back(world, url)).status_code == 400
    await depart(world, start)
    assert (await come_back(world, url)).status_code == 400, "the state is of another sign-in"
    world.client.cookies.clear()
    world.client.cookies.update(mine)
    assert (await come_back(world, url)).status_code == 200
    world.client.cookies.update(mine)
    assert (await come_back(world, url)).status_code == 400
    assert await refusals(world) == ["not-begun", "state", "used"]
    assert await own_sessions(world) == ["sso"]


async def test_who_is_no_user_of_the_account_is_told_the_same_and_nobody_is_made(
    world: World, provider: OpenIdProvider
) -> None:
    start = await set_up(world, provider.issuer)
    logins = ("new@example.com", "other_admin@example.com", "doubtful@example.com", "ada@elsewhere.test", "nameless")
    assert [await signed_in(world, provider, start, each) for each in logins] == [400] * 5
    unverified, domain = "email-not-verified", "email-domain"
    assert await refusals(world) == ["user-unknown", "user-unknown", unverified, domain, unverified]
    assert await signed_in(world, provider, start) == 200
    assert await signed_in(world, provider, start, "namesake") == 400, "the user is linked with somebody else there"
    assert (await refusals(world))[-1] == "user-linked-otherwise"
    assert await user_of(world, "new@example.com") is None
    assert len(await world.audits("sso:link")) == 1


async def test_new_users_are_made_with_the_role_that_the_account_names(world: World, provider: OpenIdProvider) -> None:
    start = await set_up(world, provider.issuer, newUsers="User")
    assert await signed_in(world, provider, start, "new@example.com") == 200
    made = await user_of(world, "new@example.com")
    assert made is not None
    assert (made.account_id, made.name, made.password_hash) == (world.account_id, "Ada", None)
    given = (await world.call("GET", f"/v1/users/{made.id}/roles", token=world.pat)).data
    roles = (await world.call("GET", "/v1/roles", token=world.pat)).data
    assert [each["name"] for each in roles if each["id"] == given[0]["roleId"]] == ["User"]
    assert await signed_in(world, provider, start, "other_admin@example.com") == 400, "another account's user"


async def test_an_invited_user_accepts_by_signing_in(world: World, provider: OpenIdProvider) -> None:
    start = await set_up(world, provider.issuer)
    email = "invited@example.com"
    roles = (await world.call("GET", "/v1/roles", token=world.pat)).data
    (role,) = [each["id"] for each in roles if each["name"] == "User"]
    actor, wanted = system_actor(world.account_id), [RoleWanted(role, world.account_id)]
    settings = world.app.settings
    invited = await world.db.write(lambda uow: users.invite_user(uow, actor, email, "Ida", wanted, settings))
    assert await signed_in(world, provider, start, email) == 200
    user = await user_of(world, email)
    assert user is not None
    assert (user.id, user.invited_at) == (invited.user.id, None)
    assert len(await world.audits("user:accept-invitation")) == 1
    link = (invited.link or "").partition("/setup")[2]
    ended = await world.client.get(f"/setup{link}", follow_redirects=True)
    assert (link[:7], ended.status_code) == ("?token=", 404), "the invitation has ended"


async def test_a_provider_takes_no_address_that_another_account_waits_for(
    world: World, provider: OpenIdProvider
) -> None:
    start = await set_up(world, provider.issuer, newUsers="User")
    email = "invited@example.com"
    invite = {"name": "Ida", "email": email, "actorRoles": []}
    for token in (world.pat_other, world.pat):
        assert (await world.call("POST", "/v1/users/invite", invite, token=token)).status == 200
        assert await signed_in(world, provider, start, email) == 400
    assert await refusals(world) == ["invited-elsewhere"] * 2
    assert (await user_of(world, email), await world.audits("sso:link")) == (None, [])


async def test_a_disabled_user_and_a_deleted_one_are_refused(world: World, provider: OpenIdProvider) -> None:
    start = await set_up(world, provider.issuer, newUsers="Guest")
    assert await signed_in(world, provider, start, "new@example.com") == 200
    made = await user_of(world, "new@example.com")
    assert made is not None
    path = f"/v1/users/{made.id}"
    assert (await world.call("POST", f"{path}/disable", token=world.pat)).status == 200
    assert "Sign out" not in (await world.client.get("/")).text, "the session has ended with the user"
    assert await signed_in(world, provider, start, "new@example.com") == 400
    assert (await world.call("DELETE", path, token=world.pat)).status == 200
    await world.db.write(jobs.sweep)
    assert await world.db.read(lambda uow: uow.fetch_all(select(sso_identities))) == []
    assert await refusals(world) == ["user-disabled"]


async def test_our_own_second_factor_is_asked_unless_the_account_trusts_the_providers(
    world: World, provider: OpenIdProvider
) -> None:
    start = await set_up(world, provider.issuer, newUsers="User")
    await world.call("PATCH", "/v1/auth/login-policy", {"mfaRequired": True}, token=world.pat)
    assert await signed_in(world, provider, start, "strong@example.com") == 200
    assert not any(name.endswith(SESSION) for name in world.client.cookies), "the second step is missing"
    shown = (await world.client.get("/sign-in/enrol")).text
    app = pyotp.TOTP("".join(shown.split('id="secret"')[1].split(">")[1].split("<")[0].split()))
    reply = await world.post_form(
        "/sign-in/enrol", {"code": app.at(world.clock.now() // SECOND)}, page="/sign-in/enrol"
    )
    assert (reply.status_code, "recovery codes" in reply.text) == (200, True)
    assert "by single sign-on and app" in (await world.client.get("/security")).text
    assert await signed_in(world, provider, start, "strong@example.com") == 200
    world.clock.advance(30 * SECOND)
    code = {"code": app.at(world.clock.now() // SECOND)}
    assert (await world.post_form("/sign-in/code", code, page="/sign-in/code")).status_code == 303
    await change(world, trustsMfa=True)
    assert await signed_in(world, provider, start, "strong@example.com") == 200
    assert "Sign out" in (await world.client.get("/")).text
    assert await signed_in(world, provider, start) == 200, "this one's provider vouches for nothing"
    assert "Sign out" not in (await world.client.get("/")).text


async def test_only_single_sign_on_needs_an_administrator_who_has_used_it(
    world: World, provider: OpenIdProvider
) -> None:
    start = await set_up(world, provider.issuer)
    reply = await world.call("PATCH", "/v1/auth/sso", {"onlySso": True}, token=world.pat)
    assert (reply.status, reply.error["key"]) == (409, "onlySso")
    assert await signed_in(world, provider, start) == 200
    await change(world, onlySso=True)
    body = {"email": EMAIL, "password": PASSWORD}
    reply = await world.call("POST", "/v1/auth", body, token="")
    assert (reply.status, "Example" in reply.error["message"]) == (403, True)
    world.client.cookies.clear()
    shown = await world.post_form("/sign-in", body)
    assert (shown.status_code, "by Example only" in shown.text) == (403, True)
    wrong = await world.post_form("/sign-in", body | {"password": "wrong"})
    assert (wrong.status_code, "only" in wrong.text.split("alert")[1][:200]) == (401, False)
    other = {"email": "other_admin@example.com", "password": PASSWORD}
    assert (await world.call("POST", "/v1/auth", other, token="")).status == 200, "another account's users may"
    assert await signed_in(world, provider, start) == 200
    await change(world, onlySso=False)
    assert (await world.call("POST", "/v1/auth", body, token="")).status == 200


async def test_removing_it_ends_sessions_and_links_and_lets_passwords_in_again(
    world: World, provider: OpenIdProvider
) -> None:
    start = await set_up(world, provider.issuer)
    assert await signed_in(world, provider, start) == 200
    await change(world, onlySso=True)
    url = provider.sign_in(await depart(world, start), EMAIL)
    assert (await world.call("DELETE", "/v1/auth/sso", token=world.pat_other)).status == 404
    assert (await world.call("DELETE", "/v1/auth/sso", token=world.pat)).status == 200
    assert await own_sessions(world) == []
    assert (await come_back(world, url)).status_code == 400
    assert (await world.client.get(start)).status_code == 404
    assert "Continue with" not in (await world.client.get("/")).text
    assert await world.db.read(lambda uow: uow.fetch_all(select(sso_identities))) == []
    assert (await world.call("POST", "/v1/auth", {"email": EMAIL, "password": PASSWORD}, token="")).status == 200
    assert len(await world.audits("sso:delete")) == 1


async def test_a_user_is_unlinked_and_linked_anew(world: World, provider: OpenIdProvider) -> None:
    start = await set_up(world, provider.issuer)
    assert await signed_in(world, provider, start) == 200
    path = f"/v1/auth/sso/identities/{world.user_id}"
    assert (await world.call("DELETE", path, token=world.pat_other)).status == 404
    assert (await world.call("DELETE", path, token=world.pat)).status == 200
    assert (await world.call("DELETE", path, token=world.pat)).status == 404
    assert await signed_in(world, provider, start, "namesake") == 200
    assert (len(await world.audits("sso:link")), len(await world.audits("sso:unlink"))) == (2, 1)


async def test_the_client_secret_is_sealed_for_its_issuer_and_follows_the_key_file(
    world: World, provider: OpenIdProvider
) -> None:
    start = await set_up(world, provider.issuer)
    shown = await world.call("GET", "/v1/auth/sso", token=world.pat)
    assert SECRET not in json.dumps(shown.body)
    assert shown.data["redirectUri"].endswith(start.replace("start", "callback"))
    for field, value in (("issuer", "https://evil.example.com"), ("clientId", "other")):
        reply = await world.call("PATCH", "/v1/auth/sso", {field: value}, token=world.pat)
        assert (reply.status, reply.error["key"]) == (400, "clientSecret"), "a secret is not sent elsewhere"
    (row,) = await world.db.read(lambda uow: uow.fetch_all(select(sso_connections)))
    assert SECRET.encode() not in bytes(row["ciphertext"])
    world.db.keys = world.db.keys.with_kek()
    world.db.keys = world.db.keys.using(list(world.db.keys.keks)[-1])
    assert await world.db.write(sso.reseal_secrets) == 1
    assert await world.db.write(sso.reseal_secrets) == 0
    world.db.keys = world.db.keys.only([])
    assert await signed_in(world, provider, start) == 200
    moved = text("UPDATE sso_connections SET issuer = issuer || '/'")
    await world.db.write(lambda uow: uow.execute(moved))
    assert (await world.client.get(start)).status_code == 400, "discovery is of another issuer"
    assert "secret" not in repr(await world.db.read(lambda uow: sso.find_connection(uow, world.account_id))).lower()


async def test_a_person_is_proved_again_by_the_provider_only_if_it_has_asked_them_anew(
    world: World, provider: OpenIdProvider
) -> None:
    start = await set_up(world, provider.issuer)
    again = start.replace("/start", "/again")
    assert (await world.client.get(again)).headers["location"] == "/", "nobody is signed in"
    assert await signed_in(world, provider, start) == 200
    session = world.client.cookies[SESSION]
    keys = ("/first-page/keys", {"kind": "client"})
    await make_old(world)
    assert (await world.post_script(*keys)).status_code == 403
    assert "Prove it at Example" in (await world.client.get("/security/prove")).text
    place = await depart(world, again)
    assert {"prompt=login", "max_age=0"} <= set(urlsplit(place).query.split("&"))
    back = await come_back(world, provider.sign_in(place, EMAIL))
    assert (back.status_code, 'content="0;url=/"' in back.text) == (200, True), "back to where the key was asked for"
    assert (await world.post_script(*keys)).status_code == 200
    assert (world.client.cookies[SESSION], await own_sessions(world)) == (session, ["sso"]), "it is the same session"
    assert [each["target"] for each in await world.audits("sso:prove")] == [world.user_id]
    await make_old(world)
    place = await depart(world, again)
    for asked in ("prompt=login", "max_age=0"):
        place = place.replace(f"&{asked}", "")
    silent = await come_back(world, provider.sign_in(place, EMAIL))
    assert (silent.status_code, "signed in there anew" in silent.text) == (400, True), "it does not say when"
    other = await come_back(world, provider.sign_in(await depart(world, again), "namesake"))
    assert other.status_code == 400
    assert (await world.post_script(*keys)).status_code == 403
    assert (await refusals(world))[-2] == "auth-time"


async def make_old(world: World) -> None:
    """Every session's last proof is long ago; the provider's clock does not go along."""
    await world.db.write(lambda uow: uow.execute(_OLD, {}))
