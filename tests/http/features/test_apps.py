"""Apps over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from sheetport.features.apps import service
from sheetport.features.auth.service import mint_space_token
from sheetport.features.setup import service as setup
from sheetport.features.setup.model import SetupResult
from sheetport.kernel.actor import system_actor
from sheetport.kernel.errors import Conflict
from sheetport.storage.unit_of_work import UnitOfWork
from wire_shapes import assert_shape
from worlds import World

BODY = {"name": "Imports", "namespace": "imports", "type": "PORTAL"}


async def _made(world: World, **more: Any) -> dict[str, Any]:
    reply = await world.call("POST", "/v1/apps", {**BODY, **more}, token=world.pat)
    assert reply.status == 200, reply.body
    data: dict[str, Any] = reply.data
    return data


async def test_an_app_is_made_and_comes_back_equal(world: World) -> None:
    given = {"icon": "bolt", "metadata": {"a": [1]}, "environmentFilters": {"x": 1}, "blueprint": {"b": None}}
    app = await _made(world, **given, entity="Load", entityPlural="Loads", unknown=1)
    assert_shape("App", app)
    assert {name: app[name] for name in given} == given
    assert (app["entity"], app["entityPlural"]) == ("Load", "Loads")
    assert (await world.call("GET", f"/v1/apps/{app['id']}")).data == app
    assert app in (await world.call("GET", "/v1/apps")).data
    (audit,) = await world.audits("app:create")
    assert (audit["target"], audit["actor_id"]) == (app["id"], world.user_id)


async def test_words_of_an_app_have_defaults(world: World) -> None:
    app = await _made(world)
    assert (app["entity"], app["entityPlural"]) == ("Space", "Spaces")


async def test_an_update_changes_what_it_names(world: World) -> None:
    app = await _made(world)
    world.clock.advance(1_000)
    change = {"name": "Loads", "namespace": None, "activatedAt": "2026-01-02T03:04:05.678Z"}
    changed = (await world.call("PATCH", f"/v1/apps/{app['id']}", change, token=world.pat)).data
    assert (changed["name"], changed["namespace"], changed["activatedAt"]) == (
        "Loads",
        "imports",
        change["activatedAt"],
    )
    assert changed["updatedAt"] > app["updatedAt"]
    assert len(await world.audits("app:update")) == 1


async def test_a_deleted_app_is_gone(world: World) -> None:
    app = await _made(world)
    reply = await world.call("DELETE", f"/v1/apps/{app['id']}", token=world.pat)
    assert (reply.status, reply.body) == (200, {"success": True})
    reply = await world.call("GET", f"/v1/apps/{app['id']}")
    assert (reply.status, reply.error["key"]) == (404, "appId")
    assert len(await world.audits("app:delete")) == 1


async def test_a_new_account_has_a_landing_app_that_stays(world: World) -> None:
    async def make(uow: UnitOfWork) -> SetupResult:
        return await setup.create_first_account(
            uow, account_name="New", email="new@example.com", password_hash=None, user_name="New"
        )

    made = await world.db.write(make)
    key = made.environments[0].secret_token
    (app,) = (await world.call("GET", "/v1/apps", token=key)).data
    assert_shape("App", app)
    account = (await world.call("GET", "/v1/accounts/current", token=key)).data
    assert account["defaultAppId"] == app["id"]

    async def delete(uow: UnitOfWork) -> None:
        await service.delete_app(uow, system_actor(made.account.id), app["id"])

    with pytest.raises(Conflict) as refused:
        await world.db.write(delete)
    assert refused.value.key == "appId"
    assert (await world.call("GET", f"/v1/apps/{app['id']}", token=key)).status == 200


async def test_another_accounts_app_is_not_found(world: World) -> None:
    app = await _made(world)
    for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
        reply = await world.call(method, f"/v1/apps/{app['id']}", body, token=world.pat_other)
        assert (reply.status, reply.error["key"]) == (404, "appId"), method
    assert app["id"] not in [other["id"] for other in (await world.call("GET", "/v1/apps", token=world.pat_other)).data]


async def test_a_key_reads_apps_and_changes_none(world: World) -> None:
    app = await _made(world)
    assert (await world.call("GET", f"/v1/apps/{app['id']}", token=world.sk_prod)).status == 200
    for method, path, body in (
        ("POST", "/v1/apps", BODY),
        ("PATCH", f"/v1/apps/{app['id']}", {"name": "x"}),
        ("DELETE", f"/v1/apps/{app['id']}", None),
    ):
        reply = await world.call(method, path, body)
        assert (reply.status, reply.error["key"]) == (403, "permission"), method


async def test_a_space_token_reads_no_apps(world: World) -> None:
    space = (await world.call("POST", "/v1/spaces", {})).data
    assert (await world.call("GET", "/v1/apps", token=space["accessToken"])).status == 403
    stale = mint_space_token(world.db.keys, space["id"], 7, world.clock.now())
    assert (await world.call("GET", "/v1/apps", token=stale)).status == 401


async def test_bad_bodies_name_the_field(world: World) -> None:
    for body, key in (
        ({"namespace": "a", "type": "PORTAL"}, "name"),
        ({**BODY, "type": "OTHER"}, "type"),
        ({**BODY, "name": " "}, "name"),
        ({**BODY, "icon": 5}, "icon"),
        ({**BODY, "metadata": {"a": "\0"}}, "metadata.a"),
    ):
        reply = await world.call("POST", "/v1/apps", body, token=world.pat)
        assert reply.status == 400, body
        assert reply.error["key"] in {key, "body"}, body
