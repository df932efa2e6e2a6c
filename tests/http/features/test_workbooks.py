"""Workbooks over HTTP: what comes back, how an update meets the sheets, lists, refusals, events, audit records."""

from __future__ import annotations

import json
from typing import Any

import flatfile

from wire_shapes import assert_shape
from worlds import World

FULL: dict[str, Any] = {
    "name": "Customers",
    "namespace": "blue",
    "labels": ["pinned", "x"],
    "actions": [{"operation": "submit", "label": "Submit", "mode": "foreground", "primary": True}],
    "settings": {"trackChanges": True, "sheetSidebarOrder": ["us_sh_1"], "later": {"a": 1}},
    "metadata": {"a": [None, 1]},
    "treatments": ["SMALL_DATA"],
    "folder": "in",
}
SHEETS: list[dict[str, Any]] = [
    {"name": "People", "slug": "people", "fields": [{"key": "a", "type": "string"}], "metadata": {"m": 1}},
    {"name": "Places", "slug": "places", "fields": [{"key": "b", "type": "number"}]},
]


async def _space(world: World, **kwargs: Any) -> dict[str, Any]:
    data: dict[str, Any] = (await world.call("POST", "/v1/spaces", {"name": "S"}, **kwargs)).data
    return data


async def _made(world: World, space: dict[str, Any] | None = None, **body: Any) -> dict[str, Any]:
    space_id = (space or await _space(world))["id"]
    reply = await world.call("POST", "/v1/workbooks", {"name": "W", "spaceId": space_id, **body})
    assert reply.status == 200, reply.body
    data: dict[str, Any] = reply.data
    return data


async def _listed(world: World, token: str | None = None, **query: Any) -> list[str]:
    reply = await world.call("GET", "/v1/workbooks", token=token, params=query)
    assert reply.status == 200, reply.body
    return [workbook["name"] for workbook in reply.data]


async def _patched(world: World, workbook: dict[str, Any], **body: Any) -> dict[str, Any]:
    reply = await world.call("PATCH", f"/v1/workbooks/{workbook['id']}", body)
    assert reply.status == 200, reply.body
    data: dict[str, Any] = reply.data
    return data


async def test_a_workbook_comes_back_equal(world: World) -> None:
    space = await _space(world)
    workbook = await _made(world, space, **FULL, sheets=SHEETS, environmentId=world.dev)
    assert_shape("Workbook", workbook)
    assert {name: workbook[name] for name in FULL} == FULL
    assert [sheet["config"] for sheet in workbook["sheets"]] == SHEETS
    assert (workbook["spaceId"], workbook["environmentId"]) == (space["id"], world.dev)
    assert (await world.call("GET", f"/v1/workbooks/{workbook['id']}")).data == workbook
    assert (await world.call("GET", "/v1/workbooks")).data == [workbook]
    assert (await world.call("GET", f"/v1/spaces/{space['id']}")).data["workbooksCount"] == 1
    (event,) = await world.events("workbook:created")
    assert json.loads(event["context"])["workbookId"] == workbook["id"]
    assert (event["space_id"], json.loads(event["namespaces"])) == (space["id"], ["workbook:blue"])
    (audit,) = await world.audits("workbook:create")
    assert (audit["target"], audit["environment_id"]) == (workbook["id"], world.dev)


async def test_a_space_token_makes_workbooks_in_its_space_only(world: World) -> None:
    mine, other = await _space(world), await _space(world)
    reply = await world.call("POST", "/v1/workbooks", {"name": "W"}, token=mine["accessToken"])
    assert (reply.status, reply.data["spaceId"]) == (200, mine["id"])
    body = {"name": "W", "spaceId": other["id"]}
    reply = await world.call("POST", "/v1/workbooks", body, token=mine["accessToken"])
    assert (reply.status, reply.error["key"]) == (404, "spaceId")
    await _made(world, other, name="beside")
    assert await _listed(world, mine["accessToken"]) == ["W"]
    reply = await world.call("GET", "/v1/workbooks", token=mine["accessToken"], params={"spaceId": other["id"]})
    assert (reply.status, reply.error["key"]) == (404, "spaceId")


async def test_an_update_meets_sheets_by_id_and_by_slug_and_leaves_the_rest(world: World) -> None:
    workbook = await _made(world, sheets=[*SHEETS, {"name": "Rest", "fields": [{"key": "r"}]}])
    people, places, rest = workbook["sheets"]
    changed = await _patched(
        world,
        workbook,
        sheets=[
            {"id": people["id"], "slug": "persons", "readonly": True},
            {"slug": "places", "config": {"name": "Spots", "fields": [{"key": "c", "type": "date"}]}},
            {"name": "New one", "fields": [{"key": "n"}]},
        ],
    )
    assert [sheet["id"] for sheet in changed["sheets"][:3]] == [people["id"], places["id"], rest["id"]]
    assert changed["sheets"][0]["config"] == {**people["config"], "slug": "persons", "readonly": True}
    assert changed["sheets"][1]["config"] == {
        "name": "Spots",
        "slug": "places",
        "fields": [{"key": "c", "type": "date"}],
    }
    assert changed["sheets"][2] == rest
    assert (changed["sheets"][3]["name"], changed["sheets"][3]["slug"]) == ("New one", "new-one")
    assert_shape("Workbook", changed)
    told = [len(await world.events(f"sheet:{word}")) for word in ("created", "updated", "deleted")]
    assert told == [4, 2, 0]
    assert [len(await world.events(f"workbook:{word}")) for word in ("created", "updated")] == [1, 1]


async def test_actions_of_a_sheet_are_changed_without_its_fields(world: World) -> None:
    workbook = await _made(world, sheets=SHEETS)
    actions = [{"operation": "go", "label": "Go"}]
    changed = await _patched(world, workbook, sheets=[{"slug": "people", "actions": actions}])
    assert changed["sheets"][0]["config"] == {**SHEETS[0], "actions": actions}


async def test_a_sheet_as_it_was_read_can_be_sent_back(world: World) -> None:
    workbook = await _made(world, **FULL, sheets=SHEETS)
    world.clock.advance(5)
    changed = await _patched(world, workbook, sheets=workbook["sheets"], name="Renamed", labels=None)
    assert [sheet["config"] for sheet in changed["sheets"]] == SHEETS
    assert (changed["name"], changed["labels"]) == ("Renamed", FULL["labels"])
    assert changed["updatedAt"] > workbook["updatedAt"]
    assert len(await world.audits("workbook:update")) == 1


async def test_a_deleted_workbook_takes_its_sheets_along(world: World) -> None:
    space = await _space(world)
    workbook = await _made(world, space, sheets=SHEETS)
    assert (await world.call("DELETE", f"/v1/workbooks/{workbook['id']}")).body == {"data": {"success": True}}
    for path in (f"workbooks/{workbook['id']}", f"sheets/{workbook['sheets'][0]['id']}"):
        assert (await world.call("GET", f"/v1/{path}")).status == 404
    assert await _listed(world) == []
    assert (await world.call("GET", f"/v1/spaces/{space['id']}")).data["workbooksCount"] == 0
    assert [len(await world.events(topic)) for topic in ("workbook:deleted", "sheet:deleted")] == [1, 2]
    (audit,) = await world.audits("workbook:delete")
    assert audit["target"] == workbook["id"]


async def test_lists_are_filtered(world: World) -> None:
    first, second = await _space(world), await _space(world)
    await _made(world, first, name="a", labels=["file", "x"], namespace="red")
    world.clock.advance(1)
    await _made(world, second, name="b", treatments=["SMALL_DATA"])
    assert await _listed(world) == ["a", "b"]
    assert await _listed(world, spaceId=second["id"]) == ["b"]
    assert (await _listed(world, name="a"), await _listed(world, name="-a")) == (["a"], ["b"])
    assert (await _listed(world, namespace="red"), await _listed(world, namespace="-red")) == (["a"], ["b"])
    assert (await _listed(world, label="file"), await _listed(world, label="-file")) == (["a"], ["b"])
    assert await _listed(world, treatment="SMALL_DATA") == ["b"]
    assert await _listed(world, treatment="-SMALL_DATA") == ["a"]
    reply = await world.call("GET", "/v1/workbooks", params={"includeSheets": "false"})
    assert all("sheets" not in workbook for workbook in reply.data)
    assert "pagination" not in reply.body


async def test_environments_and_accounts_know_nothing_of_each_other(world: World) -> None:
    workbook = await _made(world, sheets=SHEETS)
    beside = (await _space(world))["accessToken"]
    path = f"/v1/workbooks/{workbook['id']}"
    for token in (world.sk_prod, world.sk_other, world.pat_other, beside):
        assert await _listed(world, token) == []
        for method, body in (("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)):
            reply = await world.call(method, path, body, token=token)
            assert (reply.status, reply.error["key"]) == (404, "workbookId"), method
        body = {"name": "W", "spaceId": workbook["spaceId"]}
        assert (await world.call("POST", "/v1/workbooks", body, token=token)).status == 404
    assert await _listed(world, world.pat) == ["W"]
    assert (await world.call("GET", path, token=world.pk)).status == 403
    assert (await world.call("GET", path, token="")).status == 401


async def test_bad_bodies_name_the_field(world: World) -> None:
    space_id = (await _space(world))["id"]
    field = {"key": "a", "type": "string"}
    for body, key in (
        ({"spaceId": space_id}, "name"),
        ({"name": "", "spaceId": space_id}, "name"),
        ({"name": "W"}, "spaceId"),
        ({"name": "W", "spaceId": space_id, "environmentId": world.prod}, "environmentId"),
        ({"name": "W", "spaceId": space_id, "labels": [1]}, "labels[0]"),
        ({"name": "W", "spaceId": space_id, "treatments": ["BIG"]}, "treatments[0]"),
        ({"name": "W", "spaceId": space_id, "settings": {"trackChanges": "yes"}}, "settings.trackChanges"),
        ({"name": "W", "spaceId": space_id, "actions": [{}]}, "actions[0].label"),
        ({"name": "W", "spaceId": space_id, "sheets": "S"}, "sheets"),
        ({"name": "W", "spaceId": space_id, "sheets": [{"name": "S"}]}, "sheets[0].fields"),
        (
            {"name": "W", "spaceId": space_id, "sheets": [{"name": "S", "fields": [{"key": "a", "type": "x"}]}]},
            "sheets[0].fields[0].type",
        ),
        (
            {"name": "W", "spaceId": space_id, "sheets": [{"name": "S", "slug": "s", "fields": [field]}] * 2},
            "sheets[1].slug",
        ),
    ):
        reply = await world.call("POST", "/v1/workbooks", body)
        assert (reply.status, reply.error["key"]) == (400, key), body
    reply = await world.call("POST", "/v1/workbooks", {"name": "W", "spaceId": "us_sp_absent"})
    assert (reply.status, reply.error["key"]) == (404, "spaceId")


async def test_an_update_that_cannot_be_met_changes_nothing(world: World) -> None:
    workbook = await _made(world, sheets=SHEETS)
    for body, key in (
        ({"sheets": [{"id": "us_sh_absent", "name": "x"}]}, "sheets[0].id"),
        ({"sheets": [{"slug": "absent"}]}, "sheets[0]"),
        ({"sheets": [{"slug": "people"}, {"slug": "people"}]}, "sheets[1]"),
        ({"sheets": [{"id": workbook["sheets"][0]["id"], "slug": "places"}]}, "sheets"),
        ({"sheets": [{"name": "N", "slug": "n", "fields": []}] * 2}, "sheets[1].slug"),
        ({"sheets": [{"slug": "people", "fields": [{"key": "a", "type": "x"}]}]}, "sheets[0].fields[0].type"),
        ({"spaceId": "us_sp_elsewhere"}, "spaceId"),
        ({"environmentId": world.prod}, "environmentId"),
        ({"name": ""}, "name"),
    ):
        reply = await world.call("PATCH", f"/v1/workbooks/{workbook['id']}", {"labels": ["new"], **body})
        assert (reply.status, reply.error["key"]) == (400, key), body
    assert (await world.call("GET", f"/v1/workbooks/{workbook['id']}")).data == workbook
    assert await world.events("workbook:updated") == []


async def test_the_public_python_client_makes_reads_changes_and_deletes(world: World) -> None:
    client = flatfile.AsyncFlatfile(base_url="http://sheetport.test/v1", token=world.sk, httpx_client=world.client)
    space = (await client.spaces.create(name="S", metadata={"a": 1}, auto_configure=False)).data
    config = flatfile.SheetConfig(name="People", slug="people", fields=[flatfile.Property_String(key="a", label="A")])
    action = flatfile.Action(operation="go", label="Go", mode="foreground")
    made = (await client.workbooks.create(name="W", space_id=space.id, sheets=[config], actions=[action])).data
    (listed,) = (await client.workbooks.list(space_id=space.id)).data
    assert listed.sheets is not None
    assert (listed.id, listed.sheets[0].config.fields[0].key) == (made.id, "a")
    update = flatfile.SheetConfigOrUpdate(slug="people", name="Persons", fields=[flatfile.Property_Number(key="b")])
    changed = (await client.workbooks.update(made.id, sheets=[update])).data
    assert changed.sheets is not None
    assert [sheet.name for sheet in changed.sheets] == ["Persons"]
    assert (await client.sheets.list(workbook_id=made.id)).data[0].record_counts is not None
    assert (await client.spaces.list(search="s")).pagination is not None
    assert (await client.spaces.update(space.id, primary_workbook_id=made.id)).data.primary_workbook_id == made.id
    assert (await client.workbooks.delete(made.id)).data is not None
    assert (await client.spaces.bulk_delete(space_ids=[space.id, space.id])).data is not None
    assert (await client.spaces.list()).data == []
