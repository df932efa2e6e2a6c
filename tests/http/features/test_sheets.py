"""Sheets over HTTP: what comes back, slots, refusals, events and audit records."""

from __future__ import annotations

import json
from typing import Any

from sheetport.features.sheets import service
from sheetport.features.sheets.model import Sheet
from sheetport.kernel.actor import system_actor
from wire_shapes import assert_shape
from worlds import World

CONTACTS: dict[str, Any] = {
    "name": "Contacts",
    "slug": "contacts",
    "description": "Whom to call",
    "readonly": False,
    "allowAdditionalFields": True,
    "mappingConfidenceThreshold": 0.7,
    "access": ["add", "edit"],
    "metadata": {"a": 1},
    "fields": [
        {"key": "id", "type": "number", "constraints": [{"type": "unique", "config": {"level": "warn"}}]},
        {"key": "name.first", "type": "string", "label": "First", "config": {"size": "long"}},
        {"key": "kind", "type": "enum", "config": {"options": [{"value": 1, "label": "One", "color": "red"}]}},
        {"key": "boss", "type": "reference", "config": {"ref": "contacts", "key": "id", "relationship": "has-one"}},
    ],
    "actions": [{"operation": "ring", "label": "Ring", "constraints": [{"type": "hasSelection"}]}],
    "constraints": [{"name": "pair", "type": "unique", "fields": ["id", "kind"], "strategy": "hash"}],
}
ORDERS: dict[str, Any] = {"name": "Orders", "fields": [{"key": "no", "type": "string"}]}


async def _workbook(world: World, *sheets: dict[str, Any]) -> dict[str, Any]:
    space = (await world.call("POST", "/v1/spaces", {"namespace": "red"})).data
    body = {"name": "W", "spaceId": space["id"], "sheets": list(sheets or (CONTACTS, ORDERS))}
    reply = await world.call("POST", "/v1/workbooks", body)
    assert reply.status == 200, reply.body
    return {**reply.data, "token": space["accessToken"]}


async def _stored(world: World, sheet_id: str) -> Sheet:
    actor = system_actor(world.account_id)
    return await world.db.read(lambda uow: service.get_sheet(uow, actor, sheet_id))


async def test_a_sheet_comes_back_as_configured(world: World) -> None:
    workbook = await _workbook(world)
    contacts, orders = workbook["sheets"]
    assert contacts["config"] == CONTACTS
    assert (contacts["name"], contacts["slug"], contacts["metadata"]) == ("Contacts", "contacts", {"a": 1})
    assert orders["slug"] == orders["config"]["slug"] == "orders"
    for sheet in (contacts, orders):
        assert_shape("Sheet", sheet)
        assert sheet["workbookId"] == workbook["id"]
        assert sheet["recordCounts"] == {"total": 0, "valid": 0, "error": 0}
        assert (await world.call("GET", f"/v1/sheets/{sheet['id']}")).data == sheet
    assert (await world.call("GET", "/v1/sheets", params={"workbookId": workbook["id"]})).data == [contacts, orders]


async def test_new_sheets_are_told_with_their_context(world: World) -> None:
    workbook = await _workbook(world)
    told = await world.events("sheet:created")
    assert [event["space_id"] for event in told] == [workbook["spaceId"]] * 2
    context = json.loads(told[0]["context"])
    assert context["sheetId"] == workbook["sheets"][0]["id"]
    assert (context["sheetSlug"], context["workbookId"]) == ("contacts", workbook["id"])
    assert json.loads(told[0]["namespaces"]) == ["space:red"]
    assert {audit["target"] for audit in await world.audits("sheet:create")} == {s["id"] for s in workbook["sheets"]}


async def test_sheets_are_numbered_once_in_an_environment(world: World) -> None:
    first, second = await _workbook(world), await _workbook(world)
    numbers = [(await _stored(world, s["id"])).sheet_no for s in (*first["sheets"], *second["sheets"])]
    assert numbers == sorted(set(numbers))


async def test_a_slot_is_never_given_twice(world: World) -> None:
    workbook = await _workbook(world, {"name": "S", "fields": [{"key": "a"}, {"key": "b"}]})
    sheet_id = workbook["sheets"][0]["id"]
    assert (await _stored(world, sheet_id)).slots == {"a": 0, "b": 1}
    for keys, slots in ((["b"], {"b": 1}), (["c", "a", "b"], {"c": 2, "a": 3, "b": 1})):
        update = {"id": sheet_id, "fields": [{"key": key} for key in keys]}
        reply = await world.call("PATCH", f"/v1/workbooks/{workbook['id']}", {"sheets": [update]})
        assert [field["key"] for field in reply.data["sheets"][0]["config"]["fields"]] == keys
        assert (await _stored(world, sheet_id)).slots == slots
    assert (await _stored(world, sheet_id)).next_slot == 4


async def test_a_sheet_is_renamed(world: World) -> None:
    sheet = (await _workbook(world))["sheets"][0]
    world.clock.advance(5)
    body = {"name": "People", "slug": "people", "metadata": {"b": 2}, "readonly": None}
    changed = (await world.call("PATCH", f"/v1/sheets/{sheet['id']}", body)).data
    assert_shape("Sheet", changed)
    assert (changed["name"], changed["slug"], changed["metadata"]) == ("People", "people", {"b": 2})
    assert changed["config"] == {**CONTACTS, "name": "People", "slug": "people", "metadata": {"b": 2}}
    assert changed["updatedAt"] > sheet["updatedAt"]
    (event,) = await world.events("sheet:updated")
    assert json.loads(event["context"])["sheetSlug"] == "people"
    assert len(await world.audits("sheet:update")) == 1


async def test_two_sheets_never_share_a_slug(world: World) -> None:
    sheet = (await _workbook(world))["sheets"][0]
    reply = await world.call("PATCH", f"/v1/sheets/{sheet['id']}", {"slug": "orders"})
    assert (reply.status, reply.error["key"]) == (400, "slug")
    assert (await world.call("PATCH", f"/v1/sheets/{sheet['id']}", {"slug": "contacts"})).status == 200


async def test_a_deleted_sheet_is_gone(world: World) -> None:
    workbook = await _workbook(world)
    contacts, orders = workbook["sheets"]
    assert (await world.call("DELETE", f"/v1/sheets/{contacts['id']}")).body == {"data": {"success": True}}
    reply = await world.call("GET", f"/v1/sheets/{contacts['id']}")
    assert (reply.status, reply.error["key"]) == (404, "sheetId")
    assert (await world.call("GET", "/v1/sheets", params={"workbookId": workbook["id"]})).data == [orders]
    assert (await world.call("GET", f"/v1/workbooks/{workbook['id']}")).data["sheets"] == [orders]
    (event,) = await world.events("sheet:deleted")
    assert json.loads(event["context"])["sheetId"] == contacts["id"]
    assert len(await world.audits("sheet:delete")) == 1


async def test_nobody_else_reaches_a_sheet(world: World) -> None:
    workbook, beside = await _workbook(world), await _workbook(world)
    path = f"/v1/sheets/{workbook['sheets'][0]['id']}"
    calls: list[tuple[str, Any]] = [("GET", None), ("PATCH", {"name": "mine"}), ("DELETE", None)]
    for token in (world.sk_prod, world.sk_other, world.pat_other, beside["token"]):
        for method, body in calls[:1] if token == beside["token"] else calls:
            reply = await world.call(method, path, body, token=token)
            assert (reply.status, reply.error["key"]) == (404, "sheetId"), method
        reply = await world.call("GET", "/v1/sheets", token=token, params={"workbookId": workbook["id"]})
        assert (reply.status, reply.error["key"]) == (404, "workbookId")
    assert (await world.call("GET", path, token=world.pk)).status == 403
    assert (await world.call("GET", path, token=workbook["token"])).status == 200


async def test_a_space_token_reads_sheets_and_changes_none(world: World) -> None:
    workbook = await _workbook(world)
    sheet = workbook["sheets"][0]
    update = {"sheets": [{"id": sheet["id"], "readonly": True}]}
    for method, path, body in (
        ("PATCH", f"/v1/sheets/{sheet['id']}", {"name": "mine"}),
        ("DELETE", f"/v1/sheets/{sheet['id']}", None),
        ("PATCH", f"/v1/workbooks/{workbook['id']}", update),
    ):
        reply = await world.call(method, path, body, token=workbook["token"])
        assert (reply.status, reply.error["key"]) == (403, "permission"), method
    assert (await world.call("GET", f"/v1/sheets/{sheet['id']}", token=workbook["token"])).data == sheet


async def test_bad_calls_name_the_field(world: World) -> None:
    sheet = (await _workbook(world))["sheets"][0]
    reply = await world.call("GET", "/v1/sheets")
    assert (reply.status, reply.error["key"]) == (400, "workbookId")
    for body, key in (({"name": ""}, "name"), ({"slug": 5}, "slug")):
        reply = await world.call("PATCH", f"/v1/sheets/{sheet['id']}", body)
        assert (reply.status, reply.error["key"]) == (400, key), body
