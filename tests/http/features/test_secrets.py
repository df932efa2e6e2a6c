"""Secrets and environment variables over HTTP: scopes and their order, refusals, events and audit records."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import insert

from sheetport.features.auth.model import CredentialKind
from sheetport.features.auth.service import mint, mint_space_token
from sheetport.features.places import service as places
from sheetport.features.places.model import Place
from sheetport.features.users import service as users
from sheetport.kernel.actor import system_actor
from sheetport.storage.tables.spaces import spaces
from sheetport.storage.unit_of_work import UnitOfWork
from worlds import START, Reply, World

SPACE = "us_sp_test000000000001"
OTHER_SPACE = "us_sp_test000000000002"
LISTENER = "us_usr_nobody0000000000"


@pytest.fixture
async def spaced(world: World) -> World:
    """The world with a space in its development environment and one in production."""

    async def add(uow: UnitOfWork) -> None:
        for environment_id, space_id in ((world.dev, SPACE), (world.prod, OTHER_SPACE)):
            await places.add_place(uow, Place(environment_id, space_id, "sp", world.account_id, space_id))
            row = {"environment_id": environment_id, "id": space_id, "account_id": world.account_id, "name": "space"}
            flags = dict.fromkeys(("auto_configure", "is_app_template", "is_collaborative"), False)
            numbers = dict.fromkeys(("workbooks_count", "files_count", "token_generation"), 0)
            await uow.execute(insert(spaces).values(**row, **flags, **numbers, created_at=START, updated_at=START))

    await world.db.write(add)
    return world


@pytest.fixture
async def user_token(world: World) -> str:
    async def make(uow: UnitOfWork) -> str:
        user = await users.create_user(uow, world.account_id, "ada@example.com", "Ada")
        actor = system_actor(world.account_id)
        return (await mint(uow, actor, CredentialKind.PERSONAL, "test", user_id=user.id)).token

    return await world.db.write(make)


async def put(world: World, name: str, value: str, token: str | None = None, **scope: str) -> Reply:
    reply = await world.call("POST", "/v1/secrets", {"name": name, "value": value, **scope}, token=token)
    assert reply.status == 200, reply.body
    return reply


async def read(world: World, **params: str) -> list[dict[str, Any]]:
    reply = await world.call("GET", "/v1/secrets", params=params)
    assert reply.status == 200, reply.body
    found: list[dict[str, Any]] = reply.data
    return found


def as_listeners_see(listed: list[dict[str, Any]]) -> dict[str, str]:
    """The map that a listener makes of the list: the last of a name wins."""
    return {secret["name"]: secret["value"] for secret in listed}


async def test_a_secret_is_written_and_read_with_the_key_alone(world: World) -> None:
    written = await put(world, "EXTERNAL_API_KEY", "value-1")
    assert written.body == {
        "data": [
            {"id": written.data[0]["id"], "name": "EXTERNAL_API_KEY", "value": "value-1", "environmentId": world.dev}
        ]
    }
    assert written.data[0]["id"].startswith("us_sec_")
    reply = await world.call("GET", "/v1/secrets", params={"environmentId": world.dev, "actorId": LISTENER})
    assert reply.body == written.body
    assert reply.headers["cache-control"] == written.headers["cache-control"] == "no-store"


#: What each reader sees of: every one of the four scopes setting A; B, C and D set in one wider scope each.
IN_SPACE, OF_ACTOR = {"spaceId": SPACE}, {"actorId": "actor-1"}
WRITTEN: list[tuple[str, str, dict[str, str]]] = [
    ("A", "both", {**IN_SPACE, **OF_ACTOR}),
    ("A", "actor", OF_ACTOR),
    ("A", "space", IN_SPACE),
    ("A", "environment", {}),
    ("B", "environment", {}),
    ("C", "space", IN_SPACE),
    ("C", "actor", OF_ACTOR),
    ("D", "both", {**IN_SPACE, **OF_ACTOR}),
    ("D", "environment", {}),
]
SEEN: list[tuple[dict[str, str], dict[str, str]]] = [
    ({}, {"A": "environment", "B": "environment", "D": "environment"}),
    (IN_SPACE, {"A": "space", "B": "environment", "C": "space", "D": "environment"}),
    (OF_ACTOR, {"A": "actor", "B": "environment", "C": "actor", "D": "environment"}),
    ({**IN_SPACE, **OF_ACTOR}, {"A": "both", "B": "environment", "C": "actor", "D": "both"}),
    ({**IN_SPACE, "actorId": LISTENER}, {"A": "space", "B": "environment", "C": "space", "D": "environment"}),
    ({"actorId": "anyone at all ✓"}, {"A": "environment", "B": "environment", "D": "environment"}),
    ({"spaceId": "", "actorId": ""}, {"A": "environment", "B": "environment", "D": "environment"}),
]


async def test_the_narrower_scope_comes_later_in_the_list_and_so_wins(spaced: World) -> None:
    for name, value, scope in WRITTEN:
        await put(spaced, name, value, **scope)
    for params, seen in SEEN:
        listed = await read(spaced, environmentId=spaced.dev, **params)
        assert as_listeners_see(listed) == seen, params
        ranks = [("spaceId" in secret) + 2 * ("actorId" in secret) for secret in listed]
        assert ranks == sorted(ranks)


async def test_an_upsert_of_one_scope_leaves_the_others_and_keeps_its_id(spaced: World) -> None:
    (first,) = (await put(spaced, "url", "environment 1")).data
    (override,) = (await put(spaced, "url", "space", spaceId=SPACE)).data
    (second,) = (await put(spaced, "url", "environment 2", environmentId=spaced.dev)).data
    assert (second["id"], second["value"]) == (first["id"], "environment 2")
    assert override["id"] != first["id"]
    assert as_listeners_see(await read(spaced)) == {"url": "environment 2"}
    assert as_listeners_see(await read(spaced, spaceId=SPACE)) == {"url": "space"}


async def test_a_write_and_a_delete_answer_the_secrets_of_their_own_scope(spaced: World) -> None:
    await put(spaced, "in environment", "1")
    await put(spaced, "b", "2", spaceId=SPACE)
    (a, b) = (await put(spaced, "a", "3", spaceId=SPACE)).data
    assert [(each["name"], each["spaceId"]) for each in (a, b)] == [("a", SPACE), ("b", SPACE)]
    assert (await spaced.call("DELETE", f"/v1/secrets/{a['id']}")).body == {"data": [b]}
    assert (await spaced.call("DELETE", f"/v1/secrets/{b['id']}")).body == {"data": []}
    assert (await spaced.call("DELETE", f"/v1/secrets/{b['id']}")).status == 404
    assert as_listeners_see(await read(spaced, spaceId=SPACE)) == {"in environment": "1"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("My API key", "with spaces"),
        (" surrounded ", " kept "),
        ("ключ 🔑", "значение 🔒\nsecond line\ttab"),
        ("n" * 255, "v" * 65_536),
        ("quote'\"--;%00", "x"),
        ("Ö", "é" * 32_768),
    ],
)
async def test_names_and_values_come_back_as_written(world: World, name: str, value: str) -> None:
    await put(world, name, value)
    assert as_listeners_see(await read(world)) == {name: value}


BAD: list[tuple[dict[str, Any], int, str]] = [
    ({"value": "x"}, 400, "name"),
    ({"name": "x"}, 400, "value"),
    ({"name": "x", "value": None}, 400, "value"),
    ({"name": 5, "value": "x"}, 400, "name"),
    ({"name": "x", "value": 5}, 400, "value"),
    ({"name": "", "value": "x"}, 400, "name"),
    ({"name": "  ", "value": "x"}, 400, "name"),
    ({"name": "n" * 256, "value": "x"}, 400, "name"),
    ({"name": "a\nb", "value": "x"}, 400, "name"),
    ({"name": "a\x07b", "value": "x"}, 400, "name"),
    ({"name": "x", "value": ""}, 400, "value"),
    ({"name": "x", "value": "v" * 65_537}, 413, "value"),
    ({"name": "x", "value": "é" * 32_769}, 413, "value"),
    ({"name": "x", "value": "x", "spaceId": "us_sp_absent0000000000"}, 404, "spaceId"),
    ({"name": "x", "value": "x", "spaceId": OTHER_SPACE}, 404, "spaceId"),
    ({"name": "x", "value": "x", "spaceId": "a\x07b"}, 400, "spaceId"),
    ({"name": "x", "value": "x", "actorId": "a\x07b"}, 400, "actorId"),
    ({"name": "x", "value": "x", "environmentId": "a\x07b"}, 400, "environmentId"),
    ({"name": "x", "value": "x", "environmentId": "us_env_absent0000000000"}, 404, "environmentId"),
]


async def test_a_bad_write_names_the_field_and_changes_nothing(spaced: World) -> None:
    for body, status, key in BAD:
        reply = await spaced.call("POST", "/v1/secrets", body)
        assert (reply.status, reply.error["key"]) == (status, key), (body, reply.body)
    assert await spaced.events("secret:created") == []
    assert await spaced.audits("secret:create") == []
    assert await read(spaced) == []


async def test_a_refused_value_is_not_repeated(world: World) -> None:
    for value in ("canary" * 20_000, ["canary"]):
        reply = await world.call("POST", "/v1/secrets", {"name": "x", "value": value})
        assert reply.status in {400, 413}
        assert "canary" not in json.dumps(reply.body)


async def test_bad_reads_name_the_parameter(spaced: World) -> None:
    for params, status, key in (
        ({"spaceId": "us_sp_absent0000000000"}, 404, "spaceId"),
        ({"spaceId": OTHER_SPACE}, 404, "spaceId"),
        ({"spaceId": "a\x07b"}, 400, "spaceId"),
        ({"actorId": "a\x07b"}, 400, "actorId"),
        ({"actorId": "a" * 256}, 400, "actorId"),
        ({"environmentId": "a\x07b"}, 400, "environmentId"),
    ):
        reply = await spaced.call("GET", "/v1/secrets", params=params)
        assert (reply.status, reply.error["key"]) == (status, key), (params, reply.body)
    reply = await spaced.call("DELETE", "/v1/secrets/a%07b")
    assert (reply.status, reply.error["key"]) == (400, "secretId")


async def test_another_environments_secrets_are_not_there(world: World) -> None:
    (secret,) = (await put(world, "x", "canary")).data
    for token in (world.sk_prod, world.sk_other):
        reads = await world.call("GET", "/v1/secrets", params={"environmentId": world.dev}, token=token)
        writes = await world.call(
            "POST", "/v1/secrets", {"name": "x", "value": "y", "environmentId": world.dev}, token=token
        )
        absent = await world.call("DELETE", "/v1/secrets/us_sec_absent0000000000", token=token)
        deletes = await world.call("DELETE", f"/v1/secrets/{secret['id']}", token=token)
        assert [reads.status, writes.status, deletes.status] == [404, 404, 404]
        assert deletes.error["key"] == "secretId"
        assert deletes.error["message"].replace(secret["id"], "us_sec_absent0000000000") == absent.error["message"]
        assert (await world.call("GET", "/v1/secrets", token=token)).data == []
    assert as_listeners_see(await read(world)) == {"x": "canary"}


async def test_a_user_names_the_environment(spaced: World, user_token: str) -> None:
    for method, body in (("GET", None), ("POST", {"name": "x", "value": "y"})):
        reply = await spaced.call(method, "/v1/secrets", body, token=user_token)
        assert (reply.status, reply.error["key"]) == (400, "environmentId")
    await put(spaced, "x", "in prod", token=user_token, environmentId=spaced.prod)
    params = {"environmentId": spaced.prod}
    assert as_listeners_see((await spaced.call("GET", "/v1/secrets", params=params, token=user_token)).data) == {
        "x": "in prod"
    }
    assert await read(spaced) == []
    params = {"environmentId": spaced.dev, "spaceId": OTHER_SPACE}
    reply = await spaced.call("GET", "/v1/secrets", params=params, token=user_token)
    assert (reply.status, reply.error["key"]) == (404, "spaceId")
    params = {"environmentId": spaced.other_env}
    assert (await spaced.call("GET", "/v1/secrets", params=params, token=user_token)).status == 404


async def test_space_tokens_and_publishable_keys_may_not(spaced: World) -> None:
    (secret,) = (await put(spaced, "x", "canary")).data
    space_token = mint_space_token(spaced.db.keys, SPACE, 0, START)
    variables = f"/v1/environments/{spaced.dev}/variables"
    for token in (spaced.pk, space_token):
        for method, path, body in (
            ("GET", "/v1/secrets", None),
            ("POST", "/v1/secrets", {"name": "x", "value": "y"}),
            ("DELETE", f"/v1/secrets/{secret['id']}", None),
            ("GET", variables, None),
            ("PUT", f"{variables}/A", {"value": "y"}),
            ("DELETE", f"{variables}/A", None),
        ):
            reply = await spaced.call(method, path, body, token=token)
            assert (reply.status, reply.error["key"]) == (403, "permission"), (method, path)
            assert "canary" not in json.dumps(reply.body)


async def test_events_tell_the_name_and_the_scope_and_never_the_value(spaced: World) -> None:
    await put(spaced, "x", "canary-1", spaceId=SPACE)
    (secret,) = (await put(spaced, "x", "canary-2", spaceId=SPACE)).data
    await spaced.call("DELETE", f"/v1/secrets/{secret['id']}")
    await put(spaced, "y", "canary-3")
    told = [event for event in await spaced.events() if event["domain"] == "secret"]
    assert [event["topic"] for event in told] == [
        "secret:created",
        "secret:updated",
        "secret:deleted",
        "secret:created",
    ]
    assert [json.loads(event["payload"]) for event in told] == [{"name": "x"}] * 3 + [{"name": "y"}]
    in_space, in_environment = json.loads(told[0]["context"]), json.loads(told[3]["context"])
    assert (in_space["environmentId"], in_space["spaceId"]) == (spaced.dev, SPACE)
    assert in_environment["environmentId"] == spaced.dev
    assert "spaceId" not in in_environment
    assert "canary" not in repr(told)


async def test_each_call_leaves_its_audit_records_without_values(spaced: World) -> None:
    (secret,) = (await put(spaced, "x", "canary-1", spaceId=SPACE, actorId="actor-1")).data
    await put(spaced, "x", "canary-2", spaceId=SPACE, actorId="actor-1")
    await spaced.call("DELETE", f"/v1/secrets/{secret['id']}")
    for action, version in (("create", 1), ("update", 2), ("delete", 2)):
        (audit,) = await spaced.audits(f"secret:{action}")
        assert (audit["target"], audit["environment_id"]) == (secret["id"], spaced.dev)
        detail = {"name": "x", "version": version, "space_id": SPACE, "for_actor_id": "actor-1"}
        assert json.loads(audit["detail"]) == detail
    assert "canary" not in repr(await spaced.audits())


async def test_every_reading_of_values_is_one_audit_record(spaced: World) -> None:
    (secret,) = (await put(spaced, "x", "canary")).data
    before = len(await spaced.audits("secret:read"))
    await read(spaced, spaceId=SPACE, actorId=LISTENER)
    read_now = (await spaced.audits("secret:read"))[before:]
    assert [(audit["target"], audit["environment_id"]) for audit in read_now] == [(spaced.dev, spaced.dev)]
    assert json.loads(read_now[0]["detail"]) == {
        "secrets": [{"id": secret["id"], "name": "x"}],
        "space_id": SPACE,
        "for_actor_id": LISTENER,
    }
    assert before == 1, "the answer to the write held the value too"


async def test_a_deleted_space_hides_its_secrets(spaced: World) -> None:
    (secret,) = (await put(spaced, "x", "y", spaceId=SPACE)).data

    async def drop(uow: UnitOfWork) -> None:
        actor = system_actor(spaced.account_id)
        await places.delete_place(uow, await places.get_place(uow, actor, SPACE, "sp"))

    await spaced.db.write(drop)
    assert (await spaced.call("GET", "/v1/secrets", params={"spaceId": SPACE})).status == 404
    assert (await spaced.call("DELETE", f"/v1/secrets/{secret['id']}")).status == 404


async def test_variables_are_set_listed_and_deleted(world: World) -> None:
    path = f"/v1/environments/{world.dev}/variables"
    assert (await world.call("GET", path)).body == {"data": []}
    for name, value in (
        ("WEBHOOK_URL", "https://one.example"),
        ("_empty1", ""),
        ("WEBHOOK_URL", "https://two.example"),
    ):
        reply = await world.call("PUT", f"{path}/{name}", {"value": value})
        assert (reply.status, reply.body) == (200, {"data": {"name": name, "value": value}})
    listed = await world.call("GET", path)
    assert listed.data == [{"name": "WEBHOOK_URL", "value": "https://two.example"}, {"name": "_empty1", "value": ""}]
    assert listed.headers["cache-control"] == "no-store"
    assert await read(world) == [], "a variable is no secret"
    assert (await world.call("DELETE", f"{path}/WEBHOOK_URL")).body == {"data": {"success": True}}
    gone = await world.call("DELETE", f"{path}/WEBHOOK_URL")
    assert (gone.status, gone.error["key"]) == (404, "name")
    recorded = [audit["action"] for audit in await world.audits() if audit["action"].startswith("variable:")]
    assert sorted(recorded) == ["variable:delete", *["variable:read"] * 2, *["variable:set"] * 3]
    assert "two.example" not in repr(await world.audits())


async def test_bad_variables_name_the_field(world: World) -> None:
    path = f"/v1/environments/{world.dev}/variables"
    reserved = (
        "FLATFILE_API_KEY",
        "flatfile_x",
        "AGENT_INTERNAL_URL",
        "NODE_OPTIONS",
        "PATH",
        "LD_PRELOAD",
        "PYTHONPATH",
    )
    for name in (*reserved, "1A", "A-B", "A B", "Ä", "n" * 256):
        reply = await world.call("PUT", f"{path}/{quote(name)}", {"value": "x"})
        assert (reply.status, reply.error["key"]) == (400, "name"), name
    for body, status in (({}, 400), ({"value": 5}, 400), ({"value": "v" * 65_537}, 413)):
        reply = await world.call("PUT", f"{path}/A", body)
        assert (reply.status, reply.error["key"]) == (status, "value")
    assert (await world.call("DELETE", f"{path}/a%07b")).status == 400
    assert (await world.call("GET", path)).data == []


async def test_another_environments_variables_are_not_there(world: World) -> None:
    path = f"/v1/environments/{world.dev}/variables"
    for token in (world.sk_prod, world.sk_other):
        for method, where, body in (
            ("GET", path, None),
            ("PUT", f"{path}/A", {"value": "x"}),
            ("DELETE", f"{path}/A", None),
        ):
            reply = await world.call(method, where, body, token=token)
            assert (reply.status, reply.error["key"]) == (404, "environmentId")
