"""Stored constraints of an app over HTTP, and the constraints of fields that listeners are to check."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from sheetport.features.constraints.model import MAX_FUNCTION
from wire_shapes import assert_shape
from worlds import Reply, World

ODD = {
    "validator": "odd",
    "label": "Odd",
    "description": "An odd number",
    "function": "function constraint(value, key, { record }) { if (value % 2 === 0) record.addError(key, 'Odd?') }",
    "options": {"properties": [{"key": "strict", "type": "boolean"}], "none": None},
}


@pytest.fixture
async def app(world: World) -> str:
    body = {"name": "Imports", "namespace": "imports", "type": "PORTAL"}
    return str((await world.call("POST", "/v1/apps", body, token=world.pat)).data["id"])


async def add(world: World, app: str, **body: Any) -> Reply:
    return await world.call("POST", f"/v1/apps/{app}/constraints", {**ODD, **body}, token=world.pat)


async def test_a_constraint_is_made_and_comes_back_equal(world: World, app: str) -> None:
    made = (await add(world, app, appId=app)).data
    assert_shape("ConstraintResource", made)
    assert {name: made[name] for name in ODD} == ODD
    path = f"/v1/apps/{app}/constraints"
    assert (await world.call("GET", f"{path}/{made['id']}")).data == made
    assert (await world.call("GET", path, params={"includeBuiltins": "true"})).data == [made]
    assert (await world.call("GET", f"{path}/{made['id']}/versions/1")).data == {**made, "version": 1}
    (audit,) = await world.audits("constraint:create")
    assert (audit["target"], audit["actor_id"], audit["account_id"]) == (made["id"], world.user_id, world.account_id)


async def test_each_change_is_a_version_and_the_versions_before_it_stay(world: World, app: str) -> None:
    made = (await add(world, app)).data
    path = f"/v1/apps/{app}/constraints/{made['id']}"
    world.clock.advance(1_000)
    change = {"function": "() => {}", "label": None, "validator": "ignored"}
    changed = (await world.call("PATCH", path, change, token=world.pat)).data
    assert changed == {**made, "function": "() => {}", "updatedAt": changed["updatedAt"]}
    assert changed["updatedAt"] > made["updatedAt"]
    again = await world.call("PATCH", path, {**ODD, "function": "() => {}"}, token=world.pat)
    assert again.data == changed  # as a listener says it at each start
    versions = (await world.call("GET", f"{path}/versions")).data
    assert versions == [{**made, "version": 1}, {**changed, "version": 2}]
    for version in versions:
        assert_shape("ConstraintVersionResource", version)
        assert (await world.call("GET", f"{path}/versions/{version['version']}")).data == version
    assert (await world.call("GET", path)).data == changed
    assert [audit["target"] for audit in await world.audits("constraint:update")] == [made["id"]]


async def test_changes_at_once_are_one_version_each(world: World, app: str) -> None:
    made = (await add(world, app)).data
    path = f"/v1/apps/{app}/constraints/{made['id']}"
    texts = [f"text {number}" for number in range(5)]
    replies = await asyncio.gather(
        *(world.call("PATCH", path, {"description": text}, token=world.pat) for text in texts),
        *(add(world, app, validator="new") for _ in range(3)),
    )
    assert sorted(reply.status for reply in replies) == [200] * 6 + [409] * 2
    versions = (await world.call("GET", f"{path}/versions")).data
    assert [version["version"] for version in versions] == [1, 2, 3, 4, 5, 6]
    assert sorted(version["description"] for version in versions[1:]) == texts


async def test_a_deleted_constraint_is_gone_and_its_name_free(world: World, app: str) -> None:
    made = (await add(world, app)).data
    path = f"/v1/apps/{app}/constraints/{made['id']}"
    reply = await world.call("DELETE", path, token=world.pat)
    assert (reply.status, reply.body) == (200, {"success": True})
    for gone in (path, f"{path}/versions", f"{path}/versions/1"):
        assert (await world.call("GET", gone)).status == 404
    assert (await world.call("DELETE", path, token=world.pat)).error["key"] == "constraintId"
    assert [audit["target"] for audit in await world.audits("constraint:delete")] == [made["id"]]
    assert (await add(world, app)).data["id"] != made["id"]


async def test_the_name_of_a_constraint_is_made_of_its_label(world: World, app: str) -> None:
    made = (await add(world, app, validator=None, label="Größe (in cm)")).data
    assert made["validator"] == "groe-in-cm"


async def test_what_is_no_constraint_is_refused(world: World, app: str) -> None:
    assert (await add(world, app)).status == 200
    refusals: list[tuple[dict[str, Any], int, str]] = [
        ({"validator": None, "label": None}, 400, "validator"),
        ({"validator": "  "}, 400, "validator"),
        ({"validator": 5}, 400, "validator"),
        ({"function": "x" * (MAX_FUNCTION + 1)}, 400, "function"),
        ({"label": "x" * 2_001}, 400, "label"),
        ({"appId": "us_app_other"}, 400, "appId"),
        ({}, 409, "validator"),
    ]
    for body, status, key in refusals:
        reply = await add(world, app, **body)
        assert (reply.status, reply.error["key"]) == (status, key), body
    assert len(await world.audits("constraint:create")) == 1


async def test_a_constraint_is_found_in_its_own_app_only(world: World, app: str) -> None:
    made = (await add(world, app)).data
    body = {"name": "Other", "namespace": "other", "type": "PORTAL"}
    for token in (world.pat, world.pat_other):
        other = (await world.call("POST", "/v1/apps", body, token=token)).data["id"]
        path = f"/v1/apps/{other}/constraints"
        assert (await world.call("GET", path, token=token)).data == []
        for method in ("GET", "PATCH", "DELETE"):
            change = {"label": "x"} if method == "PATCH" else None
            reply = await world.call(method, f"{path}/{made['id']}", change, token=token)
            assert (reply.status, reply.error["key"]) == (404, "constraintId")
    path = f"/v1/apps/{app}/constraints/{made['id']}"
    assert (await world.call("GET", path, token=world.sk_other)).error["key"] == "appId"
    for number in (0, 2, -1, 10**30, "one", "²"):
        assert (await world.call("GET", f"{path}/versions/{number}")).error["key"] == "version"
    assert (await world.call("PATCH", path, {"label": "x"})).status == 403  # a key of one environment
    assert (await world.call("GET", path)).data == made


async def test_fields_keep_the_version_they_name_and_what_listeners_are_to_check(world: World, app: str) -> None:
    """As npm's plugins for constraints read it: the sheet's configuration, and the app of the space."""
    made = (await add(world, app)).data
    space = (await world.call("POST", "/v1/spaces", {"name": "Space", "appId": app})).data
    stored = {"type": "stored", "validator": "odd", "version": 1, "config": {"strict": True}}
    external = {"type": "external", "validator": "known", "config": {"list": [1, None]}, "label": "Known"}
    whole = {"type": "external", "validator": "pair", "fields": ["a", "b"], "config": {"sum": 1}}
    fields = [{"key": "a", "type": "number", "constraints": [stored, external]}, {"key": "b", "type": "number"}]
    sheet = {"name": "Numbers", "slug": "numbers", "fields": fields, "constraints": [whole]}
    book = (await world.call("POST", "/v1/workbooks", {"name": "B", "spaceId": space["id"], "sheets": [sheet]})).data
    path = f"/v1/apps/{app}/constraints/{made['id']}"
    assert (await world.call("PATCH", path, {"function": "() => {}"}, token=world.pat)).status == 200
    config = (await world.call("GET", f"/v1/sheets/{book['sheets'][0]['id']}")).data["config"]
    assert config["fields"][0]["constraints"] == [stored, external]
    assert config["constraints"] == [whole]
    app_id = (await world.call("GET", f"/v1/spaces/{space['id']}")).data["appId"]
    (newest,) = (await world.call("GET", f"/v1/apps/{app_id}/constraints")).data
    named = (await world.call("GET", f"{path}/versions/{stored['version']}")).data
    assert (newest["function"], named["function"]) == ("() => {}", ODD["function"])
