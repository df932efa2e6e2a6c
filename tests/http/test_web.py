"""The first page over HTTP: who sees what, and what it never does."""

from __future__ import annotations

import html as markup
import re

import httpx

from clients import guide
from sheetport import NAME, __version__
from sheetport.features.auth import service as auth
from sheetport.features.users import service as users
from sheetport.kernel.clock import MINUTE
from sheetport.preload import PRELOAD_PATH
from worlds import PASSWORD, World

FORM = {"email": "admin@example.com", "password": PASSWORD}


async def sign_in(world: World) -> httpx.Response:
    return await world.post_form("/sign-in", FORM)


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
    assert (reply.headers["referrer-policy"], reply.headers["cache-control"]) == ("same-origin", "no-store")
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert re.findall(r'(?:src|href)="(?!/|#)', reply.text) == []


async def test_assets_are_cached_for_good(world: World) -> None:
    addresses = re.findall(r'(?:src|href)="(/assets/[^"]+)"', (await world.client.get("/")).text)
    assert {address.rpartition("/")[2] for address in addresses} == {"app.css", "app.js", "icon.svg", "passkeys.js"}
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
        reply = await world.post_form("/sign-in", {"email": email, "password": "x" * 15})
        assert (reply.status_code, "set-cookie" in reply.headers) == (401, False)
        wrong.append(reply.text.replace(email, "").replace(await world.form_token(), ""))
    assert wrong[0] == wrong[1]


async def test_the_cookie_opens_no_api_route(world: World) -> None:
    await sign_in(world)
    assert (await world.client.get("/v1/environments")).status_code == 401


async def test_another_sites_form_is_refused(world: World) -> None:
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        reply = await world.post_form("/sign-in", FORM, headers=headers)
        assert (reply.status_code, "set-cookie" in reply.headers) == (403, False)


async def test_signing_out_ends_the_session_itself(world: World) -> None:
    await sign_in(world)
    token = world.client.cookies["sheetport_session"]
    assert (await world.post_form("/sign-out", {})).status_code == 303
    assert (await world.call("GET", "/v1/environments", token=token)).status == 401
    assert world.dev not in (await world.client.get("/")).text


async def test_names_are_escaped(world: World) -> None:
    assert (await world.call("PATCH", "/v1/accounts/current", {"name": "<script>x"}, token=world.pat)).status == 200
    await sign_in(world)
    html = (await world.client.get("/")).text
    assert "&lt;script&gt;x" in html
    assert "<script>x" not in html


async def states(world: World) -> dict[int, str]:
    await world.app.marks.settle()
    reply = await world.client.get("/first-page/marks")
    return {mark["step"]: mark["state"] for mark in reply.json()["data"]}


async def reason(world: World, step: int) -> str:
    await world.app.marks.settle()
    data = (await world.client.get("/first-page/marks")).json()["data"]
    return str(next(mark["reason"] for mark in data if mark["step"] == step))


async def test_marks_are_for_the_signed_in(world: World) -> None:
    assert (await world.client.get("/first-page/marks")).status_code == 401
    assert (await world.post_script("/first-page/keys", {"kind": "client"})).status_code == 401
    await sign_in(world)
    assert await states(world) == dict.fromkeys(range(1, 9), "waiting")


async def test_each_call_of_the_guide_turns_its_step_green(world: World) -> None:
    await sign_in(world)
    made = (await world.post_script("/first-page/keys", {"kind": "client"})).json()["data"]
    client = {"clientId": made["your-client-id"], "secret": made["your-client-secret"]}
    space = (await world.call("POST", "/v1/spaces", {"name": "s", "environmentId": world.dev})).data["id"]
    world.clock.advance(1)
    for body in ({"name": "EXTERNAL_API_KEY", "value": "v"}, {"name": "API_TOKEN", "value": "v", "spaceId": space}):
        assert (await world.call("POST", "/v1/secrets", {**body, "environmentId": world.dev})).status == 200
    world.clock.advance(1)
    assert {step for step, state in (await states(world)).items() if state == "seen"} == {1}
    await world.call("GET", "/v1/environments", token=world.sk_prod)
    await world.call("GET", "/v1/workbooks")
    await world.call("POST", "/v1/auth", FORM, token="")
    await world.call("GET", "/v1/workbooks", token=world.pat)
    await world.call("POST", "/v1/auth", client, token="")
    await world.call("GET", f"/v1/secrets?environmentId={world.dev}")
    assert {step for step, state in (await states(world)).items() if state == "seen"} == {1, 2, 3, 4, 5, 6, 7}
    await world.call("GET", f"/v1/secrets?environmentId={world.dev}&spaceId={space}")
    assert await states(world) == dict.fromkeys(range(1, 9), "seen")


async def test_a_failed_call_turns_its_step_red_with_the_reason(world: World) -> None:
    await sign_in(world)
    await world.call("POST", "/v1/auth", {**FORM, "password": "wrong"}, token="")
    await world.call("GET", f"/v1/secrets?environmentId={world.dev}")
    assert "Wrong email or password" in await reason(world, 4)
    assert "set EXTERNAL_API_KEY first" in await reason(world, 7)
    made = (await world.post_script("/first-page/keys", {"kind": "development"})).json()["data"]
    (key,) = made.values()
    deleted = await world.call("DELETE", f"/v1/auth/api-key?environmentId={world.dev}&key={key}", token=world.pat)
    assert deleted.status == 200
    assert (await world.call("GET", "/v1/workbooks", token=key)).status == 401
    assert "was revoked on" in await reason(world, 3)
    assert (await world.call("GET", "/v1/workbooks")).status == 200
    assert (await states(world))[3] == "seen"


async def test_marks_of_one_account_are_not_anothers(world: World) -> None:
    await world.call("GET", "/v1/workbooks", token=world.sk_other)
    await sign_in(world)
    assert await states(world) == dict.fromkeys(range(1, 9), "waiting")


async def test_keys_are_made_only_soon_after_a_person_has_proved_themselves(world: World) -> None:
    await sign_in(world)
    world.clock.advance(10 * MINUTE)
    before = len(await world.audits("secret_key:create"))
    refused = await world.post_script("/first-page/keys", {"kind": "production"})
    assert (refused.status_code, refused.json()["errors"][0]["key"]) == (403, "recentSignIn")
    assert len(await world.audits("secret_key:create")) == before
    wrong = await world.post_form("/security/prove", {"password": "wrong", "code": ""}, page="/security/prove")
    assert wrong.status_code == 400
    assert (await world.post_script("/first-page/keys", {"kind": "client"})).status_code == 403
    proof = {"password": FORM["password"], "code": ""}
    proved = await world.post_form("/security/prove", proof, page="/security/prove")
    assert (proved.status_code, proved.headers["location"]) == (303, "/"), "back to where the key was asked for"
    assert (await world.post_script("/first-page/keys", {"kind": "production"})).status_code == 200


async def test_a_made_key_is_a_listed_key_named_after_the_page(world: World) -> None:
    await sign_in(world)
    made = (await world.post_script("/first-page/keys", {"kind": "production"})).json()["data"]
    (key,) = made.values()
    assert (await world.call("GET", "/v1/workbooks", token=key)).status == 200
    (record,) = [a for a in await world.audits("secret_key:create") if "first page" in (a["detail"] or "")]
    assert (record["environment_id"], key in record["detail"]) == (world.prod, False)
    foreign = await world.post_script("/first-page/keys", {"kind": "client"}, headers={"Origin": "http://evil"})
    assert foreign.status_code == 403


async def test_a_form_is_taken_the_way_a_browser_sends_it_from_a_page_without_referrer(world: World) -> None:
    headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
    assert (await world.post_form("/sign-in", FORM, headers=headers)).status_code == 303


async def test_the_guides_own_snippets_are_there_word_for_word(world: World) -> None:
    await sign_in(world)
    text = (await world.client.get("/")).text
    shown = [
        markup.unescape(found) for found in re.findall(r"data-guide[^>]*>\s*.*?<code>(.*?)</code>", text, re.DOTALL)
    ]
    dev, prod = "sk_dev_••••••••", "sk_prod_••••••••"
    wanted = [
        guide.replaced(guide.BASIC_ENV, {"sk_your_secret_key_here": dev, "us_env_your_environment_id": world.dev}),
        guide.replaced(
            guide.BOTH_ENVS,
            {
                "sk_dev_your_development_key": dev,
                "us_env_dev_your_dev_id": world.dev,
                "sk_prod_your_production_key": prod,
                "us_env_prod_your_prod_id": world.prod,
            },
        ),
        guide.SECRET_KEY,
        guide.replaced(
            guide.PASSWORD_SIGN_IN,
            {"api.x.flatfile.com": "sheetport.test", "your-email@domain.com": "admin@example.com"},
        ),
        guide.TOKEN,
        guide.replaced(guide.CLIENT_CREDENTIALS, {"https://platform.flatfile.com": "http://sheetport.test"}),
        guide.SECRETS,
        guide.replaced(guide.SCOPED_SECRETS, {"us_env_specific_env": world.dev, "us_spa_specific_space": "SPACE"}),
    ]
    shown[7] = shown[7].replace("us_spa_specific_space", "SPACE")
    for said, meant in zip(shown, wanted, strict=True):
        assert said.startswith(meant)


async def test_the_address_is_the_one_that_the_browser_asked_for(world: World) -> None:
    await sign_in(world)
    html = (await world.client.get("/")).text
    assert "<code>http://sheetport.test</code>" in html
    forged = await world.client.get("/", headers={"Host": 'x" onload="y'})
    assert "onload" not in forged.text


async def test_an_address_with_quotes_breaks_out_of_no_snippet(world: World) -> None:
    email = "o'brien$(x)\"y@example.com"
    password_hash = await auth.hash_password(PASSWORD)
    await world.db.write(lambda uow: users.set_password(uow, world.user_id, password_hash, email))
    await world.post_form("/sign-in", {**FORM, "email": email})
    text = markup.unescape((await world.client.get("/")).text)
    assert '"email": "o\'\\\'\'brien$(x)\\"y@example.com"' in text
    assert '{ "email": "o\'brien$(x)\\"y@example.com"' in text


async def test_without_its_database_the_server_says_so(world: World) -> None:
    await sign_in(world)
    await world.db.close()
    page = await world.client.get("/")
    assert (page.status_code, "The database cannot be reached" in page.text) == (200, True)
