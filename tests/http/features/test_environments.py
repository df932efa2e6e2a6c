"""Environments over HTTP: shapes, isolation, events and audit records."""

from __future__ import annotations

from worlds import World


async def test_a_secret_key_lists_only_its_own_environment(world: World) -> None:
    reply = await world.call("GET", "/v1/environments")
    assert reply.status == 200
    assert [item["id"] for item in reply.data] == [world.dev]
    assert reply.body["pagination"] == {"currentPage": 1, "pageCount": 1, "totalCount": 1}


async def test_another_environment_or_account_is_not_found(world: World) -> None:
    for foreign in (world.prod, world.other_env, "us_env_absent0000000000"):
        reply = await world.call("GET", f"/v1/environments/{foreign}")
        assert reply.status == 404
        assert reply.error["key"] == "environmentId"


async def test_a_change_is_answered_bare_told_and_audited(world: World) -> None:
    reply = await world.call("PATCH", f"/v1/environments/{world.dev}", {"metadata": {"a": 1}, "name": None})
    assert reply.status == 200
    assert (reply.body["metadata"], reply.body["name"]) == ({"a": 1}, "development")
    (event,) = await world.events("environment:updated")
    assert event["environment_id"] == world.dev
    (audit,) = await world.audits("environment:update")
    assert audit["target"] == world.dev


async def test_a_secret_key_cannot_create_environments(world: World) -> None:
    reply = await world.call("POST", "/v1/environments", {"name": "staging", "isProd": False})
    assert reply.status == 403


async def test_bad_bodies_name_the_field(world: World) -> None:
    reply = await world.call("PATCH", f"/v1/environments/{world.dev}", {"name": 5})
    assert (reply.status, reply.error["key"]) == (400, "name")
    reply = await world.call(
        "PATCH", f"/v1/environments/{world.dev}", content=b"{", headers={"Content-Type": "application/json"}
    )
    assert (reply.status, reply.error["key"]) == (400, "body")


async def test_a_deleted_environment_takes_its_keys_along(world: World) -> None:
    assert (await world.call("DELETE", f"/v1/environments/{world.dev}")).body == {"data": {"success": True}}
    assert (await world.call("GET", "/v1/environments")).status == 401
    assert len(await world.events("environment:deleted")) == 1


async def test_a_deleted_environment_takes_its_spaces_tokens_along(world: World) -> None:
    space = (await world.call("POST", "/v1/spaces", {"name": "S", "environmentId": world.dev})).data
    assert (await world.call("GET", f"/v1/spaces/{space['id']}", token=space["accessToken"])).status == 200
    await world.call("DELETE", f"/v1/environments/{world.dev}")
    assert (await world.call("GET", "/v1/spaces", token=space["accessToken"])).status == 401
