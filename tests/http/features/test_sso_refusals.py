"""Single sign-on with a provider that lies, errs or is broken: a page with the reason, and nothing else happens."""

from __future__ import annotations

import hmac
import json
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from joserfc.jwk import RSAKey

from servers.forged_openid import ForgedProvider, running_forger
from sheetport.features.egress import service as egress
from sheetport.kernel.actor import system_actor
from sso_world import change, come_back, depart, own_sessions, refusals, set_up
from worlds import World

CLIENT = ("forged", "secret of the forger")


@pytest.fixture
def forger() -> Iterator[ForgedProvider]:
    with running_forger() as made:
        yield made


async def answered(world: World, forger: ForgedProvider, start: str, query: str = "code=any&state={state}") -> Any:
    """The page at the end of a sign-in at the forger."""
    state = forger.begun(await depart(world, start))
    return await come_back(world, f"{start.replace('start', 'callback')}?{query.format(state=state)}")


def by_hand(forger: ForgedProvider, algorithm: str, sign: Callable[[bytes], bytes]) -> str:
    """A token that no library would make."""
    parts = [{"alg": algorithm, "kid": forger.kid}, forger.right_claims()]
    text = ".".join(encoded(json.dumps(each).encode()) for each in parts)
    return f"{text}.{encoded(sign(text.encode()))}"


def encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")


def unsigned(forger: ForgedProvider) -> str:
    return by_hand(forger, "none", lambda _: b"")


def with_public_key_as_secret(forger: ForgedProvider) -> str:
    return by_hand(forger, "HS256", lambda text: hmac.digest(forger.key.as_pem(private=False), text, "sha256"))


def with_client_secret(forger: ForgedProvider) -> str:
    return by_hand(forger, "HS256", lambda text: hmac.digest(CLIENT[1].encode(), text, "sha256"))


def with_another_key(forger: ForgedProvider, header: dict[str, Any] | None = None) -> str:
    return forger.signed(header, key=RSAKey.generate_key(2048))


def naming_its_own_key(forger: ForgedProvider) -> str:
    other = RSAKey.generate_key(2048)
    return forger.signed({"jwk": other.as_dict(private=False)}, key=other)


def altered(forger: ForgedProvider) -> str:
    head, _, signature = forger.signed().split(".")
    claims = json.dumps(forger.right_claims() | {"email": "root@example.com"}).encode()
    return f"{head}.{encoded(claims)}.{signature}"


NOW = int(time.time())
TOKENS: dict[str, tuple[Callable[[ForgedProvider], str], str]] = {
    "alg none": (unsigned, "algorithm"),
    "HS256 with the public key": (with_public_key_as_secret, "algorithm"),
    "HS256 with the client secret": (with_client_secret, "algorithm"),
    "another key": (with_another_key, "signature"),
    "an unknown kid": (lambda forger: forger.signed({"kid": "other"}), "unknown-key"),
    "jku": (lambda forger: forger.signed({"jku": f"{forger.issuer}/evil"}), "foreign-key"),
    "x5u": (lambda forger: forger.signed({"x5u": f"{forger.issuer}/evil"}), "foreign-key"),
    "jwk": (naming_its_own_key, "foreign-key"),
    "altered claims": (altered, "signature"),
    "an array of claims": (lambda forger: forger.signed(claims=[1]), "signature"),  # type: ignore[arg-type]
    "junk": (lambda _: "junk", "token-unreadable"),
    "an encrypted token": (lambda _: "a.b.c.d.e", "token-unreadable"),
    "SAML": (lambda _: "PHNhbWxwOlJlc3BvbnNlLz4=", "token-unreadable"),
}
CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "another issuer": ({"iss": "https://evil.example.com"}, "issuer"),
    "no issuer": ({"iss": None}, "issuer"),
    "another client": ({"aud": "other"}, "audience"),
    "no client": ({"aud": None}, "audience"),
    "two clients and no azp": ({"aud": ["forged", "other"]}, "authorized-party"),
    "given to another": ({"azp": "other"}, "authorized-party"),
    "expired": ({"exp": NOW - 3_600}, "expired"),
    "no end": ({"exp": None}, "time"),
    "an end that is text": ({"exp": "later"}, "time"),
    "from the future": ({"iat": NOW + 3_600, "exp": NOW + 7_200}, "not-yet"),
    "not valid yet": ({"nbf": NOW + 3_600}, "not-yet"),
    "old": ({"iat": NOW - 3_600}, "stale"),
    "another nonce": ({"nonce": "other"}, "nonce"),
    "no nonce": ({"nonce": None}, "nonce"),
    "another access token": ({"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"}, "at-hash"),
    "nobody": ({"sub": ""}, "subject"),
    "a number": ({"sub": 7}, "subject"),
    "a very long name": ({"sub": "a" * 256}, "subject"),
    "an address that is not verified": ({"email_verified": False}, "email-not-verified"),
    "an address verified in words": ({"email_verified": "true"}, "email-not-verified"),
    "an address that is a list": ({"email": ["admin@example.com"]}, "email-not-verified"),
    "a domain that only ends alike": ({"email": "admin@evilexample.com"}, "email-domain"),
    "a subdomain": ({"email": "admin@a.example.com"}, "email-domain"),
    "two addresses in one": ({"email": "admin@evil.test@example.com"}, "user-unknown"),
}


async def test_the_forger_is_believed_while_it_does_not_lie(world: World, forger: ForgedProvider) -> None:
    start = await set_up(world, forger.issuer, CLIENT)
    assert (await answered(world, forger, start)).status_code == 200
    sent = next(each for each in forger.seen if "code" in each)
    assert (sent["grant_type"], len(sent["code_verifier"]) >= 43) == ("authorization_code", True)
    assert await own_sessions(world) == ["sso"]


async def test_tokens_that_are_not_the_providers_are_refused(world: World, forger: ForgedProvider) -> None:
    start = await set_up(world, forger.issuer, CLIENT)
    for name, (make, _) in TOKENS.items():
        forger.make = make
        page = await answered(world, forger, start)
        assert (page.status_code, "Not signed in" in page.text) == (400, True), name
    assert dict(zip(TOKENS, await refusals(world), strict=True)) == {name: why for name, (_, why) in TOKENS.items()}
    assert await own_sessions(world) == []
    assert forger.asked.count("/jwks") == 1, "an unknown kid has the keys read again, but not time and again"
    assert not any("evil" in each for each in forger.asked)


async def test_claims_that_are_not_of_this_sign_in_are_refused(world: World, forger: ForgedProvider) -> None:
    start = await set_up(world, forger.issuer, CLIENT)
    for name, (claims, _) in CLAIMS.items():
        forger.claims = claims
        page = await answered(world, forger, start)
        assert (page.status_code, "Not signed in" in page.text) == (400, True), name
    assert dict(zip(CLAIMS, await refusals(world), strict=True)) == {name: why for name, (_, why) in CLAIMS.items()}
    assert (await own_sessions(world), await world.audits("sso:link")) == ([], [])


async def test_answers_that_were_not_asked_for_are_refused(world: World, forger: ForgedProvider) -> None:
    forger.discovery = {"authorization_response_iss_parameter_supported": True}
    start = await set_up(world, forger.issuer, CLIENT)
    issuer = quote(forger.issuer, safe="")
    answers = {
        "code=any&state={state}": "mix-up",
        "code=any&state={state}&iss=https%3A%2F%2Fevil.example.com": "mix-up",
        f"code=any&state={{state}}&iss={issuer}&iss=https%3A%2F%2Fevil.example.com": "mix-up",
        f"error=access_denied&error_description=Call+0800&state={{state}}&iss={issuer}": "provider-refused",
        f"error=%3Cscript%3E&state={{state}}&iss={issuer}": "provider-refused",
        f"state={{state}}&iss={issuer}": "no-code",
        f"code=a&code=b&state={{state}}&iss={issuer}": "no-code",
        f"code={'a' * 5_000}&state={{state}}&iss={issuer}": "no-code",
        f"code=any&state={{state}}&state={{state}}&iss={issuer}": "state",
        f"code=any&iss={issuer}": "state",
        f"code=any&state=other&iss={issuer}": "state",
        "SAMLResponse=PHNhbWxwOlJlc3BvbnNlLz4%3D&RelayState={state}": "state",
    }
    for query in answers:
        page = await answered(world, forger, start, query)
        assert (page.status_code, "Not signed in" in page.text) == (400, True), query
        assert not {"Call 0800", "<script>"} & {each for each in ("Call 0800", "<script>") if each in page.text}
    assert sorted(await refusals(world)) == sorted(answers.values())
    assert "/token" not in forger.asked, "no code is handed on"
    assert (
        await world.client.post(start.replace("start", "callback"), data={"SAMLResponse": "any"})
    ).status_code == 405


async def test_an_answer_for_another_provider_is_refused(world: World, forger: ForgedProvider) -> None:
    start = await set_up(world, forger.issuer, CLIENT)
    body = {"name": "Other", "issuer": forger.issuer, "clientId": "forged", "clientSecret": "x", "domains": ["a.test"]}
    other = (await world.call("PATCH", "/v1/auth/sso", body, token=world.pat_other)).data["id"]
    state = forger.begun(await depart(world, start))
    page = await come_back(world, f"/sso/{other}/callback?code=any&state={state}")
    assert (page.status_code, await refusals(world)) == (400, ["other-provider"])
    state = forger.begun(await depart(world, start))
    await change(world, issuer="https://id.example.com", clientSecret="another")
    page = await come_back(world, f"{start.replace('start', 'callback')}?code=any&state={state}")
    assert (page.status_code, await refusals(world)) == (400, ["other-provider"] * 2)
    assert "/token" not in forger.asked


async def test_keys_that_the_provider_has_changed_are_read_again_once_a_minute(
    world: World, forger: ForgedProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = await set_up(world, forger.issuer, CLIENT)
    assert (await answered(world, forger, start)).status_code == 200
    forger.key, forger.kid = RSAKey.generate_key(2048), "key-2"
    assert (await answered(world, forger, start)).status_code == 400
    providers = world.app.router.state["providers"]
    monkeypatch.setattr(providers, "_now", lambda: time.monotonic() + 61)
    assert (await answered(world, forger, start)).status_code == 200
    assert (await answered(world, forger, start)).status_code == 200
    assert forger.asked.count("/jwks") == 2


async def test_a_provider_that_fails_is_told_apart_from_one_that_refuses(world: World, forger: ForgedProvider) -> None:
    start = await set_up(world, forger.issuer, CLIENT)
    statuses = {}
    for status, body in (
        (500, b"{}"),
        (400, b'{"error":"invalid_grant"}'),
        (200, b"<html>"),
        (200, b"[]"),
        (200, b"{}"),
    ):
        forger.answers["/token"] = (status, body)
        statuses[status, body] = (await answered(world, forger, start)).status_code
    assert list(statuses.values()) == [503, 400, 400, 400, 400]
    assert await refusals(world) == ["provider-away", "code", "not-json", "not-json", "no-token"]
    await world.db.write(lambda uow: egress.remove_target(uow, system_actor(world.account_id), "127.0.0.1"))
    world.app.router.state["providers"]._known.clear()
    page = await world.client.get(start)
    assert (page.status_code, "sheetport egress allow 127.0.0.1" in page.text) == (403, True)


async def test_a_test_says_what_is_wrong_with_a_provider(world: World, forger: ForgedProvider) -> None:
    await set_up(world, forger.issuer, CLIENT)

    async def found() -> str:
        checks = (await world.call("POST", "/v1/auth/sso/test", token=world.pat)).data
        return "; ".join(each["found"] for each in checks if not each["ok"])

    assert await found() == ""
    forger.answers["/jwks"] = (200, b'{"keys":[{"kty":"oct","k":"AAAA"}]}')
    assert "none of its 1 keys signs by RS256" in await found()
    forger.answers["/jwks"] = (404, b"")
    assert "answered 404 when asked for its keys" in await found()
    wrongs = {
        "issuer": ("https://evil.example.com", "not of"),
        "token_endpoint": ("http://evil.example.com/token", "token_endpoint is no https:// address"),
        "jwks_uri": (7, "jwks_uri is no https:// address"),
        "code_challenge_methods_supported": (["plain"], "PKCE"),
        "token_endpoint_auth_methods_supported": (["private_key_jwt"], "client_secret_basic"),
    }
    for name, (value, told) in wrongs.items():
        forger.discovery = {name: value}
        assert told in await found(), name
    forger.discovery = {}
    forger.answers["/.well-known/openid-configuration"] = (200, b"<html>")
    assert "no JSON object" in await found()
    await world.db.write(lambda uow: egress.remove_target(uow, system_actor(world.account_id), "127.0.0.1"))
    assert "sheetport egress allow" in await found()


async def test_settings_that_cannot_be_are_refused_by_name(world: World) -> None:
    right = {"name": "Example", "issuer": "https://id.example.com", "clientId": "c", "clientSecret": "s"}
    right |= {"domains": ["example.com"]}  # type: ignore[dict-item]
    wrongs: dict[str, list[Any]] = {
        "name": ["", "a" * 61, "a\u202eb"],
        "issuer": [
            "http://id.example.com",
            "https://u:p@id.example.com",
            "https://id.example.com?a=b",
            "id",
            "https://[",
        ],
        "clientId": ["", "a" * 301, "ä"],
        "clientSecret": ["", "a" * 1_001, "a\nb"],
        "domains": [[], ["*"], ["*.example.com"], ["com"], ["a" * 64 + ".com"], ["example.com"] * 1 + [""]],
        "newUsers": ["Administrator", "root"],
    }
    for name, values in wrongs.items():
        for value in values:
            reply = await world.call("PATCH", "/v1/auth/sso", {**right, name: value}, token=world.pat)
            assert (reply.status, reply.error["key"]) == (400, name), (name, value)
    for name in right:
        reply = await world.call(
            "PATCH", "/v1/auth/sso", {key: value for key, value in right.items() if key != name}, token=world.pat
        )
        assert (reply.status, reply.error["key"]) == (400, name)
    assert (await world.call("GET", "/v1/auth/sso", token=world.pat)).status == 404
    assert await world.audits("sso:update") == []


@given(
    query=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=80),
    cookie=st.text("abc.-_019", max_size=80),
)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
async def test_whatever_comes_back_is_answered_with_a_page(world: World, query: str, cookie: str) -> None:
    world.client.cookies.set("sheetport_sso", cookie, domain="sheetport.test")
    page = await world.client.get(f"/sso/us_sso_any/callback?{quote(query, safe='=&')}")
    assert (page.status_code, "Not signed in" in page.text) == (400, True)
