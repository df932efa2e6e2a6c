"""Spaces over HTTP: what comes back, who sees what, lists, refusals, events and audit records."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sheetport.kernel.clock import HOUR
from wire_shapes import assert_shape
from worlds import World

FULL: dict[str, Any] = {
    "name": "Acme",
    "displayOrder": 3,
    "spaceConfigId": "us_sc_1",
    "metadata": {"theme": {"root": {"primaryColor": "red"}}, "list": [1, None]},
    "settings": {
        "sidebarConfig": {"workbookSidebarOrder": ["us_wb_1"]},
        "filesMappedAfterJob": "clean",
        "extractionOptions": {"algorithm": "explicitHeaders", "headers": ["a"]},
        "omitActions": ["file.import"],
    },
    "actions": [{"operation": "go", "label": "Go", "mode": "foreground", "primary": True}],
    "access": ["*", "upload"],
    "namespace": "red",
    "labels": ["embedded", "x"],
    "translationsPath": "https://example.com/t.json",
    "languageOverride": "fr",
    "guestAuthentication": ["magic_link"],
}


async def _made(world: World, body: Any = None, **kwargs: Any) -> dict[str, Any]:
    reply = await world.call("POST", "/v1/spaces", {"name": "Acme"} if body is None else body, **kwargs)
    assert reply.status == 200, reply.body
    data: dict[str, Any] = reply.data
    return data


async def _listed(world: World, token: str | None = None, **query: Any) -> list[str]:
    reply = await world.call("GET", "/v1/spaces", token=token, params=query)
    assert reply.status == 200, reply.body
    return [space["name"] for space in reply.data]


async def test_a_space_comes_back_equal(world: World) -> None:
    space = await _made(world, FULL)
    assert_shape("Space", space)
    assert {name: space[name] for name in FULL} == FULL
    assert (space["environmentId"], space["workbooksCount"], space["filesCount"]) == (world.dev, 0, 0)
    assert "createdByUserId" not in space
    assert (await world.call("GET", f"/v1/spaces/{space['id']}")).data == space
    (event,) = await world.events("space:created")
    context = json.loads(event["context"])
    assert (context["spaceId"], context["environmentId"]) == (space["id"], world.dev)
    assert (context["accountId"], event["space_id"]) == (world.account_id, space["id"])
    assert json.loads(event["namespaces"]) == ["space:red"]
    (audit,) = await world.audits("space:create")
    assert (audit["target"], audit["environment_id"]) == (space["id"], world.dev)


async def test_an_empty_space_has_the_defaults(world: World) -> None:
    space = await _made(world, {"name": None, "unknown": True})
    assert_shape("Space", space)
    assert space["name"]
    assert (space["metadata"], space["guestAuthentication"]) == ({}, ["shared_link", "magic_link"])
    assert await world.events("job:created") == []


async def test_guest_authentication_of_the_environment_holds_until_the_space_says_otherwise(world: World) -> None:
    space = await _made(world)
    await world.call("PATCH", f"/v1/environments/{world.dev}", {"guestAuthentication": ["magic_link"]})
    assert (await world.call("GET", f"/v1/spaces/{space['id']}")).data["guestAuthentication"] == ["magic_link"]
    await world.call("PATCH", f"/v1/spaces/{space['id']}", {"guestAuthentication": ["shared_link"]})
    assert (await world.call("GET", f"/v1/spaces/{space['id']}")).data["guestAuthentication"] == ["shared_link"]


async def test_a_user_who_makes_a_space_is_named_and_names_the_environment(world: World) -> None:
    reply = await world.call("POST", "/v1/spaces", {"name": "x"}, token=world.pat)
    assert (reply.status, reply.error["key"]) == (400, "environmentId")
    space = await _made(world, {"environmentId": world.prod}, token=world.pat)
    assert (space["environmentId"], space["createdByUserId"]) == (world.prod, world.user_id)
    assert space["createdByUserName"] == "Ada"


@pytest.mark.parametrize("foreign", ["prod", "other_env", "absent"])
async def test_a_space_cannot_be_made_elsewhere(world: World, foreign: str) -> None:
    environment = getattr(world, foreign, "us_env_absent0000000000")
    reply = await world.call("POST", "/v1/spaces", {"environmentId": environment})
    assert (reply.status, reply.error["key"]) == (404, "environmentId")


async def test_the_access_token_opens_its_space_and_nothing_beside_it(world: World) -> None:
    mine, other = await _made(world), await _made(world, {"name": "other"})
    token = mine["accessToken"]
    assert mine["guestLink"].endswith(f"/space/{mine['id']}?token={token}")
    seen = (await world.call("GET", f"/v1/spaces/{mine['id']}", token=token)).data
    assert seen["accessToken"] == token
    assert (await world.call("GET", f"/v1/spaces/{other['id']}", token=token)).status == 404
    assert await _listed(world, token) == ["Acme"]
    world.clock.advance(26 * HOUR)
    assert (await world.call("GET", f"/v1/spaces/{mine['id']}", token=token)).status == 401


async def test_a_list_carries_no_tokens(world: World) -> None:
    await _made(world)
    (space,) = (await world.call("GET", "/v1/spaces")).data
    assert_shape("Space", space)
    assert "accessToken" not in space
    assert "guestLink" not in space


async def test_a_space_token_changes_how_its_space_looks_not_who_gets_in(world: World) -> None:
    space = await _made(world)
    path, token = f"/v1/spaces/{space['id']}", space["accessToken"]
    metadata = {"sidebarConfig": {"defaultPage": {"documentId": "us_dc_1"}}}
    reply = await world.call("PATCH", path, {"metadata": metadata}, token=token)
    assert (reply.status, reply.data["metadata"]) == (200, metadata)
    for body in ({"guestAuthentication": ["shared_link"]}, {"access": ["*"]}, {"namespace": "x"}):
        reply = await world.call("PATCH", path, body, token=token)
        assert (reply.status, reply.error["key"]) == (403, "permission"), body
    assert (await world.call("DELETE", path, token=token)).status == 403
    assert (await world.call("POST", "/v1/spaces", {"name": "x"}, token=token)).status == 403
    assert (await world.call("POST", f"{path}/archive", token=token)).status == 200


async def test_a_publishable_key_makes_a_space_and_reads_none(world: World) -> None:
    space = await _made(world, {"name": "embedded"}, token=world.pk)
    assert (await world.call("GET", f"/v1/spaces/{space['id']}", token=space["accessToken"])).status == 200
    for method, path in (("GET", "/v1/spaces"), ("GET", f"/v1/spaces/{space['id']}")):
        reply = await world.call(method, path, token=world.pk)
        assert (reply.status, reply.error["key"]) == (403, "permission")


async def test_auto_configure_makes_the_job_that_configures_the_space(world: World) -> None:
    space = await _made(world, {"name": "auto", "autoConfigure": True})
    for topic in ("job:created", "job:ready"):
        (event,) = await world.events(topic)
        assert json.loads(event["payload"])["job"] == "space:configure"
        assert json.loads(event["context"])["spaceId"] == space["id"]
    await _made(world, {"name": "by a page", "autoConfigure": True}, token=world.pk)
    assert len(await world.events("job:ready")) == 2


async def test_an_update_changes_what_it_names(world: World) -> None:
    space = await _made(world, FULL)
    world.clock.advance(5)
    changed = (await world.call("PATCH", f"/v1/spaces/{space['id']}", {"name": "New", "labels": None})).data
    assert (changed["name"], changed["labels"]) == ("New", FULL["labels"])
    assert changed["updatedAt"] > space["updatedAt"]
    assert_shape("Space", changed)
    (event,) = await world.events("space:updated")
    assert event["space_id"] == space["id"]
    assert len(await world.audits("space:update")) == 1


async def test_the_primary_workbook_is_one_of_the_space(world: World) -> None:
    space, other = await _made(world), await _made(world)
    workbook = (await world.call("POST", "/v1/workbooks", {"name": "W", "spaceId": space["id"]})).data
    body = {"primaryWorkbookId": workbook["id"]}
    changed = (await world.call("PATCH", f"/v1/spaces/{space['id']}", body)).data
    assert (changed["primaryWorkbookId"], changed["workbooksCount"]) == (workbook["id"], 1)
    for method, path in (("PATCH", f"/v1/spaces/{other['id']}"), ("POST", "/v1/spaces")):
        reply = await world.call(method, path, body)
        assert (reply.status, reply.error["key"]) == (400, "primaryWorkbookId"), method


async def test_an_archived_space_is_listed_only_when_asked_for(world: World) -> None:
    space = await _made(world)
    path = f"/v1/spaces/{space['id']}"
    assert (await world.call("POST", f"{path}/archive")).body == {"data": {"success": True}}
    assert (await world.call("POST", f"{path}/archive")).status == 200
    assert await _listed(world) == []
    assert await _listed(world, archived="false") == []
    assert await _listed(world, archived="true") == ["Acme"]
    assert "archivedAt" in (await world.call("GET", path)).data
    assert (await world.call("POST", f"{path}/unarchive")).body == {"data": {"success": True}}
    assert await _listed(world) == ["Acme"]
    assert [len(await world.events(f"space:{word}")) for word in ("archived", "unarchived")] == [1, 1]
    assert [len(await world.audits(f"space:{word}")) for word in ("archive", "unarchive")] == [1, 1]


async def test_an_archive_by_update_is_told_too(world: World) -> None:
    space = await _made(world)
    at = "2026-01-02T03:04:05.000Z"
    changed = (await world.call("PATCH", f"/v1/spaces/{space['id']}", {"archivedAt": at})).data
    assert changed["archivedAt"] == at
    assert len(await world.events("space:archived")) == 1
    path = f"/v1/spaces/{space['id']}"
    assert (await world.call("PATCH", path, {"name": "Still away"})).data["archivedAt"] == at
    for _ in range(2):  # the second time there is nothing to take back
        assert "archivedAt" not in (await world.call("PATCH", path, {"archivedAt": None})).data
    assert await _listed(world) == ["Still away"]
    assert len(await world.events("space:unarchived")) == len(await world.audits("space:unarchive")) == 1


async def test_a_deleted_space_takes_everything_along(world: World) -> None:
    space = await _made(world)
    body = {"name": "W", "spaceId": space["id"], "sheets": [{"name": "S", "fields": [{"key": "a"}]}]}
    workbook = (await world.call("POST", "/v1/workbooks", body)).data
    assert (await world.call("GET", f"/v1/spaces/{space['id']}", token=space["accessToken"])).status == 200
    assert (await world.call("DELETE", f"/v1/spaces/{space['id']}")).body == {"data": {"success": True}}
    for path in (f"spaces/{space['id']}", f"workbooks/{workbook['id']}", f"sheets/{workbook['sheets'][0]['id']}"):
        assert (await world.call("GET", f"/v1/{path}")).status == 404, path
    assert (await world.call("GET", "/v1/workbooks")).data == []
    assert await _listed(world, archived="true") == []
    assert (await world.call("GET", f"/v1/spaces/{space['id']}", token=space["accessToken"])).status == 401
    assert len(await world.events("space:deleted")) == 1
    assert len(await world.audits("space:delete")) == 1


async def test_many_are_deleted_all_or_none(world: World) -> None:
    ids = [(await _made(world, {"name": name}))["id"] for name in "abc"]
    foreign = await _made(world, token=world.sk_prod)
    reply = await world.call("DELETE", "/v1/spaces", params={"spaceIds": [*ids[:2], foreign["id"]]})
    assert (reply.status, reply.error["key"]) == (404, "spaceId")
    assert sorted(await _listed(world)) == ["a", "b", "c"]
    reply = await world.call("DELETE", "/v1/spaces")
    assert (reply.status, reply.error["key"]) == (400, "spaceIds")
    reply = await world.call("DELETE", "/v1/spaces", params={"spaceIds": [ids[0], ids[1], ids[1]]})
    assert reply.body == {"data": {"success": True}}
    assert await _listed(world) == ["c"]
    assert len(await world.events("space:deleted")) == 2


async def test_environments_and_accounts_know_nothing_of_each_other(world: World) -> None:
    space = await _made(world)
    path = f"/v1/spaces/{space['id']}"
    for token in (world.sk_prod, world.sk_other, world.pat_other):
        for method, target, body in (
            ("GET", path, None),
            ("PATCH", path, {"name": "mine"}),
            ("DELETE", path, None),
            ("POST", f"{path}/archive", None),
            ("POST", f"{path}/unarchive", None),
        ):
            reply = await world.call(method, target, body, token=token)
            assert (reply.status, reply.error["key"]) == (404, "spaceId"), (method, target)
        assert await _listed(world, token) == []
    reply = await world.call("GET", "/v1/spaces", token=world.sk_prod, params={"environmentId": world.dev})
    assert (reply.status, reply.error["key"]) == (404, "environmentId")


async def test_a_user_lists_the_whole_account_or_one_environment(world: World) -> None:
    await _made(world, {"name": "d"})
    await _made(world, {"name": "p"}, token=world.sk_prod)
    await _made(world, {"name": "o"}, token=world.sk_other)
    assert sorted(await _listed(world, world.pat)) == ["d", "p"]
    assert await _listed(world, world.pat, environmentId=world.prod) == ["p"]


async def test_lists_come_in_pages(world: World) -> None:
    for number in range(12):
        world.clock.advance(1)
        await _made(world, {"name": f"s{number:02}"})
    reply = await world.call("GET", "/v1/spaces")
    assert [space["name"] for space in reply.data] == [f"s{number:02}" for number in range(10)]
    assert reply.body["pagination"] == {"currentPage": 1, "pageCount": 2, "totalCount": 12}
    assert await _listed(world, pageNumber=3, pageSize=5) == ["s10", "s11"]
    reply = await world.call("GET", "/v1/spaces", params={"pageSize": 0})
    assert (reply.status, reply.error["key"]) == (400, "pageSize")


async def test_lists_are_filtered(world: World) -> None:
    app = (
        await world.call("POST", "/v1/apps", {"name": "A", "namespace": "a", "type": "CUSTOM"}, token=world.pat)
    ).data
    red = await _made(world, {"name": "100% Red", "namespace": "red", "appId": app["id"]})
    await _made(world, {"name": "Plain_space", "isAppTemplate": True, "appId": app["id"]})
    assert await _listed(world, namespace="red") == ["100% Red"]
    assert await _listed(world, namespace="") == ["Plain_space"]
    assert await _listed(world, search="0% r") == ["100% Red"]
    assert await _listed(world, search="%") == ["100% Red"]
    assert await _listed(world, search="_SPACE") == ["Plain_space"]
    assert await _listed(world, search=red["id"]) == ["100% Red"]
    assert await _listed(world, isAppTemplate="true") == ["Plain_space"]
    assert await _listed(world, isAppTemplate="false") == ["100% Red"]
    assert await _listed(world, isCollaborative="true") == []
    assert len(await _listed(world, app=app["id"])) == len(await _listed(world, appId=app["id"])) == 2
    assert await _listed(world, app="us_app_unknown") == []


async def test_lists_are_sorted(world: World) -> None:
    for name in ("b", "C", "a"):
        world.clock.advance(1)
        await _made(world, {"name": name})
    assert await _listed(world) == ["b", "C", "a"]
    assert await _listed(world, sortField="name", sortDirection="asc") == ["a", "b", "C"]
    assert await _listed(world, sortField="createdAt", sortDirection="desc") == ["a", "C", "b"]
    for field in ("workbooksCount", "filesCount", "environmentId", "createdByUserName", "lastActivityAt"):
        assert sorted(await _listed(world, sortField=field, sortDirection="desc")) == ["C", "a", "b"], field
    for query, key in (
        ({"sortField": "name"}, "sortDirection"),
        ({"sortDirection": "asc"}, "sortField"),
        ({"sortField": "size", "sortDirection": "asc"}, "sortField"),
        ({"sortField": "name", "sortDirection": "up"}, "sortDirection"),
        ({"search": "x" * 300}, "search"),
        ({"archived": "maybe"}, "archived"),
    ):
        reply = await world.call("GET", "/v1/spaces", params=query)
        assert (reply.status, reply.error["key"]) == (400, key), query


async def test_an_app_has_one_template(world: World) -> None:
    app = (
        await world.call("POST", "/v1/apps", {"name": "A", "namespace": "a", "type": "CUSTOM"}, token=world.pat)
    ).data
    template = await _made(world, {"isAppTemplate": True, "appId": app["id"]})
    assert (await world.call("PATCH", f"/v1/spaces/{template['id']}", {"isAppTemplate": True})).status == 200
    reply = await world.call("POST", "/v1/spaces", {"isAppTemplate": True, "appId": app["id"]})
    assert (reply.status, reply.error["key"]) == (409, "isAppTemplate")
    reply = await world.call("POST", "/v1/spaces", {"isAppTemplate": True})
    assert (reply.status, reply.error["key"]) == (400, "appId")
    await world.call("DELETE", f"/v1/spaces/{template['id']}")
    await _made(world, {"isAppTemplate": True, "appId": app["id"]})


async def test_bad_bodies_name_the_field(world: World) -> None:
    space = await _made(world)
    for body, key in (
        ({"name": 5}, "name"),
        ({"name": " "}, "name"),
        ({"name": "x" * 256}, "name"),
        ({"access": ["all"]}, "access[0]"),
        ({"labels": "x"}, "labels"),
        ({"guestAuthentication": ["sms"]}, "guestAuthentication[0]"),
        ({"actions": [{"mode": "sideways", "label": "x"}]}, "actions[0].mode"),
        ({"settings": {"omitActions": "all"}}, "settings.omitActions"),
        ({"displayOrder": 1.5}, "displayOrder"),
        ({"displayOrder": 2**40}, "displayOrder"),
        ({"archivedAt": "yesterday"}, "archivedAt"),
        ({"appId": "us_app_unknown"}, "appId"),
    ):
        for method, path in (("POST", "/v1/spaces"), ("PATCH", f"/v1/spaces/{space['id']}")):
            reply = await world.call(method, path, body)
            assert (reply.status, reply.error["key"]) == (400, key), (method, body)
    reply = await world.call("PATCH", f"/v1/spaces/{space['id']}", {"environmentId": world.prod})
    assert (reply.status, reply.error["key"]) == (400, "environmentId")
    reply = await world.call("POST", "/v1/spaces", [])
    assert (reply.status, reply.error["key"]) == (400, "body")
