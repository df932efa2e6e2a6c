"""How a customer's page begins a space with a publishable key."""

from __future__ import annotations

import json
from typing import Any

import pytest

from wire_shapes import assert_shape
from worlds import Reply, World

SPACE: dict[str, Any] = {
    "name": "Embedded",
    "autoConfigure": False,
    "labels": ["embedded"],
    "namespace": "portal",
    "metadata": {"theme": {}, "sidebarConfig": {"showSidebar": False}, "userInfo": {"userId": "7"}},
}
WORKBOOK: dict[str, Any] = {
    "name": "Contacts",
    "sheets": [{"name": "Contacts", "slug": "contacts", "fields": [{"key": "name", "type": "string"}]}],
    "actions": [{"operation": "simpleSubmitAction", "label": "Submit"}],
}


async def _init(world: World, body: Any, key: str | None = None, kind: str = "text/plain;charset=UTF-8") -> Reply:
    """As the page's script sends it: JSON called text, and the key in the address."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    path = "/api/v1/internal/spaces/init"
    params = {} if key == "" else {"publishableKey": key or world.pk}
    return await world.call("POST", path, token="", params=params, content=content, headers={"Content-Type": kind})


async def test_a_page_gets_a_space_with_its_workbook(world: World) -> None:
    body = {"space": SPACE, "workbook": WORKBOOK, "document": None, "externalActorId": "ada"}
    reply = await _init(world, body)
    assert reply.status == 200, reply.body
    made = reply.data
    assert set(made) == {"space", "workbooks", "documents", "actor", "entitlements", "environment"}
    assert_shape("Space", made["space"])
    (workbook,) = made["workbooks"]
    assert_shape("Workbook", workbook)
    assert_shape("Environment", made["environment"])
    assert {name: made["space"][name] for name in SPACE} == SPACE
    assert [sheet["slug"] for sheet in workbook["sheets"]] == ["contacts"]
    assert workbook["actions"] == WORKBOOK["actions"]
    assert (made["documents"], made["entitlements"]) == ([], [])
    assert (made["actor"]["type"], made["actor"]["externalId"]) == ("guest", "ada")
    assert made["environment"]["id"] == made["space"]["environmentId"] == world.dev
    assert f"?token={made['space']['accessToken']}" in made["space"]["guestLink"]
    for topic in ("space:created", "workbook:created", "sheet:created"):
        (event,) = await world.events(topic)
        assert event["space_id"] == made["space"]["id"], topic
    assert {audit["actor_kind"] for audit in await world.audits("space:create")} == {"publishable_key"}


async def test_the_token_of_the_reply_works_on_with_the_space(world: World) -> None:
    made = (await _init(world, {"space": SPACE, "workbook": WORKBOOK}, kind="application/json")).data
    token, workbook = made["space"]["accessToken"], made["workbooks"][0]
    page = {"workbook": {"workbookId": workbook["id"], "sheetId": workbook["sheets"][0]["id"]}}
    body = {"metadata": {**SPACE["metadata"], "sidebarConfig": {"defaultPage": page}}}
    reply = await world.call("PATCH", f"/v1/spaces/{made['space']['id']}", body, token=token)
    assert (reply.status, reply.data["metadata"]["sidebarConfig"]["defaultPage"]) == (200, page)
    reply = await world.call("GET", "/v1/sheets", token=token, params={"workbookId": workbook["id"]})
    assert [sheet["slug"] for sheet in reply.data] == ["contacts"]


async def test_a_space_without_a_workbook_is_configured_by_a_listener(world: World) -> None:
    made = (await _init(world, {"space": {**SPACE, "autoConfigure": True}})).data
    assert made["workbooks"] == []
    (event,) = await world.events("job:ready")
    assert json.loads(event["payload"])["job"] == "space:configure"


async def test_a_page_gets_the_document_it_describes(world: World) -> None:
    document = {"title": "Welcome", "body": "# Hello", "defaultPage": True}
    made = (await _init(world, {"space": SPACE, "document": document})).data
    (shown,) = made["documents"]
    assert_shape("Document", shown)
    assert (shown["title"], shown["body"], shown["spaceId"]) == ("Welcome", "# Hello", made["space"]["id"])
    (event,) = await world.events("document:created")
    assert json.loads(event["context"])["documentId"] == shown["id"]
    token = made["space"]["accessToken"]
    reply = await world.call("GET", f"/v1/spaces/{made['space']['id']}/documents", token=token)
    assert reply.data == [shown]


async def test_a_workbook_needs_no_name(world: World) -> None:
    made = (await _init(world, {"space": SPACE, "workbook": {"sheets": WORKBOOK["sheets"]}})).data
    assert made["workbooks"][0]["name"]


@pytest.mark.parametrize("key", ["", "sk", "pk_unknown", "pat"])
async def test_only_a_publishable_key_begins_a_space(world: World, key: str) -> None:
    reply = await _init(world, {"space": SPACE}, getattr(world, key, key))
    assert (reply.status, reply.error["key"]) == (401, "publishableKey")
    assert "pk_" in reply.error["message"]
    assert await world.events("space:created") == []


async def test_bad_bodies_name_the_field_and_leave_nothing(world: World) -> None:
    for body, key in (
        (b"{", "body"),
        (b"", "body"),
        ([], "general"),
        ({}, "space"),
        ({"space": "x"}, "space"),
        ({"space": {"name": 5}}, "space.name"),
        ({"space": {**SPACE, "actions": [{"label": 1}]}}, "space.actions[0].label"),
        ({"space": SPACE, "workbook": {"sheets": [{"name": "S"}]}}, "workbook.sheets[0].fields"),
        ({"space": SPACE, "workbook": {"sheets": [], "labels": 1}}, "workbook.labels"),
        ({"space": SPACE, "document": {"title": "Hi"}}, "document.body"),
        ({"space": SPACE, "document": {"title": " ", "body": "x"}}, "title"),
        ({"space": SPACE, "document": {"title": "Hi", "body": "", "actions": [{}]}}, "document.actions[0].label"),
        ({"space": {**SPACE, "displayOrder": "x"}}, "space.displayOrder"),
    ):
        reply = await _init(world, body)
        assert (reply.status, reply.error["key"]) == (400, key), body
    reply = await _init(world, {"space": {**SPACE, "environmentId": world.prod}})
    assert (reply.status, reply.error["key"]) == (404, "environmentId")
    reply = await _init(world, {"space": SPACE, "workbook": {"name": "W", "environmentId": world.prod}})
    assert (reply.status, reply.error["key"]) == (400, "environmentId")
    assert await world.events("space:created") == []
