"""Tokens that only narrow, by the standards: what they reach, how long they live, and what ends them."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest

from sheetport.kernel.clock import HOUR, SECOND
from sheetport.kernel.crypto import mint_token
from sheetport.kernel.token_scan import find_tokens
from worlds import PASSWORD, Reply, World

GRANT = "urn:ietf:params:oauth:grant-type:token-exchange"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"


async def form(world: World, path: str, bearer: str = "", /, **fields: str) -> Reply:
    """A form as the standards' clients send it."""
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    return await world.call("POST", path, token=bearer, headers=headers, content=urlencode(fields))


async def exchanged(world: World, subject: str, **fields: str) -> Reply:
    fields = {"grant_type": GRANT, "subject_token": subject, "subject_token_type": ACCESS, **fields}
    return await form(world, "/v1/oauth/token", **fields)


async def narrowed(world: World, subject: str, **fields: str) -> str:
    reply = await exchanged(world, subject, **fields)
    assert reply.status == 200, reply.body
    return str(reply.body["access_token"])


async def introspected(world: World, token: str, caller: str | None = None) -> dict[str, Any]:
    reply = await form(world, "/v1/oauth/introspect", world.sk if caller is None else caller, token=token)
    assert reply.status == 200, reply.body
    told: dict[str, Any] = reply.body
    return told


async def status(
    world: World, token: str, path: str = "/v1/environments", method: str = "GET", body: Any = None
) -> int:
    return (await world.call(method, path, body, token=token)).status


async def new_space(world: World, name: str = "s") -> tuple[str, str, str]:
    """(space, workbook, sheet)."""
    space = (await world.call("POST", "/v1/spaces", {"name": name, "environmentId": world.dev})).data["id"]
    sheets = [{"name": each, "fields": [{"key": "a", "type": "string"}]} for each in ("one", "two")]
    workbook = (await world.call("POST", "/v1/workbooks", {"name": "w", "spaceId": space, "sheets": sheets})).data
    return space, workbook["id"], workbook["sheets"][0]["id"]


@pytest.mark.parametrize("kind", ["sk", "pat"])
async def test_a_token_for_one_space_reaches_that_space_alone(world: World, kind: str) -> None:
    space, workbook, sheet = await new_space(world)
    other, *_ = await new_space(world, "other")
    token = await narrowed(world, getattr(world, kind), audience=space)
    assert await status(world, token, f"/v1/spaces/{space}") == 200
    assert await status(world, token, f"/v1/sheets/{sheet}/records") == 200
    assert await status(world, token, f"/v1/workbooks/{workbook}") == 200
    assert await status(world, token, f"/v1/spaces/{other}") == 404
    assert await status(world, token, f"/v1/environments/{world.prod}") == 404
    listed = await world.call("GET", "/v1/spaces", token=token)
    assert [each["id"] for each in listed.data] == [space]


async def test_permissions_narrow_too(world: World) -> None:
    _, _, sheet = await new_space(world)
    records = f"/v1/sheets/{sheet}/records"
    reply = await exchanged(world, world.sk, audience=sheet, scope="record:read sheet:read")
    assert reply.body["scope"] == "record:read sheet:read"
    token = reply.body["access_token"]
    assert await status(world, token, records) == 200
    assert await status(world, token, records, "POST", [{"a": {"value": "x"}}]) == 403
    assert await status(world, token, f"/v1/secrets?environmentId={world.dev}") == 403
    assert await status(world, token, "/v1/auth/personal-access-tokens", "POST", {"name": "x"}) == 403


async def test_the_answer_is_that_of_the_standard(world: World) -> None:
    space, *_ = await new_space(world)
    reply = await exchanged(world, world.pat, resource=f"https://x.example/v1/spaces/{space}", expires_in="120")
    assert reply.status == 200
    assert reply.headers["cache-control"] == "no-store"
    token = reply.body.pop("access_token")
    scope = reply.body.pop("scope").split()
    assert reply.body == {"issued_token_type": ACCESS, "token_type": "Bearer", "expires_in": 120}
    assert "record:read" in scope
    assert not set(scope) & {"token:write", "role:write", "user:write", "api-key:write"}
    assert [each.kind for each in find_tokens(token.encode())] == ["narrowed token"]
    (record,) = await world.audits("narrowed:create")
    assert record["actor_id"] == world.user_id
    assert token not in json.dumps(await world.audits(), default=str)


async def test_no_token_outlives_its_subject_nor_its_own_time(world: World) -> None:
    body = {"email": "admin@example.com", "password": PASSWORD}
    access = str((await world.call("POST", "/v1/auth", body, token="")).body["accessToken"])
    short = await narrowed(world, access, expires_in="60")
    long = await exchanged(world, access, expires_in=str(30 * 86_400))
    assert long.body["expires_in"] == 24 * 3_600
    assert await status(world, short) == 200
    world.clock.advance(60 * SECOND)
    assert await status(world, short) == 401
    world.clock.advance(23 * HOUR)
    longer = await exchanged(world, long.body["access_token"], expires_in="86400")
    assert longer.body["expires_in"] <= 3_600
    world.clock.advance(HOUR)
    assert await status(world, long.body["access_token"]) == 401
    assert await status(world, longer.body["access_token"]) == 401


async def test_a_narrower_one_of_a_narrow_one_is_never_wider(world: World) -> None:
    space, _, sheet = await new_space(world)
    other, *_ = await new_space(world, "other")
    first = await narrowed(world, world.sk, audience=space, scope="record:read sheet:read space:read")
    second = await narrowed(world, first, audience=sheet)
    assert (await introspected(world, second))["scope"] == "record:read sheet:read space:read"
    assert await status(world, second, f"/v1/sheets/{sheet}/records") == 200
    for fields, code in (
        ({"audience": other}, "invalid_target"),
        ({"audience": world.dev}, "invalid_target"),
        ({"scope": "record:write"}, "invalid_scope"),
        ({"scope": "nonsense"}, "invalid_scope"),
    ):
        reply = await exchanged(world, first, **fields)
        assert (reply.status, reply.body["error"]) == (400, code)


async def test_a_token_is_exchanged_eight_times_over_and_no_more(world: World) -> None:
    token = world.sk
    for _ in range(8):
        token = await narrowed(world, token)
    assert await status(world, token) == 200
    reply = await exchanged(world, token)
    assert (reply.status, reply.body["error"], reply.error["key"]) == (400, "invalid_request", "subject_token")


async def test_it_dies_at_once_with_whatever_it_came_of(world: World) -> None:
    made = (await world.call("POST", "/v1/auth/personal-access-tokens", {"name": "x"}, token=world.pat)).data
    first = await narrowed(world, made["token"])
    second = await narrowed(world, first)
    third = await narrowed(world, second)
    await form(world, "/v1/oauth/revoke", token=second)
    assert [await status(world, each) for each in (first, second, third)] == [200, 401, 401]
    path = f"/v1/auth/personal-access-tokens/{made['personalAccessToken']['id']}"
    await world.call("DELETE", path, token=world.pat)
    assert await status(world, first) == 401


async def test_one_of_a_space_token_dies_with_the_spaces_tokens(world: World) -> None:
    space, _, sheet = await new_space(world)
    access = (await world.call("GET", f"/v1/spaces/{space}")).data["accessToken"]
    token = await narrowed(world, access, audience=sheet, scope="record:read sheet:read")
    assert await status(world, token, f"/v1/sheets/{sheet}/records") == 200
    await form(world, "/v1/oauth/revoke", token=access)
    assert await status(world, token, f"/v1/sheets/{sheet}/records") == 401


@pytest.mark.parametrize(
    ("fields", "code", "key"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type", "grant_type"),
        ({"grant_type": ""}, "invalid_request", "grant_type"),
        ({"subject_token": ""}, "invalid_request", "subject_token"),
        ({"subject_token": mint_token("pat")}, "invalid_request", "subject_token"),
        ({"subject_token_type": "x"}, "invalid_request", "subject_token_type"),
        ({"requested_token_type": "x"}, "invalid_request", "requested_token_type"),
        ({"actor_token": "x"}, "invalid_request", "actor_token"),
        ({"expires_in": "0"}, "invalid_request", "expires_in"),
        ({"expires_in": "1e3"}, "invalid_request", "expires_in"),
        ({"audience": "us_sp_nothing"}, "invalid_target", "audience"),
        ({"audience": "a", "resource": "b"}, "invalid_request", "resource"),
    ],
)
async def test_what_is_refused_names_the_field(world: World, fields: dict[str, str], code: str, key: str) -> None:
    reply = await exchanged(world, world.sk, **fields)
    assert (reply.status, reply.body["error"], reply.error["key"]) == (400, code, key)
    assert reply.body["error_description"] == reply.error["message"]


async def test_other_bodies_are_refused(world: World) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    for body in (b"grant_type=a&grant_type=b", b"\xff", b""):
        reply = await world.call("POST", "/v1/oauth/token", token="", headers=headers, content=body)
        assert (reply.status, reply.body["error"]) == (400, "invalid_request")
    for body in ([], {"grant_type": 1}, "x"):
        assert (await world.call("POST", "/v1/oauth/token", body, token="")).status == 400
    fields = {"grant_type": GRANT, "subject_token": world.sk, "subject_token_type": ACCESS}
    assert (await world.call("POST", "/v1/oauth/token", fields, token="")).status == 200


async def test_a_publishable_key_is_neither_narrowed_nor_revoked_by_whoever_sees_it(world: World) -> None:
    assert (await exchanged(world, world.pk)).body["error"] == "invalid_request"
    reply = await form(world, "/v1/oauth/revoke", token=world.pk)
    assert (reply.status, reply.body["error"]) == (400, "unsupported_token_type")
    assert (await introspected(world, world.pk))["active"] is True


async def test_revocation_answers_alike_for_known_and_unknown(world: World) -> None:
    known = await form(world, "/v1/oauth/revoke", token=world.sk, token_type_hint="access_token")
    unknown = await form(world, "/v1/oauth/revoke", token=mint_token("sk_dev"))
    assert (known.status, known.body) == (unknown.status, unknown.body) == (200, {"success": True})
    assert await status(world, world.sk) == 401


async def test_introspection_tells_what_a_token_is_to_those_whom_it_concerns(world: World) -> None:
    space, *_ = await new_space(world)
    token = await narrowed(world, world.sk, audience=space, scope="record:read")
    told = await introspected(world, token)
    assert told["active"] is True
    assert (told["scope"], told["aud"], told["token_type"]) == ("record:read", space, "Bearer")
    assert told["exp"] * SECOND <= world.clock.now() + HOUR
    assert told["iss"] == world.app.settings.http.base_url
    mine = await narrowed(world, world.pat)
    assert (await introspected(world, mine, world.pat))["sub"] == world.user_id
    inactive = {"active": False}
    assert await introspected(world, token, world.sk_other) == inactive
    assert await introspected(world, token, world.sk_prod) == inactive
    assert await introspected(world, mine) == inactive, "a key is not told of a user's tokens"
    assert await introspected(world, mint_token("at")) == inactive
    assert (await form(world, "/v1/oauth/introspect", token=token)).status == 401


async def test_the_metadata_leads_to_all_of_it(world: World) -> None:
    reply = await world.call("GET", "/.well-known/oauth-authorization-server", token="")
    assert reply.status == 200
    base = world.app.settings.http.base_url
    assert reply.body["issuer"] == base
    for name in ("token", "revocation", "introspection"):
        path = reply.body[f"{name}_endpoint"].removeprefix(base)
        assert (await world.call("POST", path, token=world.sk)).status == 400
    assert GRANT in reply.body["grant_types_supported"]
    assert "record:read" in reply.body["scopes_supported"]
