"""Entitlements over HTTP: every resource may be asked for, and none has any."""

from __future__ import annotations

from worlds import World


async def test_what_the_caller_reaches_has_no_entitlements(world: World) -> None:
    space = (await world.call("POST", "/v1/spaces", {"name": "Space"})).data
    for resource in (space["id"], world.dev, world.account_id):
        reply = await world.call("GET", "/v1/entitlements", params={"resourceId": resource})
        assert (reply.status, reply.body) == (200, {"data": []}), resource
    reply = await world.call("GET", "/v1/entitlements", params={"resourceId": space["id"]}, token=space["accessToken"])
    assert reply.body == {"data": []}


async def test_what_the_caller_does_not_reach_is_not_found(world: World) -> None:
    space = (await world.call("POST", "/v1/spaces", {"name": "Space"})).data
    for token in (world.sk_prod, world.sk_other):
        for resource in (space["id"], world.dev, "us_sp_absent"):
            reply = await world.call("GET", "/v1/entitlements", params={"resourceId": resource}, token=token)
            assert (reply.status, reply.error["key"]) == (404, "resourceId"), resource
    reply = await world.call("GET", "/v1/entitlements", params={"resourceId": world.other_account_id})
    assert (reply.status, reply.error["key"]) == (404, "resourceId")
    reply = await world.call("GET", "/v1/entitlements")
    assert (reply.status, reply.error["key"]) == (400, "resourceId")
