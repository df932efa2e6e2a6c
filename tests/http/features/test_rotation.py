"""Rotation over HTTP: an overlap of the caller's choice, one rotation however often it is asked for, and reuse."""

from __future__ import annotations

import json
from typing import Any

from sheetport.features.auth import service as auth
from sheetport.kernel.clock import DAY, HOUR, MINUTE, SECOND
from worlds import Reply, World

PATS = "/v1/auth/personal-access-tokens"
ONCE = {"Idempotency-Key": "deploy-7"}


async def works(world: World, *tokens: str) -> list[bool]:
    """Whether each token is accepted."""
    return [(await world.call("GET", "/v1/environments", token=token)).status == 200 for token in tokens]


async def new_pat(world: World) -> tuple[str, str]:
    made = (await world.call("POST", PATS, {"name": "nightly"}, token=world.pat)).data
    return made["personalAccessToken"]["id"], made["token"]


async def rotate_pat(world: World, token_id: str, overlap: int | None = None, **kwargs: Any) -> Reply:
    query = "" if overlap is None else f"?overlapSeconds={overlap}"
    return await world.call("POST", f"{PATS}/{token_id}/rotate{query}", token=world.pat, **kwargs)


def key_path(world: World, key: str, overlap: int) -> str:
    return f"/v1/auth/api-key/rotate?environmentId={world.dev}&key={key}&overlapSeconds={overlap}"


async def test_both_keys_work_for_the_overlap_and_then_the_new_one_alone(world: World) -> None:
    reply = await world.call("POST", key_path(world, world.sk, 3_600), token=world.pat)
    assert (reply.status, reply.headers["cache-control"]) == (200, "no-store")
    new = reply.data["rawKey"]
    assert new.startswith("sk_dev_")
    assert await works(world, world.sk, new) == [True, True]
    (audit,) = await world.audits("secret_key:rotate")
    detail = json.loads(audit["detail"])
    assert (detail["successor"], detail["overlap_seconds"]) == (reply.data["id"], 3_600)
    assert (audit["actor_id"], audit["environment_id"]) == (world.user_id, world.dev)
    world.clock.advance(HOUR)
    assert await works(world, new) == [True]
    listed = (await world.call("GET", f"/v1/auth/api-keys?environmentId={world.dev}", token=world.pat)).data
    ids = [one["id"] for one in listed]
    assert (reply.data["id"] in ids, audit["target"] in ids) == (True, False)


async def test_without_an_overlap_the_old_one_is_refused_at_once(world: World) -> None:
    assert await works(world, world.sk) == [True]
    new = (await world.call("POST", key_path(world, world.sk, 0), token=world.pat)).data["rawKey"]
    assert await works(world, new, world.sk) == [True, False]


async def test_a_repeated_rotation_is_told_the_same_and_makes_nothing_new(world: World) -> None:
    token_id, old = await new_pat(world)
    first = await rotate_pat(world, token_id, headers=ONCE)
    assert (await rotate_pat(world, token_id, headers=ONCE)).body == first.body
    assert await works(world, old, first.data["token"]) == [True, True]
    other = await rotate_pat(world, token_id, headers={"Idempotency-Key": "deploy-8"})
    none = await rotate_pat(world, token_id)
    assert [reply.status for reply in (other, none)] == [409, 409]
    assert first.data["personalAccessToken"]["id"] in none.error["message"]
    world.clock.advance(10 * MINUTE)
    late = (await rotate_pat(world, token_id, headers=ONCE)).data
    assert late == {"personalAccessToken": first.data["personalAccessToken"]}, "the token is told no more"
    assert await world.db.write(auth.wipe_rotations) == 1
    assert await world.db.write(auth.wipe_rotations) == 0
    assert (await rotate_pat(world, token_id, headers=ONCE)).data == late
    assert len(await world.audits("personal:rotate")) == 1


async def test_client_credentials_are_rotated_with_what_was_exchanged_for_them(world: World) -> None:
    path = f"/v1/users/{world.user_id}/api-token"
    old = (await world.call("POST", f"{path}?tenantId={world.account_id}", token=world.pat)).data
    body = {"clientId": old["clientId"], "secret": old["secret"]}
    token = (await world.call("POST", "/v1/auth", body, token="")).body["accessToken"]
    reply = await world.call("POST", f"{path}/{old['clientId']}/rotate?overlapSeconds=7200", token=world.pat)
    new = {"clientId": reply.data["clientId"], "secret": reply.data["secret"]}
    assert new["clientId"] != old["clientId"]
    world.clock.advance(HOUR)
    late = (await world.call("POST", "/v1/auth", body, token="")).body
    assert late["expiresIn"] == "3600", "no longer than the client"
    assert (await world.call("POST", "/v1/auth", new, token="")).body["expiresIn"] == "86400"
    assert await works(world, token) == [True]
    world.clock.advance(HOUR)
    assert await works(world, token, late["accessToken"]) == [False, False]


async def test_what_is_used_after_its_overlap_ends_its_descendants(world: World) -> None:
    token_id, first = await new_pat(world)
    second = (await rotate_pat(world, token_id, 60)).data
    third = (await rotate_pat(world, second["personalAccessToken"]["id"], 60)).data
    world.clock.advance(MINUTE)
    assert await works(world, third["token"]) == [True]
    assert await works(world, first, third["token"], first) == [False, False, False]
    (told,) = await world.events("api-key:exposed")
    payload = json.loads(told["payload"])
    assert (payload["target"], payload["revoked"]) == (token_id, [third["personalAccessToken"]["id"]])
    assert payload["userId"] == world.user_id
    assert [json.loads(each["payload"])["ending"] for each in await world.events("api-key:revoked")] == ["reused"]
    assert len(await world.audits("api-key:exposed")) == 1, "once, however often it is tried"


async def test_an_old_client_secret_and_an_old_public_key(world: World) -> None:
    path = f"/v1/users/{world.user_id}/api-token"
    old = (await world.call("POST", f"{path}?tenantId={world.account_id}", token=world.pat)).data
    new = (await world.call("POST", f"{path}/{old['clientId']}/rotate?overlapSeconds=0", token=world.pat)).data
    for client, status in ((new, 200), (old, 401), (new, 401)):
        body = {"clientId": client["clientId"], "secret": client["secret"]}
        assert (await world.call("POST", "/v1/auth", body, token="")).status == status
    public = (await world.call("POST", key_path(world, world.pk, 0), token=world.pat)).data["rawKey"]
    statuses = [(await world.call("GET", "/v1/environments", token=token)).status for token in (world.pk, public)]
    assert statuses == [401, 403], "anybody may have an old public key: its use says nothing"


async def test_a_bad_rotation_names_its_fault(world: World) -> None:
    token_id, token = await new_pat(world)
    long = 30 * DAY // SECOND + 1
    for query in ("overlapSeconds=-1", f"overlapSeconds={long}", "overlapSeconds=soon"):
        reply = await world.call("POST", f"{PATS}/{token_id}/rotate?{query}", token=world.pat)
        assert (reply.status, reply.error["key"]) == (400, "overlapSeconds"), query
    reply = await rotate_pat(world, token_id, headers={"Idempotency-Key": "k" * 256})
    assert (reply.status, reply.error["key"]) == (400, "Idempotency-Key")
    assert await works(world, token) == [True]


async def test_only_ones_own_and_only_what_lives(world: World) -> None:
    token_id, _ = await new_pat(world)
    theirs = await world.call("POST", f"{PATS}/{token_id}/rotate", token=world.pat_other)
    await world.call("DELETE", f"{PATS}/{token_id}", token=world.pat)
    ended = await rotate_pat(world, token_id)
    absent = await world.call("POST", key_path(world, "us_key_absent", 0), token=world.pat)
    assert [reply.status for reply in (theirs, ended, absent)] == [404, 404, 404]
